#include "../harness.h"

namespace tfjs::test {
namespace {

struct Shape {
  int64_t outer, reduce, inner;
  std::vector<int64_t> x() const { return {outer, reduce, inner}; }
  std::vector<int64_t> y() const { return {outer, inner}; }
};

std::vector<Shape> shapes(Suite& suite) {
  std::vector<Shape> list = {
      // The seed CNN's bias gradients, its loss and its accuracy.
      {1, 32 * 26 * 26, 32},
      {1, 32 * 11 * 11, 64},
      {1, 32, 10},
      {32, 10, 1},
      {1, 32, 1},
      // Nothing comes out; one row; one element.
      {0, 3, 4},
      {3, 2, 0},
      {5, 1, 7},
      {1, 1, 1},
      {1, 1, 1000},
      {1000, 1, 1},
      // Several blocks, with and without a rest, of wide and narrow rows.
      {1, 40000, 1},
      {2, 33333, 3},
      {3, 7001, 10},
      {1, 1025, 300},
      {2, 513, 129},
      {7, 40, 1000},
      {5000, 12, 1},
      {300, 5, 20},
  };
  for (int64_t n : edge_lengths()) {
    if (n > 0) list.push_back({1, n, 1});
    if (n > 0 && n < 2000) {
      list.push_back({3, n, 1});
      list.push_back({2, 3, n});
      list.push_back({1, 70, n});
      list.push_back({2, n, 5});
    }
  }
  for (int64_t inner = 1; inner < 40; inner++) list.push_back({2, 150, inner});
  for (int i = 0; i < 40 * repeats(); i++)
    list.push_back({suite.draw(1, 10), suite.draw(1, 300), suite.draw(1, 80)});
  return list;
}

// dtypes are x's and y's.
void add_all(Suite& suite, const std::vector<std::pair<DType, DType>>& dtypes,
             const std::vector<Fill>& float_fills) {
  for (const Shape& s : shapes(suite)) {
    for (const auto& [in, out] : dtypes) {
      for (Fill fill : in == DType::Float32 ? float_fills : std::vector<Fill>{Fill::Whole})
        suite.add({{in, s.x(), fill, {}, false}}, {{out, s.y(), fill, {}, false}});
    }
  }
}

constexpr DType kFloat = DType::Float32, kInt = DType::Int32, kBool = DType::Bool;

void add_values(Suite& suite, DType in, DType out, std::vector<double> values) {
  Spec x{in, {1, static_cast<int64_t>(values.size()), 1}, Fill::Normal, std::move(values), false};
  suite.add({x}, {{out, {1}, Fill::Normal, {}, false}});
  // The same down each column.
  Spec columns{in, {1, x.dims[1], 37}, Fill::Normal, {}, false};
  for (double v : x.values) columns.values.insert(columns.values.end(), 37, v);
  suite.add({columns}, {{out, {37}, Fill::Normal, {}, false}});
}

// Specials in all orders; out is y's dtype.
void add_orders(Suite& suite, DType out) {
  const double nan = NAN, inf = INFINITY;
  for (const std::vector<double>& values : std::vector<std::vector<double>>{{nan, 1, 2},
                                                                            {1, nan, 2},
                                                                            {1, 2, nan},
                                                                            {nan, nan},
                                                                            {-inf, -inf, -inf},
                                                                            {inf, inf},
                                                                            {-inf, nan, -inf},
                                                                            {0, -0.0, 0},
                                                                            {3, 3, 3, 3}})
    add_values(suite, kFloat, out, values);
  // NaN, the extremes and their equals at every place of a long row.
  for (double special : {nan, 9.0, -9.0}) {
    for (int i = 0; i < 30; i++) {
      std::vector<double> values(static_cast<size_t>(suite.draw(100, 400)));
      for (double& v : values) v = static_cast<double>(suite.draw(-8, 8));
      for (int k = 0; k < 1 + i % 3; k++)
        values[static_cast<size_t>(suite.draw(0, static_cast<int64_t>(values.size()) - 1))] = special;
      add_values(suite, kFloat, out, values);
    }
  }
}

}  // namespace

TFJS_CASES(Sum) {
  add_all(suite, {{kFloat, kFloat}, {kInt, kInt}}, {Fill::Normal, Fill::Special});
  const double big = 2147483647;
  add_values(suite, kInt, kInt, {big, 1});
  add_values(suite, kInt, kInt, {big, big, big, -5});
  add_values(suite, kInt, kInt, {-big, -big, -7});
  // In float the first would swallow the others, and the last overflow on the way.
  std::vector<double> tiny(2000, 1);
  tiny[0] = 16777216;
  add_values(suite, kFloat, kFloat, tiny);
  add_values(suite, kFloat, kFloat, {3e38, 3e38, -3e38, -3e38, 1});
}

TFJS_CASES(Mean) {
  add_all(suite, {{kFloat, kFloat}}, {Fill::Normal, Fill::Special});
  add_values(suite, kFloat, kFloat, {3e38, 3e38, 3e38});
}

TFJS_CASES(Prod) {
  add_all(suite, {{kFloat, kFloat}, {kInt, kInt}}, {Fill::Normal, Fill::Special});
  add_values(suite, kInt, kInt, std::vector<double>(12, 9));
  add_values(suite, kInt, kInt, std::vector<double>(40, -9));
  add_values(suite, kInt, kInt, std::vector<double>(400, -9));
  add_values(suite, kInt, kInt, {65536, -32768, 3});
}

TFJS_CASES(Max) {
  add_all(suite, {{kFloat, kFloat}, {kInt, kInt}, {kBool, kBool}},
          {Fill::Normal, Fill::Special, Fill::Sparse});
  add_orders(suite, kFloat);
}

TFJS_CASES(Min) {
  add_all(suite, {{kFloat, kFloat}, {kInt, kInt}, {kBool, kBool}},
          {Fill::Normal, Fill::Special, Fill::Sparse});
  add_orders(suite, kFloat);
}

TFJS_CASES(Any) { add_all(suite, {{kBool, kBool}}, {}); }

TFJS_CASES(All) { add_all(suite, {{kBool, kBool}}, {}); }

TFJS_CASES(ArgMax) {
  // Whole and Sparse are full of ties.
  add_all(suite, {{kFloat, kInt}, {kInt, kInt}}, {Fill::Normal, Fill::Special, Fill::Sparse, Fill::Whole});
  add_orders(suite, kInt);
}

TFJS_CASES(ArgMin) {
  add_all(suite, {{kFloat, kInt}, {kInt, kInt}}, {Fill::Normal, Fill::Special, Fill::Sparse, Fill::Whole});
  add_orders(suite, kInt);
}

}  // namespace tfjs::test

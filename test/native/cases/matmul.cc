#include <array>
#include <utility>

#include "../harness.h"

namespace tfjs::test {
namespace {

using Dims = std::vector<int64_t>;

struct Shape {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  Dims a_batch, b_batch;
};

Dims left(const Shape& s) {
  Dims dims = s.a_batch;
  dims.push_back(s.transpose_a ? s.k : s.m);
  dims.push_back(s.transpose_a ? s.m : s.k);
  return dims;
}
Dims right(const Shape& s) {
  Dims dims = s.b_batch;
  dims.push_back(s.transpose_b ? s.n : s.k);
  dims.push_back(s.transpose_b ? s.k : s.n);
  return dims;
}
Dims result(const Shape& s) {
  Dims longer = s.a_batch, shorter = s.b_batch;
  if (longer.size() < shorter.size()) std::swap(longer, shorter);
  for (size_t d = 1; d <= shorter.size(); d++) {
    int64_t& length = longer[longer.size() - d];
    if (length == 1) length = shorter[shorter.size() - d];
  }
  longer.push_back(s.m);
  longer.push_back(s.n);
  return longer;
}

void add(Suite& suite, const Shape& s) {
  suite.add({f32(left(s)), f32(right(s))}, {f32(result(s))}, BatchMatMulParams{s.transpose_a, s.transpose_b});
}
void add_transposed(Suite& suite, Shape s) {
  for (int t = 0; t < 4; t++) {
    s.transpose_a = t & 1;
    s.transpose_b = t & 2;
    add(suite, s);
  }
}

// Moderate values among which are zeros, NaN and infinities.
Spec with_specials(Suite& suite, const Dims& dims) {
  Spec spec = f32(dims);
  int64_t size = 1;
  for (int64_t d : dims) size *= d;
  for (int64_t i = 0; i < size; i++) {
    const double values[] = {NAN, INFINITY, -INFINITY, 0, 0, 0, 0, 0};
    const int64_t which = suite.draw(0, 39);
    spec.values.push_back(which < 8 ? values[which] : static_cast<double>(which) / 8 - 3);
  }
  return spec;
}

Shape drawn(Suite& suite) {
  auto length = [&] { return suite.draw(1, suite.chance(0.3) ? 8 : suite.chance(0.2) ? 500 : 70); };
  Shape s{length(), length(), length(), suite.chance(0.5), suite.chance(0.5), {}, {}};
  if (s.m * s.n * s.k > 2000000) s.k = 2000000 / (s.m * s.n) + 1;
  return s;
}

}  // namespace

TFJS_CASES(BatchMatMul) {
  for (int64_t m : {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 25}) {
    for (int64_t n : {1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 65, 130}) {
      add_transposed(suite, {m, n, suite.draw(1, 150), false, false, {}, {}});
    }
  }
  // Around the depth of a block, and rows that alias in the cache.
  for (int64_t k : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 127, 319, 320, 321, 640, 1000, 1024}) {
    for (int64_t n : {1, 3, 10, 40, 300})
      add_transposed(suite, {suite.draw(1, 40), n, k, false, false, {}, {}});
  }
  // Dense layers and their gradients.
  for (int64_t batch : {1, 2, 32, 33}) {
    for (auto [in, out] : {std::pair<int64_t, int64_t>{1600, 10}, {784, 128}, {128, 1}, {100, 1000}}) {
      add(suite, {batch, out, in, false, false, {}, {}});
      add(suite, {in, out, batch, true, false, {}, {}});
      add(suite, {batch, in, out, false, true, {}, {}});
    }
  }
  add_transposed(suite, {257, 301, 203, false, false, {}, {}});
  add_transposed(suite, {1024, 48, 65, false, false, {}, {}});
  add_transposed(suite, {48, 1024, 65, false, false, {}, {}});
  // More of b than is packed at a time.
  add(suite, {121, 270, 16500, false, false, {}, {}});

  add(suite, {5, 4, 3, false, false, {7}, {7}});
  add_transposed(suite, {5, 4, 3, false, false, {1}, {6}});
  add_transposed(suite, {5, 4, 3, false, false, {6}, {1}});
  add_transposed(suite, {5, 4, 3, false, false, {2, 3}, {3}});
  add_transposed(suite, {5, 4, 3, false, false, {2, 3}, {2, 1}});
  add_transposed(suite, {5, 4, 3, false, false, {2, 1}, {1, 3}});
  add_transposed(suite, {5, 4, 3, false, false, {}, {2, 2, 2, 2}});
  add_transposed(suite, {1, 40, 30, false, false, {3, 1, 2}, {4, 1}});
  add_transposed(suite, {64, 32, 64, false, false, {24}, {24}});
  add_transposed(suite, {200, 100, 150, false, false, {3}, {}});
  add_transposed(suite, {200, 100, 150, false, false, {3}, {3}});

  for (auto [m, n, k] : {std::array<int64_t, 3>{0, 3, 4}, {3, 0, 4}, {3, 4, 0}, {1, 40, 0}, {40, 1, 0}}) {
    add_transposed(suite, {m, n, k, false, false, {}, {}});
    add(suite, {m, n, k, false, false, {2}, {2}});
  }
  add(suite, {3, 4, 5, false, false, {0}, {0}});
  add(suite, {3, 4, 5, false, false, {0}, {1}});

  for (int i = 0; i < 60 * repeats(); i++) {
    Shape s = drawn(suite);
    add(suite, s);
    s.m = suite.draw(1, 30);
    s.n = suite.draw(1, 30);
    s.k = suite.draw(1, 10);
    suite.add({with_specials(suite, left(s)), with_specials(suite, right(s))}, {f32(result(s))},
              BatchMatMulParams{s.transpose_a, s.transpose_b});
    for (int64_t d = suite.draw(1, 3); d > 0; d--) {
      const int64_t length = suite.draw(1, 4);
      s.a_batch.push_back(suite.chance(0.3) ? 1 : length);
      s.b_batch.push_back(suite.chance(0.3) ? 1 : length);
    }
    Dims& cut = suite.chance(0.5) ? s.a_batch : s.b_batch;
    cut.erase(cut.begin(), cut.begin() + suite.draw(0, static_cast<int64_t>(cut.size())));
    add(suite, s);
  }
}

TFJS_CASES(_FusedMatMul) {
  auto fused = [&](const Shape& s, int64_t activation, Spec bias, Spec prelu, bool special) {
    Spec a = special ? with_specials(suite, left(s)) : f32(left(s));
    Spec b = special ? with_specials(suite, right(s)) : f32(right(s));
    suite.add({a, b, std::move(bias), std::move(prelu)}, {f32(result(s))},
              FusedMatMulParams{s.transpose_a, s.transpose_b, activation, 0.3f});
  };
  const int64_t count = static_cast<int64_t>(Activation::Count);
  const int64_t prelu = static_cast<int64_t>(Activation::Prelu);
  for (int64_t activation = 0; activation < count; activation++) {
    auto slopes = [&](int64_t n) { return activation == prelu ? f32({n}) : absent(); };
    for (int t = 0; t < 4; t++) {
      const bool ta = t & 1, tb = t & 2;
      for (auto [m, n, k] : {std::array<int64_t, 3>{32, 10, 1600},
                             {32, 128, 784},
                             {1, 1000, 70},
                             {1, 5, 9},
                             {70, 1, 40},
                             {40, 3, 200},
                             {3, 40, 200},
                             {13, 33, 17},
                             {2, 3, 0}}) {
        fused({m, n, k, ta, tb, {}, {}}, activation, f32({n}), slopes(n), false);
      }
      fused({17, 19, 3, ta, tb, {}, {}}, activation, f32({19}), slopes(19), true);
      fused({6, 1, 5, ta, tb, {}, {}}, activation, f32({1}), slopes(1), true);
      fused({5, 7, 3, ta, tb, {2}, {2}}, activation, f32({1}), slopes(1), false);
      fused({5, 7, 3, ta, tb, {2}, {}}, activation, absent(), slopes(7), false);
    }
    for (int i = 0; i < 10 * repeats(); i++) {
      const Shape s = drawn(suite);
      fused(s, activation, f32({s.n}), slopes(s.n), false);
    }
  }
}

}  // namespace tfjs::test

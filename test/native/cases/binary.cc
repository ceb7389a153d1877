#include <cmath>

#include "pairs.h"

namespace tfjs::test {
namespace {

Spec values(DType dtype, std::vector<double> v) {
  const int64_t n = static_cast<int64_t>(v.size());
  return {dtype, {n}, Fill::Normal, std::move(v), false};
}

// Every pair of numbers that JavaScript and C, or double and int32, may see differently.
void all_pairs(Suite& suite, DType in, DType out, const std::vector<double>& numbers) {
  std::vector<double> a, b;
  for (double x : numbers) {
    for (double y : numbers) {
      a.push_back(in == DType::Float32 ? static_cast<float>(x) : x);
      b.push_back(in == DType::Float32 ? static_cast<float>(y) : y);
    }
  }
  Spec result = {out, {static_cast<int64_t>(a.size())}, Fill::Normal, {}, false};
  suite.add({values(in, a), values(in, b)}, {result});
}

void float_cases(Suite& suite, DType out = DType::Float32) {
  pair_cases(suite, DType::Float32, out, Fill::Special);
  all_pairs(suite, DType::Float32, out,
            {NAN, INFINITY, -INFINITY, 0,    -0.0,  1,   -1,    2,    -2,    0.5,      -0.5,     3,
             -3,  2.5,      -7.75,     1e10, -1e10, 5e9, 1e-10, 3e38, -3e38, 16777216, 1.0000001});
}

// Of a function whose values y lie between 0 and 1.
void gradient_cases(Suite& suite) {
  for (int64_t n : edge_lengths()) {
    suite.add({f32({n}), f32({n}, Fill::Unit)}, {f32({n})});
    suite.add({f32({n}, Fill::NonFinite), f32({n}, Fill::Unit)}, {f32({n})});
  }
}

void int_cases(Suite& suite) {
  pair_cases(suite, DType::Int32, DType::Int32, Fill::Whole);
  all_pairs(suite, DType::Int32, DType::Int32,
            {0, 1, -1, 2, -2, 3, -7, 46341, -46341, 94906266, 94906267, -94906267, 123456789, 2147483647,
             -2147483648.0, -2147483647, 1073741824, 16777217});
}

}  // namespace

#define TFJS_FLOAT_CASES(Name) \
  TFJS_CASES(Name) { float_cases(suite); }
#define TFJS_NUMBER_CASES(Name) \
  TFJS_CASES(Name) {            \
    float_cases(suite);         \
    int_cases(suite);           \
  }

TFJS_NUMBER_CASES(Add)
TFJS_NUMBER_CASES(Sub)
TFJS_NUMBER_CASES(Multiply)
TFJS_NUMBER_CASES(SquaredDifference)
TFJS_NUMBER_CASES(Maximum)
TFJS_NUMBER_CASES(Minimum)
TFJS_NUMBER_CASES(Mod)
TFJS_NUMBER_CASES(Pow)
TFJS_FLOAT_CASES(RealDiv)
TFJS_FLOAT_CASES(Prelu)
TFJS_FLOAT_CASES(EluGrad)

TFJS_CASES(SigmoidGrad) { gradient_cases(suite); }
TFJS_CASES(TanhGrad) { gradient_cases(suite); }
TFJS_FLOAT_CASES(ReluGrad)

TFJS_CASES(FloorDiv) {
  float_cases(suite, DType::Int32);
  int_cases(suite);
}

TFJS_CASES(AddN) {
  for (int64_t n : edge_lengths()) {
    suite.add({f32({n}, Fill::Special), f32({n}), f32({n})}, {f32({n})});
    suite.add({i32({n}), i32({n})}, {i32({n})});
  }
  suite.add({f32({3, 5})}, {f32({3, 5})});
  suite.add(std::vector<Spec>(40, f32({7, 31})), {f32({7, 31})});
  suite.add({values(DType::Int32, {2147483647, -2147483648.0}), values(DType::Int32, {1, -1})},
            {values(DType::Int32, {0, 0})});
}

}  // namespace tfjs::test

#include <cmath>

#include "../harness.h"

namespace tfjs::test {
namespace {

const double kInf = INFINITY;

template <class Params = NoParams>
void float_cases(Suite& suite, const Params& params = {}) {
  for (int64_t n : edge_lengths()) suite.add({f32({n}, Fill::Special)}, {f32({n})}, params);
  for (int i = 0; i < 2 * repeats(); i++) {
    const std::vector<int64_t> dims = {suite.draw(1, 5), suite.draw(1, 40), suite.draw(1, 90)};
    suite.add({f32(dims, i % 2 ? Fill::Positive : Fill::Normal)}, {f32(dims)}, params);
  }
  // Where exponentials overflow and underflow, logarithms end and functions go over to their asymptotes.
  std::vector<double> ends = {
      NAN,  kInf,   -kInf, 0,     -0.0,  1,          -1,         88.7,   88.8,    -87.3,  -103,  -104,
      -110, 1e30,   -1e30, 3e-8,  -3e-8, 1e-20,      -1e-20,     0.625,  -0.625,  0.35,   -0.35, 0.5,
      -0.5, 1.5,    -1.5,  2.5,   -2.5,  8388609,    -8388609,   3.9,    4.1,     -4.1,   17,    -17,
      9.1,  0.9277, 0.93,  1.414, 0.707, -0.9999999, -1.0000001, 3.4e38, -3.4e38, 1.2e-38};
  const int64_t n = static_cast<int64_t>(ends.size());
  for (double& x : ends) x = static_cast<float>(x);
  suite.add({{DType::Float32, {n}, Fill::Normal, ends, false}}, {f32({n})}, params);
  // Evenly over what is neither huge nor tiny.
  std::vector<double> sweep;
  for (int i = -50000; i <= 50000; i++) sweep.push_back(static_cast<float>(i * 0.0004));
  suite.add({{DType::Float32, {100001}, Fill::Normal, sweep, false}}, {f32({100001})}, params);
}

template <class Params = NoParams>
void int_cases(Suite& suite, const Params& params = {}) {
  for (int64_t n : edge_lengths()) suite.add({i32({n})}, {i32({n})}, params);
  const std::vector<double> ends = {2147483647, -2147483648.0, 46340,     46341, -46341, 65536,
                                    94906267,   -94906266,     123456789, 0,     -1,     16777217};
  for (size_t n = 1; n <= ends.size(); n++) {
    const std::vector<double> some(ends.begin(), ends.begin() + static_cast<int64_t>(n));
    const int64_t length = static_cast<int64_t>(n);
    suite.add({{DType::Int32, {length}, Fill::Whole, some, false}}, {i32({length})}, params);
  }
}

}  // namespace

#define TFJS_FLOAT_CASES(Name) \
  TFJS_CASES(Name) { float_cases(suite); }
#define TFJS_NUMBER_CASES(Name) \
  TFJS_CASES(Name) {            \
    float_cases(suite);         \
    int_cases(suite);           \
  }
#define TFJS_TEST_CASES(Name)                                                              \
  TFJS_CASES(Name) {                                                                       \
    for (int64_t n : edge_lengths()) suite.add({f32({n}, Fill::Special)}, {boolean({n})}); \
  }

TFJS_NUMBER_CASES(Relu)
TFJS_NUMBER_CASES(Relu6)
TFJS_NUMBER_CASES(Abs)
TFJS_NUMBER_CASES(Neg)
TFJS_NUMBER_CASES(Square)
TFJS_NUMBER_CASES(Sign)
TFJS_FLOAT_CASES(Sqrt)
TFJS_FLOAT_CASES(Rsqrt)
TFJS_FLOAT_CASES(Reciprocal)
TFJS_FLOAT_CASES(Floor)
TFJS_FLOAT_CASES(Ceil)
TFJS_FLOAT_CASES(Round)
TFJS_FLOAT_CASES(Exp)
TFJS_FLOAT_CASES(Expm1)
TFJS_FLOAT_CASES(Log)
TFJS_FLOAT_CASES(Log1p)
TFJS_FLOAT_CASES(Sigmoid)
TFJS_FLOAT_CASES(Tanh)
TFJS_FLOAT_CASES(Softplus)
TFJS_FLOAT_CASES(Erf)
TFJS_FLOAT_CASES(Elu)
TFJS_FLOAT_CASES(Selu)
TFJS_TEST_CASES(IsNan)
TFJS_TEST_CASES(IsInf)
TFJS_TEST_CASES(IsFinite)

TFJS_CASES(LogicalNot) {
  for (int64_t n : edge_lengths()) suite.add({boolean({n})}, {boolean({n})});
}

TFJS_CASES(LeakyRelu) { float_cases(suite, AlphaParams{0.2f}); }

TFJS_CASES(Step) {
  float_cases(suite, AlphaParams{0});
  float_cases(suite, AlphaParams{-0.3f});
}

TFJS_CASES(ClipByValue) {
  float_cases(suite, ClipByValueParams{-0.5f, 0.75f});
  float_cases(suite, ClipByValueParams{1e-7f, static_cast<float>(kInf)});
  int_cases(suite, ClipByValueParams{-3, 5});
}

}  // namespace tfjs::test

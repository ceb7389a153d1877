// Tests of the native ops: each case runs an op under every instruction set and several thread counts,
// compares with the double-precision twin within the twin's error bound, and asks for equal bits at any
// thread count. A file in cases/ adds the cases of a family:
//
//   TFJS_CASES(Relu) {
//     for (int64_t n : edge_lengths()) suite.add({f32({n})}, {f32({n})});
//   }
#pragma once
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "reference/reference.h"

namespace tfjs::test {

// How an input's values are drawn.
enum class Fill {
  Normal,     // mean 0, deviation 1
  Positive,   // 0.1 to 4
  Unit,       // 0 to 1
  Special,    // normal, sprinkled with NaN, infinities, zeros of both signs, huge and tiny values
  NonFinite,  // whole numbers, sprinkled with NaN, infinities and zeros of both signs: no sum overflows on
              // its way
  Sparse,     // normal, half of it zero: what relu leaves
  Whole,      // whole numbers -9 to 9 (bool: 0 or 1)
  Distinct,   // a permutation of distinct numbers: no ties, for max-pooling and arg-max
};

struct Spec {
  DType dtype = DType::Float32;
  std::vector<int64_t> dims;
  Fill fill = Fill::Normal;
  // Use these values instead of drawing them.
  std::vector<double> values;
  // An optional input that is left out.
  bool absent = false;
};

inline Spec f32(std::vector<int64_t> dims, Fill fill = Fill::Normal) {
  return {DType::Float32, std::move(dims), fill, {}, false};
}
inline Spec i32(std::vector<int64_t> dims, Fill fill = Fill::Whole) {
  return {DType::Int32, std::move(dims), fill, {}, false};
}
inline Spec boolean(std::vector<int64_t> dims) {
  return {DType::Bool, std::move(dims), Fill::Whole, {}, false};
}
inline Spec absent() { return {DType::Float32, {}, Fill::Normal, {}, true}; }

// Lengths around the vector widths and the unrolled loops, and one that threads.
std::vector<int64_t> edge_lengths();

class Suite {
 public:
  Suite(Op op, uint64_t seed) : op_(op), random_(seed) {}

  void add(std::vector<Spec> inputs, std::vector<Spec> outputs) {
    add(std::move(inputs), std::move(outputs), NoParams{});
  }
  template <class Params>
  void add(std::vector<Spec> inputs, std::vector<Spec> outputs, const Params& params) {
    double encoded[64];
    run(std::move(inputs), std::move(outputs), {encoded, encoded + params.encode(encoded)});
  }

  // From here on the cases ask for equal bits under all instruction sets too.
  void same_bits_everywhere() { same_bits_everywhere_ = true; }

  // A whole number from low to high, both included, for drawn shapes.
  int64_t draw(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool chance(double p) { return std::bernoulli_distribution(p)(random_); }

  int cases() const { return cases_; }
  int failures() const { return failures_; }
  // The largest error met, as a part of its bound.
  double worst() const { return worst_; }

 private:
  void run(std::vector<Spec> inputs, std::vector<Spec> outputs, std::vector<double> params);

  Op op_;
  std::mt19937_64 random_;
  bool same_bits_everywhere_ = false;
  int cases_ = 0, failures_ = 0;
  double worst_ = 0;
};

using Cases = void (*)(Suite&);
// How often the drawn shapes of a case file repeat: 1, or --fuzz N.
int repeats();

struct Registration {
  Registration(Op op, Cases cases);
};

#define TFJS_CASES(name)                                                               \
  static void cases_##name(::tfjs::test::Suite& suite);                                \
  static const ::tfjs::test::Registration registration_##name(Op::name, cases_##name); \
  static void cases_##name([[maybe_unused]] ::tfjs::test::Suite& suite)

// Checks that the twin `gradient` is the derivative of the twin `forward`, by central differences in double.
// `inputs` are forward's; forward has one output of `output_dims`, and loss = sum(dy * forward(inputs)).
// gradient(dy) returns what the gradient op gives for input number `of`.
using Forward = std::function<reference::Tensor(const std::vector<reference::Tensor>&)>;
using Gradient =
    std::function<reference::Tensor(const std::vector<reference::Tensor>&, const reference::Tensor& dy)>;
struct GradientCheck {
  GradientCheck(const char* name, std::vector<std::vector<int64_t>> inputs, int of, Forward forward,
                Gradient gradient);
};

}  // namespace tfjs::test

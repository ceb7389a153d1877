// Ops on each element of one tensor. Subnormal numbers count as zero.
#include "kernels/map.h"
#include "simd/math.h"
#include "simd/whole.h"

namespace tfjs::TFJS_ISA {
namespace {

template <class F>
TFJS_INLINE Status unary(const Args& args, double nanoseconds, F f) {
  const DType dtype = args.inputs[0].dtype;
  if constexpr (requires { f(vi32{}); }) {
    if (dtype == DType::Int32) return map_vectors<int32_t, int32_t>(args, nanoseconds, f);
  }
  if (dtype != DType::Float32) return Status::Unsupported;
  return map_vectors<float, float>(args, nanoseconds, f);
}

}  // namespace

// An op of float32: the expression of x.
#define TFJS_UNARY_FLOAT(Name, nanoseconds, expression)                         \
  Status Name(const Args& args) {                                               \
    return unary(args, nanoseconds, [](vf32 x) -> vf32 { return expression; }); \
  }
// An op of float32 and int32, with an expression of its own for each.
#define TFJS_UNARY(Name, float_expression, int_expression)                 \
  Status Name(const Args& args) {                                          \
    return unary(args, kCheap,                                             \
                 Overload{[](vf32 x) -> vf32 { return float_expression; }, \
                          [](vi32 x) -> vi32 { return int_expression; }}); \
  }
// An op whose result is bool.
#define TFJS_UNARY_TEST(Name, Type, expression)                                                 \
  Status Name(const Args& args) {                                                               \
    return map_each<Type, uint8_t>(args, kCheap, [](Type x) -> uint8_t { return expression; }); \
  }

// Not max(): -0 becomes 0.
TFJS_UNARY(Relu, select(x <= 0.0f, zero(), x), x < 0 ? vi32{} : x)
TFJS_UNARY(Relu6, select(x <= 0.0f, zero(), select(x > 6.0f, splat(6.0f), x)),
           x < 0 ? vi32{} : (x > 6 ? splat(6) : x))
// The JavaScript kernels of these two pass int32 through float32 and lose bits; these do not.
TFJS_UNARY(Abs, abs(x), x < 0 ? wrapping_sub(vi32{}, x) : x)
TFJS_UNARY(Square, x* x, multiply(x, x))
TFJS_UNARY(Neg, -x, wrapping_sub(vi32{}, x))
TFJS_UNARY(Sign, to_float((x < 0.0f) - (x > 0.0f)), (x < 0) - (x > 0))

TFJS_UNARY_FLOAT(Sqrt, kCheap, sqrt(x))
TFJS_UNARY_FLOAT(Rsqrt, kCheap, 1.0f / sqrt(x))
TFJS_UNARY_FLOAT(Reciprocal, kCheap, 1.0f / x)
TFJS_UNARY_FLOAT(Floor, kCheap, floor(x))
TFJS_UNARY_FLOAT(Ceil, kCheap, ceil(x))
TFJS_UNARY_FLOAT(Round, kCheap, round_to_even(x))
TFJS_UNARY_FLOAT(Exp, kPolynomial, exp(x))
TFJS_UNARY_FLOAT(Expm1, kPolynomial, expm1(x))
TFJS_UNARY_FLOAT(Log, kPolynomial, log(x))
TFJS_UNARY_FLOAT(Log1p, kPolynomial, log1p(x))
TFJS_UNARY_FLOAT(Sigmoid, kPolynomial, sigmoid(x))
TFJS_UNARY_FLOAT(Tanh, kPolynomial, tanh(x))
TFJS_UNARY_FLOAT(Softplus, kPolynomial, softplus(x))
TFJS_UNARY_FLOAT(Erf, kPolynomial, erf(x))
TFJS_UNARY_FLOAT(Elu, kPolynomial, select(x >= 0.0f, x, expm1(x)))
// Klambauer et al., Self-Normalizing Neural Networks: scale, and scale times alpha.
TFJS_UNARY_FLOAT(Selu, kPolynomial,
                 select(x >= 0.0f, 1.0507009873554805f * x, 1.7580993408473768f * expm1(x)))

Status LeakyRelu(const Args& args) {
  const float alpha = AlphaParams::decode(args.params).alpha;
  return unary(args, kCheap, [=](vf32 x) -> vf32 { return select(x < 0.0f, alpha * x, x); });
}

Status Step(const Args& args) {
  const vf32 alpha = splat(AlphaParams::decode(args.params).alpha);
  return unary(args, kCheap,
               [=](vf32 x) -> vf32 { return select(x > 0.0f, splat(1.0f), select(x != x, x, alpha)); });
}

Status ClipByValue(const Args& args) {
  const auto [low, high] = ClipByValueParams::decode(args.params);
  if (args.inputs[0].dtype == DType::Int32) {
    const vi32 int_low = splat(static_cast<int32_t>(low)), int_high = splat(static_cast<int32_t>(high));
    return map_vectors<int32_t, int32_t>(
        args, kCheap, [=](vi32 x) -> vi32 { return x > int_high ? int_high : (x < int_low ? int_low : x); });
  }
  const vf32 float_low = splat(low), float_high = splat(high);
  return unary(args, kCheap, [=](vf32 x) -> vf32 {
    return select(x > float_high, float_high, select(x < float_low, float_low, x));
  });
}

constexpr uint32_t kInfinityBits = 0x7f800000;
TFJS_UNARY_TEST(IsNan, FloatBits, (x & kMagnitudeBits) > kInfinityBits)
TFJS_UNARY_TEST(IsInf, FloatBits, (x & kMagnitudeBits) == kInfinityBits)
TFJS_UNARY_TEST(IsFinite, FloatBits, (x & kMagnitudeBits) < kInfinityBits)
TFJS_UNARY_TEST(LogicalNot, uint8_t, x == 0)

}  // namespace tfjs::TFJS_ISA

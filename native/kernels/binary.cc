// Arithmetic on two tensors, broadcast. Subnormal numbers count as zero.
#include "kernels/broadcast.h"
#include "simd/whole.h"

namespace tfjs::TFJS_ISA {
namespace {

template <class F>
TFJS_INLINE Status binary(const Args& args, F f) {
  const DType dtype = args.inputs[0].dtype;
  if constexpr (requires { f(vi32{}, vi32{}); }) {
    if (dtype == DType::Int32) return broadcast_vectors<int32_t>(args, kCheap, f);
  }
  if (dtype != DType::Float32) return Status::Unsupported;
  return broadcast_vectors<float>(args, kCheap, f);
}

// By one scalar function of doubles: ops that the C library or a wide intermediate computes. An int32 result
// keeps the low bits of a double.
template <class F>
TFJS_INLINE Status binary_in_double(const Args& args, double nanoseconds, F f) {
  const DType from = args.inputs[0].dtype, to = args.outputs[0].dtype;
  const auto whole = [f](auto a, auto b) -> int32_t {
    return wrap_to_int32(f(static_cast<double>(a), static_cast<double>(b)));
  };
  if (from == DType::Int32 && to == DType::Int32) {
    return broadcast_each<int32_t, int32_t>(args, nanoseconds, whole);
  }
  if (from != DType::Float32) return Status::Unsupported;
  if (to == DType::Int32) return broadcast_each<float, int32_t>(args, nanoseconds, whole);
  return broadcast_each<float, float>(args, nanoseconds, [f](float a, float b) -> float {
    return static_cast<float>(f(static_cast<double>(a), static_cast<double>(b)));
  });
}

TFJS_INLINE double power(double a, double b) {
  // JavaScript differs from C where 1 is raised to NaN or an infinity.
  if (b != b) return b;
  if (__builtin_isinf(b) && (a == 1 || a == -1)) return __builtin_nan("");
  return __builtin_pow(a, b);
}

// The remainder with the sign of b.
TFJS_INLINE double modulo(double a, double b) {
  const double rest = __builtin_fmod(a, b);
  if ((a < 0 && b < 0) || (a >= 0 && b >= 0)) return rest;
  return __builtin_fmod(rest + b, b);
}

}  // namespace

// An op of float32 and int32, with an expression of a and b for each.
#define TFJS_BINARY(Name, float_expression, int_expression)                               \
  Status Name(const Args& args) {                                                         \
    return binary(args, Overload{[](vf32 a, vf32 b) -> vf32 { return float_expression; }, \
                                 [](vi32 a, vi32 b) -> vi32 { return int_expression; }}); \
  }
// An op of float32.
#define TFJS_BINARY_FLOAT(Name, expression)                                 \
  Status Name(const Args& args) {                                           \
    return binary(args, [](vf32 a, vf32 b) -> vf32 { return expression; }); \
  }

TFJS_BINARY(Add, a + b, wrapping_add(a, b))
TFJS_BINARY(Sub, a - b, wrapping_sub(a, b))
TFJS_BINARY(Multiply, a* b, multiply(a, b))
TFJS_BINARY(SquaredDifference, (a - b) * (a - b), squared_difference(a, b))
// Of zeros the one that Math.max and Math.min choose: their signs are joined.
TFJS_BINARY(Maximum, select(a == b, from_bits(bits(a) & bits(b)), max(a, b)), a > b ? a : b)
TFJS_BINARY(Minimum, select(a == b, from_bits(bits(a) | bits(b)), min(a, b)), a < b ? a : b)

TFJS_BINARY_FLOAT(RealDiv, a / b)
TFJS_BINARY_FLOAT(Prelu, select(a < 0.0f, b* a, a))
// Inputs: the gradient and Relu's input. The step of NaN is NaN.
TFJS_BINARY_FLOAT(ReluGrad, a* select(b > 0.0f, splat(1.0f), select(b != b, b, zero())))
// Inputs: the gradient and Elu's output.
TFJS_BINARY_FLOAT(EluGrad, select(b >= 0.0f, a, a*(b + 1.0f)))
// The same of Sigmoid and Tanh.
TFJS_BINARY_FLOAT(SigmoidGrad, a*(b * (1.0f - b)))
TFJS_BINARY_FLOAT(TanhGrad, a * ((1.0f - b) * (1.0f + b)))

Status Pow(const Args& args) {
  return binary_in_double(args, kLibm, [](double a, double b) { return power(a, b); });
}

Status Mod(const Args& args) {
  return binary_in_double(args, kLibm, [](double a, double b) { return modulo(a, b); });
}

Status FloorDiv(const Args& args) {
  return binary_in_double(args, 2, [](double a, double b) { return __builtin_floor(a / b); });
}

// The sum of any number of tensors of one shape, from the first to the last.
Status AddN(const Args& args) {
  const Tensor& y = args.outputs[0];
  const auto sum = [&](auto add, auto* to) {
    using T = std::remove_pointer_t<decltype(to)>;
    parallel_for(y.size(), kCheap * args.input_count, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i += kLanes) {
        const int64_t n = end - i < kLanes ? end - i : kLanes;
        decltype(splat(T{})) total{};
        for (int k = 0; k < args.input_count; k++) {
          total = add(total, load_first(args.inputs[k].as<T>() + i, n));
        }
        store_first(to + i, total, n);
      }
    });
    return Status::Ok;
  };
  if (y.dtype == DType::Int32) return sum([](vi32 a, vi32 b) { return wrapping_add(a, b); }, y.i32());
  if (y.dtype == DType::Float32) return sum([](vf32 a, vf32 b) { return a + b; }, y.f32());
  return Status::Unsupported;
}

}  // namespace tfjs::TFJS_ISA

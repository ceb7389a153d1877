// Elementary functions on vectors, in single precision. Each names a bound of its error, measured on every
// fifth float, in units of the last place. NaN, infinities and signed zeros give what JavaScript's Math
// gives; a result below the smallest normal number may be zero.
#pragma once
#include "simd/simd.h"
#include "simd/whole.h"

namespace tfjs::TFJS_ISA {

namespace math {

constexpr float kLog2e = 1.44269504f;
// ln 2 in two parts; the high one has few enough bits that a whole number below 2^14 times it is exact.
constexpr float kLn2Hi = 0.693359375f;
constexpr float kLn2Lo = -2.12194440e-4f;
constexpr float kInfinity = __builtin_inff();
constexpr float kNaN = __builtin_nanf("");

TFJS_INLINE vf32 copy_sign(vf32 magnitude, vf32 sign) {
  const vi32 top = splat(int32_t{INT32_MIN});
  return from_bits((bits(magnitude) & ~top) | (bits(sign) & top));
}

// x = n ln 2 + r with |r| <= ln(2) / 2, for |x| < 2^14; n is also given as a whole number.
struct ExpReduced {
  vf32 r;
  vi32 n;
};
TFJS_INLINE ExpReduced reduce_exp(vf32 x) {
  // Adding 1.5 * 2^23 leaves the nearest whole number in the low bits.
  const vf32 shift = splat(12582912.0f);
  const vf32 shifted = fma(x, splat(kLog2e), shift);
  const vf32 n = shifted - shift;
  return {fma(-n, splat(kLn2Lo), fma(-n, splat(kLn2Hi), x)), bits(shifted) - bits(shift)};
}

// (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2 (Cephes' expf).
TFJS_INLINE vf32 exp_tail(vf32 r) {
  vf32 p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  return fma(p, r, splat(5.0000001201e-1f));
}

// 2^n for -126 <= n <= 127.
TFJS_INLINE vf32 power_of_two(vi32 n) { return from_bits((n + 127) << 23); }

TFJS_INLINE vf32 clamp(vf32 x, float low, float high) {
  // NaN stays: it compares false.
  x = select(x > high, splat(high), x);
  return select(x < low, splat(low), x);
}

// ln(1 + f) + k ln 2 + c, for 1 + f in [sqrt(1/2), sqrt(2)] and a small c (Cephes' logf).
TFJS_INLINE vf32 log_sum(vf32 f, vf32 k, vf32 c) {
  vf32 p = splat(7.0376836292e-2f);
  p = fma(p, f, splat(-1.1514610310e-1f));
  p = fma(p, f, splat(1.1676998740e-1f));
  p = fma(p, f, splat(-1.2420140846e-1f));
  p = fma(p, f, splat(1.4249322787e-1f));
  p = fma(p, f, splat(-1.6668057665e-1f));
  p = fma(p, f, splat(2.0000714765e-1f));
  p = fma(p, f, splat(-2.4999993993e-1f));
  p = fma(p, f, splat(3.3333331174e-1f));
  const vf32 square = f * f;
  vf32 low = fma(square * f, p, fma(k, splat(kLn2Lo), c));
  low = fma(square, splat(-0.5f), low);
  return fma(k, splat(kLn2Hi), f + low);
}

// x = 2^k m with m in [sqrt(1/2), sqrt(2)), for normal x > 0.
struct LogReduced {
  vf32 m;
  vi32 k;
};
TFJS_INLINE LogReduced reduce_log(vf32 x) {
  const int32_t sqrt_half = 0x3f3504f3;
  const vi32 above = wrapping_sub(bits(x), splat(sqrt_half));  // overflows for x < 0
  return {from_bits((above & 0x007fffff) + sqrt_half), above >> 23};
}

}  // namespace math

// e^x, within 1.1 ulp.
TFJS_INLINE vf32 exp(vf32 x) {
  const auto [r, n] = math::reduce_exp(math::clamp(x, -104.0f, 89.0f));
  const vf32 y = fma(r * r, math::exp_tail(r), r) + 1.0f;
#if defined(__AVX512F__)
  return (vf32)_mm512_maskz_scalef_ps(0xffff, (__m512)y, (__m512)to_float(n));
#else
  // 2^n in two factors: n goes from -150 to 128.
  const vi32 half = n >> 1;
  return y * math::power_of_two(half) * math::power_of_two(n - half);
#endif
}

// e^x - 1, within 1.6 ulp, also near zero.
TFJS_INLINE vf32 expm1(vf32 x) {
  const auto [r, n] = math::reduce_exp(math::clamp(x, -30.0f, 89.0f));
  const vf32 p = fma(r * r, math::exp_tail(r), r);
  // 2^n p + (2^n - 1), halved until the end because 2^128 is out of range.
  const vf32 scale = math::power_of_two(n - 1);
  const vf32 half = fma(scale, p, scale - 0.5f);
  // Rounds to x below 2^-24, where halves may be flushed to zero.
  return select(abs(x) < 5e-8f, x, half + half);
}

// ln(x), within 0.9 ulp; -infinity at zero, NaN below.
TFJS_INLINE vf32 log(vf32 x) {
  // Subnormals by their bits, which does not depend on whether the thread flushes them to zero.
  const vi32 subnormal = bits(x) < 0x00800000;
  const auto [m, k] = math::reduce_log(select(subnormal, to_float(bits(x)), x));
  const vf32 exponent = to_float(subnormal ? k - 149 : k);
  vf32 y = math::log_sum(m - 1.0f, exponent, zero());
  const vi32 is_zero = (bits(x) & 0x7fffffff) == 0;
  y = select(bits(x) <= 0, select(is_zero, splat(-math::kInfinity), splat(math::kNaN)), y);
  return select(bits(x) >= 0x7f800000, x, y);
}

// ln(1 + x), within 0.9 ulp, also near zero; -infinity at -1, NaN below.
TFJS_INLINE vf32 log1p(vf32 x) {
  const vf32 u = x + 1.0f;
  const auto [m, k] = math::reduce_log(u);
  // What rounding u lost, as a part of u.
  const vf32 lost = select(x > 1.0f, 1.0f - (u - x), x - (u - 1.0f)) / u;
  const vi32 near_zero = k == 0;
  const vf32 f = select(near_zero, x, m - 1.0f);
  vf32 y = math::log_sum(f, to_float(k), select(near_zero, zero(), lost));
  y = select(x == 0.0f, x, y);
  y = select(u == 0.0f, splat(-math::kInfinity), y);
  y = select(u < 0.0f, splat(math::kNaN), y);
  return select((x != x) | (x == math::kInfinity), x, y);
}

// 1 / (1 + e^-x), within 2.5 ulp.
TFJS_INLINE vf32 sigmoid(vf32 x) { return 1.0f / (1.0f + exp(-x)); }

// Within 1.4 ulp.
TFJS_INLINE vf32 tanh(vf32 x) {
  const vf32 a = abs(x);
  const vf32 far = 1.0f - 2.0f / (exp(a + a) + 1.0f);
  // An odd polynomial for |x| < 0.625 (Cephes' tanhf).
  const vf32 s = x * x;
  vf32 p = splat(-5.70498872745e-3f);
  p = fma(p, s, splat(2.06390887954e-2f));
  p = fma(p, s, splat(-5.37397155531e-2f));
  p = fma(p, s, splat(1.33314422036e-1f));
  p = fma(p, s, splat(-3.33332819422e-1f));
  const vf32 near = fma(p * s, x, x);
  // Both by sign: near would lose that of -0.
  return math::copy_sign(select(a < 0.625f, near, far), x);
}

// ln(1 + e^x), within 1.7 ulp.
TFJS_INLINE vf32 softplus(vf32 x) {
  const vf32 positive = select(x < 0.0f, zero(), x);
  return positive + log1p(exp(-abs(x)));
}

// The error function, within 1.2 ulp (coefficients by N. Juffa).
TFJS_INLINE vf32 erf(vf32 x) {
  const vf32 a = abs(x);
  const vf32 s = x * x;
  vf32 far = fma(splat(-1.72853470e-5f), a, splat(3.83197126e-4f));
  const vf32 u = fma(splat(-3.88396438e-3f), a, splat(2.42546219e-2f));
  far = fma(far, s, u);
  far = fma(far, a, splat(-1.06777877e-1f));
  far = fma(far, a, splat(-6.34846687e-1f));
  far = fma(far, a, splat(-1.28717512e-1f));
  // From 4 on the result rounds to 1; the polynomial turns round beyond.
  far = select(a > 4.0f, splat(-20.0f), fma(far, a, -a));
  vf32 near = splat(-5.96761703e-4f);
  near = fma(near, s, splat(4.99119423e-3f));
  near = fma(near, s, splat(-2.67681349e-2f));
  near = fma(near, s, splat(1.12819925e-1f));
  near = fma(near, s, splat(-3.76125336e-1f));
  near = fma(near, s, splat(1.28379166e-1f));
  near = fma(near, x, x);
  return select(a > 0.927734375f, math::copy_sign(1.0f - exp(far), x), near);
}

// To a whole number: downwards, upwards, to the nearest with halves to the even one.
#if defined(__AVX512F__)
#define TFJS_TO_WHOLE(v, sse, neon) \
  (vf32) _mm512_maskz_roundscale_ps(0xffff, (__m512)v, (sse) | _MM_FROUND_NO_EXC)
#elif defined(__AVX2__)
#define TFJS_TO_WHOLE(v, sse, neon) (vf32) _mm256_round_ps((__m256)v, (sse) | _MM_FROUND_NO_EXC)
#elif defined(__x86_64__) || defined(_M_X64)
#define TFJS_TO_WHOLE(v, sse, neon) (vf32) _mm_round_ps((__m128)v, (sse) | _MM_FROUND_NO_EXC)
#elif defined(__aarch64__)
#define TFJS_TO_WHOLE(v, sse, neon) (vf32) neon((float32x4_t)v)
#endif
TFJS_INLINE vf32 floor(vf32 v) { return TFJS_TO_WHOLE(v, _MM_FROUND_TO_NEG_INF, vrndmq_f32); }
TFJS_INLINE vf32 ceil(vf32 v) { return TFJS_TO_WHOLE(v, _MM_FROUND_TO_POS_INF, vrndpq_f32); }
TFJS_INLINE vf32 round_to_even(vf32 v) { return TFJS_TO_WHOLE(v, _MM_FROUND_TO_NEAREST_INT, vrndnq_f32); }
#undef TFJS_TO_WHOLE

}  // namespace tfjs::TFJS_ISA

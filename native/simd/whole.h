// Whole numbers as the JavaScript kernels compute them: in double, then stored into an Int32Array, which
// keeps the low 32 bits of the whole part and makes NaN and infinities 0.
#pragma once
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {

typedef uint32_t vu32 __attribute__((vector_size(kLanes * 4)));

TFJS_INLINE vi32 wrapping_add(vi32 a, vi32 b) { return (vi32)((vu32)a + (vu32)b); }
TFJS_INLINE vi32 wrapping_sub(vi32 a, vi32 b) { return (vi32)((vu32)a - (vu32)b); }
TFJS_INLINE vi32 wrapping_mul(vi32 a, vi32 b) { return (vi32)((vu32)a * (vu32)b); }

// What storing v into an Int32Array keeps.
TFJS_INLINE int32_t wrap_to_int32(double v) {
  constexpr double kTwo32 = 4294967296.0;
  const double whole = __builtin_trunc(v);
  // Exact, being a shift by whole words; NaN where v is NaN or infinite.
  const double low = whole - __builtin_floor(whole / kTwo32) * kTwo32;
  return low == low ? static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(low))) : 0;
}

template <class F>
TFJS_INLINE vi32 each_lane(vi32 a, vi32 b, F f) {
  int32_t x[kLanes], y[kLanes];
  store(x, a);
  store(y, b);
  for (int i = 0; i < kLanes; i++) x[i] = f(x[i], y[i]);
  return load(x);
}

// Products from 2^53 on are rounded in double before their low bits are kept.
TFJS_INLINE vi32 multiply(vi32 a, vi32 b) {
  if (any(abs(to_float(a) * to_float(b)) >= 4503599627370496.0f)) {
    return each_lane(a, b, [](int32_t x, int32_t y) {
      return wrap_to_int32(static_cast<double>(x) * static_cast<double>(y));
    });
  }
  return wrapping_mul(a, b);
}

TFJS_INLINE vi32 squared_difference(vi32 a, vi32 b) {
  if (any(abs(to_float(a) - to_float(b)) >= 33554432.0f)) {
    return each_lane(a, b, [](int32_t x, int32_t y) {
      const double difference = static_cast<double>(x) - static_cast<double>(y);
      return wrap_to_int32(difference * difference);
    });
  }
  const vi32 difference = wrapping_sub(a, b);
  return wrapping_mul(difference, difference);
}

}  // namespace tfjs::TFJS_ISA

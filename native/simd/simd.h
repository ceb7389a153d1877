// The vector type of the instruction set that a source is compiled for, by the compilers' vector extensions.
// TFJS_ISA names the namespace; everything here lives inside it and is inlined, so that no copy compiled with
// wider instructions can be linked into another set's code.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define TFJS_INLINE [[gnu::always_inline]] static inline

// Before a loop of constant length over registers, so that its arrays become registers.
#if defined(__clang__)
#define TFJS_UNROLL _Pragma("unroll")
#else
#define TFJS_UNROLL _Pragma("GCC unroll 16")
#endif

// On functions whose sums fill the registers: for arm64 GCC would schedule before it allocates registers, and
// spill some of the sums in the innermost loop.
#if defined(__aarch64__) && !defined(__clang__)
#define TFJS_FULL_REGISTERS [[gnu::optimize("no-schedule-insns", "ira-region=one")]]
#else
#define TFJS_FULL_REGISTERS
#endif

namespace tfjs::TFJS_ISA {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
// How many vector registers kernels may plan with.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

typedef float vf32 __attribute__((vector_size(kLanes * 4)));
typedef int32_t vi32 __attribute__((vector_size(kLanes * 4)));
typedef float vf32u __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef int32_t vi32u __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef int32_t i32u __attribute__((may_alias));

TFJS_INLINE vf32 load(const float* p) { return *reinterpret_cast<const vf32u*>(p); }
TFJS_INLINE vi32 load(const int32_t* p) { return *reinterpret_cast<const vi32u*>(p); }
TFJS_INLINE void store(float* p, vf32 v) { *reinterpret_cast<vf32u*>(p) = v; }
TFJS_INLINE void store(int32_t* p, vi32 v) { *reinterpret_cast<vi32u*>(p) = v; }
TFJS_INLINE vf32 splat(float x) { return x - vf32{}; }
TFJS_INLINE vi32 splat(int32_t x) { return x - vi32{}; }
TFJS_INLINE vf32 zero() { return vf32{}; }

// The first n lanes, 0 <= n <= kLanes; the others are zero on load and untouched in memory on store. Nothing
// behind p[n-1] is read or written.
#if defined(__AVX512F__)
TFJS_INLINE __mmask16 lane_mask(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
TFJS_INLINE vf32 load_first(const float* p, int64_t n) {
  return (vf32)_mm512_maskz_loadu_ps(lane_mask(n), p);
}
TFJS_INLINE vi32 load_first(const int32_t* p, int64_t n) {
  return (vi32)_mm512_maskz_loadu_epi32(lane_mask(n), p);
}
TFJS_INLINE void store_first(float* p, vf32 v, int64_t n) {
  _mm512_mask_storeu_ps(p, lane_mask(n), (__m512)v);
}
TFJS_INLINE void store_first(int32_t* p, vi32 v, int64_t n) {
  _mm512_mask_storeu_epi32(p, lane_mask(n), (__m512i)v);
}
#elif defined(__AVX2__)
TFJS_INLINE __m256i lane_mask(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
TFJS_INLINE vf32 load_first(const float* p, int64_t n) { return (vf32)_mm256_maskload_ps(p, lane_mask(n)); }
TFJS_INLINE vi32 load_first(const int32_t* p, int64_t n) {
  return (vi32)_mm256_maskload_epi32(p, lane_mask(n));
}
TFJS_INLINE void store_first(float* p, vf32 v, int64_t n) { _mm256_maskstore_ps(p, lane_mask(n), (__m256)v); }
TFJS_INLINE void store_first(int32_t* p, vi32 v, int64_t n) {
  _mm256_maskstore_epi32(p, lane_mask(n), (__m256i)v);
}
#else
// By elements: a copy of a length that is not constant would be a call of memcpy.
TFJS_INLINE vi32 load_first(const int32_t* p, int64_t n) {
  static_assert(kLanes == 4);
  const i32u* lane = reinterpret_cast<const i32u*>(p);
  if (n == 4) return load(p);
  vi32 v{};
  if (n > 0) v[0] = lane[0];
  if (n > 1) v[1] = lane[1];
  if (n > 2) v[2] = lane[2];
  return v;
}
TFJS_INLINE vf32 load_first(const float* p, int64_t n) {
  return (vf32)load_first(reinterpret_cast<const int32_t*>(p), n);
}
TFJS_INLINE void store_first(int32_t* p, vi32 v, int64_t n) {
  i32u* lane = reinterpret_cast<i32u*>(p);
  if (n == 4) return store(p, v);
  if (n > 0) lane[0] = v[0];
  if (n > 1) lane[1] = v[1];
  if (n > 2) lane[2] = v[2];
}
TFJS_INLINE void store_first(float* p, vf32 v, int64_t n) {
  store_first(reinterpret_cast<int32_t*>(p), (vi32)v, n);
}
#endif

// a * b + c, in one rounding where the instruction set has FMA (the compiler contracts it).
TFJS_INLINE vf32 fma(vf32 a, vf32 b, vf32 c) { return a * b + c; }

TFJS_INLINE vf32 select(vi32 mask, vf32 yes, vf32 no) { return mask ? yes : no; }
TFJS_INLINE vi32 bits(vf32 v) { return (vi32)v; }
TFJS_INLINE vf32 from_bits(vi32 v) { return (vf32)v; }
TFJS_INLINE vf32 to_float(vi32 v) { return __builtin_convertvector(v, vf32); }
// Truncates towards zero; undefined outside of int32.
TFJS_INLINE vi32 to_int(vf32 v) { return __builtin_convertvector(v, vi32); }
TFJS_INLINE vf32 abs(vf32 v) { return from_bits(bits(v) & splat(int32_t{0x7fffffff})); }
// NaN in either operand gives NaN, as Math.max and Math.min do.
TFJS_INLINE vf32 max(vf32 a, vf32 b) {
#if defined(__aarch64__)
  return (vf32)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
#else
  const vf32 larger = a > b ? a : b;
  return select(a != a, a, larger);
#endif
}
TFJS_INLINE vf32 min(vf32 a, vf32 b) {
#if defined(__aarch64__)
  return (vf32)vminq_f32((float32x4_t)a, (float32x4_t)b);
#else
  const vf32 smaller = a < b ? a : b;
  return select(a != a, a, smaller);
#endif
}

// Whether any lane of a mask is set.
TFJS_INLINE bool any(vi32 mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#elif defined(__x86_64__) || defined(_M_X64)
  return !_mm_testz_si128((__m128i)mask, (__m128i)mask);
#elif defined(__aarch64__)
  return vmaxvq_u32((uint32x4_t)mask) != 0;
#endif
}

// The number of the lowest bit that is set; there must be one.
TFJS_INLINE int64_t lowest_bit(uint64_t bits) {
#if defined(__x86_64__) && !defined(__BMI__)
  // The builtin becomes TZCNT, which older CPUs read as BSF: as right, but not to be told from a mistake.
  int64_t at;
  asm("bsfq %1, %0" : "=r"(at) : "rm"(bits) : "cc");
  return at;
#else
  return __builtin_ctzll(bits);
#endif
}

// A bit for each lane that is not zero.
TFJS_INLINE uint32_t nonzero_lanes(vf32 v) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)v, (__m512)zero(), _CMP_NEQ_UQ);
#elif defined(__AVX2__)
  return static_cast<uint32_t>(_mm256_movemask_ps((__m256)(v != zero())));
#elif defined(__x86_64__) || defined(_M_X64)
  return static_cast<uint32_t>(_mm_movemask_ps((__m128)(v != zero())));
#elif defined(__aarch64__)
  const int32x4_t bit = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32((uint32x4_t)(v != zero()), (uint32x4_t)bit));
#endif
}

TFJS_INLINE vf32 sqrt(vf32 v) {
#if defined(__AVX512F__)
  return (vf32)_mm512_maskz_sqrt_ps(0xffff, (__m512)v);  // Without maskz_ gcc 12 warns.
#elif defined(__AVX2__)
  return (vf32)_mm256_sqrt_ps((__m256)v);
#elif defined(__x86_64__) || defined(_M_X64)
  return (vf32)_mm_sqrt_ps((__m128)v);
#elif defined(__aarch64__)
  return (vf32)vsqrtq_f32((float32x4_t)v);
#endif
}

// Sum of the lanes, in a fixed order: halves, then halves of those.
TFJS_INLINE float sum_lanes(vf32 v) {
  float lane[kLanes];
  store(lane, v);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) lane[i] += lane[i + width];
  }
  return lane[0];
}

}  // namespace tfjs::TFJS_ISA

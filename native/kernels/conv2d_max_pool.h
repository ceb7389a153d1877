// A convolution with bias, activation and max-pooling in one pass, and its gradient: what its ways share.
// These ops serve training plans, which call them for a few images at a time on each of their threads: all
// but the general forward way stay on the calling thread.
#pragma once
#include "kernels/conv2d.h"

namespace tfjs::TFJS_ISA {

struct PooledConv2D {
  Conv2DShape
      conv;  // its results: those that some window covers, [batch, out_height, out_width, out_channels]
  int64_t height, width;  // of y
  int64_t window_height, window_width, step_y, step_x;
  Activation activation;
  float alpha;  // the slope of LeakyRelu below zero

  int64_t image_windows() const { return height * width; }
  int64_t windows() const { return conv.batch * image_windows(); }
  int64_t cells() const { return window_height * window_width; }
  // The usual pooling, whose windows neither overlap nor leave a gap.
  bool halves() const { return window_height == 2 && window_width == 2 && step_y == 2 && step_x == 2; }
  bool plain() const {
    return conv.at.strideHeight == 1 && conv.at.strideWidth == 1 && conv.at.dilationHeight == 1 &&
           conv.at.dilationWidth == 1;
  }
};

// False if the shapes or parameters do not fit together, or if the activation is not monotone: it is applied
// after the maximum.
TFJS_INLINE bool pooled_conv2d(const Tensor& x, const Tensor& filter, const Tensor& y, const double* params,
                               PooledConv2D* pooled) {
  const FusedConv2DMaxPoolParams p = FusedConv2DMaxPoolParams::decode(params);
  PooledConv2D& s = *pooled;
  if (!conv2d_shape(x, filter, y, Conv2DParams::decode(params), &s.conv)) return false;
  if (p.windowHeight < 1 || p.windowWidth < 1 || p.windowHeight > 256 || p.windowWidth > 256 ||
      p.windowHeight * p.windowWidth > 256 || p.poolStrideHeight < 1 || p.poolStrideWidth < 1)
    return false;
  if (p.activation < 0 || p.activation >= static_cast<int64_t>(Activation::Count)) return false;
  s.height = s.conv.out_height;
  s.width = s.conv.out_width;
  s.window_height = p.windowHeight;
  s.window_width = p.windowWidth;
  s.step_y = p.poolStrideHeight;
  s.step_x = p.poolStrideWidth;
  s.activation = static_cast<Activation>(p.activation);
  s.alpha = p.leakyreluAlpha;
  s.conv.out_height = s.height > 0 ? (s.height - 1) * s.step_y + s.window_height : 0;
  s.conv.out_width = s.width > 0 ? (s.width - 1) * s.step_x + s.window_width : 0;
  return s.activation != Activation::Prelu && !(s.activation == Activation::LeakyRelu && !(s.alpha >= 0));
}

// What the forward ways write to, and with.
struct PooledResult {
  float* y;
  uint8_t* argmax;    // or null
  const float* bias;  // one value a column, zeros behind the last one up to whole vectors
  vf32 low, high;     // of the activation, where it is a clamp

  // y = clamp(best + bias) for the first n of the columns from `at` = window * columns + column on.
  [[gnu::always_inline]] void put(int64_t at, int64_t column, vf32 best, vi32 cell, int64_t n) const;
};

// Bytes from and to 32 bits, by instructions, where gcc 12 would take lane after lane.
#if defined(__AVX512F__)
TFJS_INLINE void store_bytes(uint8_t* p, vi32 v, int64_t n) {
  if (n >= kLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtepi32_epi8(0xffff, (__m512i)v));
  } else {
    _mm512_mask_cvtepi32_storeu_epi8(p, lane_mask(n), (__m512i)v);
  }
}
TFJS_INLINE vi32 load_bytes(const uint8_t* p, int64_t n) {
  const __m128i bytes = n >= kLanes ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))
                                    : _mm_maskz_loadu_epi8(lane_mask(n), p);
  return (vi32)_mm512_maskz_cvtepu8_epi32(0xffff, bytes);
}
#else
typedef uint8_t vu8 __attribute__((vector_size(kLanes)));
TFJS_INLINE vu8 narrowed(vi32 v) {
#if defined(__AVX2__)
  const __m256i first = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                         0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i four = _mm256_shuffle_epi8((__m256i)v, first);
  const __m128i eight = _mm_unpacklo_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
  return (vu8)_mm_cvtsi128_si64(eight);
#elif defined(__SSE4_1__)
  const __m128i first = _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  return (vu8)_mm_cvtsi128_si32(_mm_shuffle_epi8((__m128i)v, first));
#else
  return __builtin_convertvector(v, vu8);
#endif
}
TFJS_INLINE void store_bytes(uint8_t* p, vi32 v, int64_t n) {
  const vu8 narrow = narrowed(v);
  if (n >= kLanes) {
    std::memcpy(p, &narrow, kLanes);
  } else {
    for (int64_t i = 0; i < n; i++) p[i] = narrow[i];
  }
}
TFJS_INLINE vi32 load_bytes(const uint8_t* p, int64_t n) {
  vu8 narrow{};
  if (n >= kLanes) {
    std::memcpy(&narrow, p, kLanes);
  } else {
    for (int64_t i = 0; i < n; i++) narrow[i] = p[i];
  }
#if defined(__AVX2__)
  return (vi32)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)narrow));
#elif defined(__SSE4_1__)
  return (vi32)_mm_cvtepu8_epi32(_mm_cvtsi32_si128((int32_t)narrow));
#else
  return __builtin_convertvector(narrow, vi32);
#endif
}
#endif
TFJS_INLINE vf32 read_lanes(const float* p, int64_t n) { return n >= kLanes ? load(p) : load_first(p, n); }
TFJS_INLINE void write_lanes(float* p, vf32 v, int64_t n) {
  if (n >= kLanes) {
    store(p, v);
  } else {
    store_first(p, v, n);
  }
}

[[gnu::always_inline]] inline void PooledResult::put(int64_t at, int64_t column, vf32 best, vi32 cell,
                                                     int64_t n) const {
  vf32 v = best + load(bias + column);
  // The value second, so that NaN wins.
  v = low > v ? low : v;
  v = high < v ? high : v;
  write_lanes(y + at, v, n);
  if (argmax != nullptr) store_bytes(argmax + at, cell, n);
}

// Takes one more cell of a window in: a larger one, or the first NaN.
TFJS_INLINE void take_larger(vf32 value, int cell, vf32* best, vi32* at) {
  const vi32 replaces = (value > *best) | ((value != value) & (*best == *best));
  *best = select(replaces, value, *best);
  *at = replaces ? splat(int32_t{cell}) : *at;
}

// Puts the largest of 2x2 numbers, in the order of a window's cells.
TFJS_INLINE void put_largest(const PooledResult& result, int64_t at, int64_t column, vf32 a, vf32 b, vf32 c,
                             vf32 d, int64_t n) {
  const vi32 right = b > a, lower_right = d > c;
  const vf32 top = select(right, b, a), bottom = select(lower_right, d, c);
  const vi32 lower = bottom > top;
  const vi32 in_top = right ? splat(int32_t{1}) : splat(int32_t{0});
  const vi32 in_bottom = lower_right ? splat(int32_t{3}) : splat(int32_t{2});
  result.put(at, column, select(lower, bottom, top), lower ? in_bottom : in_top, n);
}

// Whether no value is NaN, infinite or so large that sums of products might overflow: the fast ways then
// need not look at what they compute.
bool is_moderate(const float* values, int64_t n);

// The fast forward ways; false where they cannot be taken. Inputs must be moderate.
bool conv2d_max_pool_few(const PooledConv2D& shape, const float* x, const float* filter,
                         const PooledResult& result);
// With the filter that WinogradFilter has transformed, if there is one.
bool conv2d_max_pool_winograd(const PooledConv2D& shape, const float* x, const float* filter,
                              const Tensor* transformed, const PooledResult& result);

// What the gradients read and write.
struct PooledGradient {
  const float *dy, *y;
  const uint8_t* argmax;
  const float *x, *filter;
  float *dx, *dfilter;  // one may be null
  float* dbias;         // whole vectors of it
};

// g [count, columns] = dy * activation'(y), and adds its sums over the windows to dbias.
void pooled_gradient(const PooledConv2D& shape, const float* dy, const float* y, int64_t count, float* g,
                     float* dbias);

// Goes through lists of what is not zero; right for any shape and values.
void conv2d_max_pool_grad_sparse(const PooledConv2D& shape, const PooledGradient& gradient);
// For few input channels and no dx; false where it cannot be taken.
bool conv2d_max_pool_grad_few(const PooledConv2D& shape, const PooledGradient& gradient);

}  // namespace tfjs::TFJS_ISA

// Rows of bilinear interpolation: what resizing and cropping have in common.
#pragma once
#include "core/scratch.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

// Between which two cells of an input axis each cell of the output lies, and how far from the first. Along a
// row the cells are counted in elements, channels included.
struct Taps {
  int32_t* low;
  int32_t* high;
  float* part;
  int64_t count;

  Taps(Scratch& scratch, int64_t cells)
      : low(scratch.get<int32_t>(cells)),
        high(scratch.get<int32_t>(cells)),
        part(scratch.get<float>(cells)),
        count(cells) {}
};

template <class V>
TFJS_INLINE V between(V a, V b, V part) {
  return a + (b - a) * part;
}

// Four lanes on any instruction set: a pixel of few channels.
typedef float Quad __attribute__((vector_size(16)));
typedef float QuadAt __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t QuadOfIntAt __attribute__((vector_size(16), aligned(4), may_alias));
TFJS_INLINE Quad load_quad(const float* p) { return *reinterpret_cast<const QuadAt*>(p); }
TFJS_INLINE Quad load_quad(const int32_t* p) {
  return __builtin_convertvector(*reinterpret_cast<const QuadOfIntAt*>(p), Quad);
}
TFJS_INLINE void store_quad(float* p, Quad v) { *reinterpret_cast<QuadAt*>(p) = v; }

TFJS_INLINE vf32 load_float(const float* p) { return load(p); }
TFJS_INLINE vf32 load_float(const int32_t* p) { return to_float(load(p)); }

// One row of an image with one to three channels, at the taps. `y` has room for one float more.
template <int kChannels, class In>
TFJS_INLINE void interpolate_along(const In* x, const Taps& taps, int64_t row, float* __restrict y) {
  for (int64_t o = 0; o < taps.count; o++) {
    const int32_t low = taps.low[o], high = taps.high[o];
    if (kChannels == 3 && low + 4 <= row && high + 4 <= row) {
      // The fourth channel is the next pixel's, which is written next.
      const Quad part = taps.part[o] - Quad{};
      store_quad(y + o * 3, between(load_quad(x + low), load_quad(x + high), part));
      continue;
    }
    for (int c = 0; c < kChannels; c++) {
      y[o * kChannels + c] =
          between(static_cast<float>(x[low + c]), static_cast<float>(x[high + c]), taps.part[o]);
    }
  }
}

// Interpolates rows of an output, of images with `row` elements a row. Along the rows first, as the
// JavaScript kernels do: infinities show the order.
template <class In>
class BilinearRows {
 public:
  BilinearRows(Scratch& scratch, const Taps& taps, int64_t row, int64_t channels)
      : taps_(taps), row_(row), channels_(channels) {
    if (channels >= 4) return;
    for (float*& buffer : buffer_) buffer = scratch.get<float>(taps.count * channels + 1);
  }

  // y: what lies between the rows `top` and `bottom` of an image, `part` of the way down.
  void interpolate(const In* top, const In* bottom, float part, float* y) {
    if (channels_ < 4) {
      between_rows(along(top, bottom), along(bottom, top), part, y);
    } else if (channels_ < kLanes) {
      each_pixel(
          top, bottom, part, y, [](const In* p) { return load_quad(p); }, store_quad, Quad{});
    } else {
      each_pixel(
          top, bottom, part, y, [](const In* p) { return load_float(p); },
          [](float* p, vf32 v) { store(p, v); }, zero());
    }
  }

  // Must be called when the taps change.
  void forget() { cached_[0] = cached_[1] = nullptr; }

 private:
  // Few channels. Rows at the taps are kept, because the next row of the output often lies between the same.
  const float* along(const In* x, const In* other) {
    for (int i = 0; i < 2; i++) {
      if (cached_[i] == x) return buffer_[i];
    }
    const int i = cached_[0] == other ? 1 : 0;
    cached_[i] = x;
    if (channels_ == 1) interpolate_along<1>(x, taps_, row_, buffer_[i]);
    if (channels_ == 2) interpolate_along<2>(x, taps_, row_, buffer_[i]);
    if (channels_ == 3) interpolate_along<3>(x, taps_, row_, buffer_[i]);
    return buffer_[i];
  }

  void between_rows(const float* top, const float* bottom, float part, float* y) const {
    const int64_t n = taps_.count * channels_;
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(y + i, between(load(top + i), load(bottom + i), splat(part)));
    if (i < n) store_first(y + i, between(load(top + i), load(bottom + i), splat(part)), n - i);
  }

  // Many channels: vectors of them, the last one overlapping the one before.
  template <class Load, class Store, class V>
  [[gnu::always_inline]] void each_pixel(const In* top, const In* bottom, float part, float* y,
                                         Load load_vector, Store store_vector, V none) const {
    constexpr int64_t kWidth = sizeof(V) / 4;
    const V down = part - none;
    for (int64_t o = 0; o < taps_.count; o++, y += channels_) {
      const In *top_left = top + taps_.low[o], *top_right = top + taps_.high[o];
      const In *bottom_left = bottom + taps_.low[o], *bottom_right = bottom + taps_.high[o];
      const V right = taps_.part[o] - none;
      for (int64_t next = 0; next < channels_; next += kWidth) {
        const int64_t c = next + kWidth <= channels_ ? next : channels_ - kWidth;
        const V above = between(load_vector(top_left + c), load_vector(top_right + c), right);
        const V below = between(load_vector(bottom_left + c), load_vector(bottom_right + c), right);
        store_vector(y + c, between(above, below, down));
      }
    }
  }

  const Taps taps_;
  const int64_t row_, channels_;
  float* buffer_[2] = {nullptr, nullptr};
  const In* cached_[2] = {nullptr, nullptr};
};

}  // namespace
}  // namespace tfjs::TFJS_ISA

// What the depthwise convolutions share: their geometry, and the product over taps that the forward pass and
// the gradient of the input both are. Vectors run over channels throughout. A channel multiplier above one is
// taken away first: every channel of x is repeated for its outputs, some images at a time.
#pragma once
#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "kernels/activation.h"
#include "parallel/parallel.h"

namespace tfjs::TFJS_ISA {

// One dimension of images, and the taps of a filter that step over it: tap t of output o is input
// first + o * step + t * tap_step, if there is one.
struct TapAxis {
  int64_t out, in;
  int64_t first, step;
  int64_t taps, tap_step;
  int64_t taps_before = 0;  // those of the phases before this one

  int64_t at(int64_t o) const { return first + o * step; }
  // The taps [tap_begin, tap_end) of output o lie inside; none if that is empty.
  int64_t tap_begin(int64_t o) const { return steps_to(0, at(o), tap_step, taps); }
  int64_t tap_end(int64_t o) const { return steps_to(in, at(o), tap_step, taps); }
  // The outputs [inner_begin, inner_end) have all of their taps inside; none if that is empty.
  int64_t inner_begin() const { return steps_to(0, first, step, out); }
  int64_t inner_end() const { return taps == 0 ? 0 : steps_to(in, first + (taps - 1) * tap_step, step, out); }

 private:
  // How many of the places from, from + by, … lie below `limit`, of at most `most`.
  static int64_t steps_to(int64_t limit, int64_t from, int64_t by, int64_t most) {
    if (from >= limit) return 0;
    const int64_t steps = (limit - from + by - 1) / by;
    return steps < most ? steps : most;
  }
};

// x [batch, rows.in, cols.in, in_channels], filter [rows.taps, cols.taps, in_channels, multiplier],
// y [batch, rows.out, cols.out, in_channels * multiplier].
struct DepthwiseShape {
  int64_t batch, in_channels, channels, multiplier;  // channels: those of y
  TapAxis rows, cols;

  int64_t taps() const { return rows.taps * cols.taps; }
  int64_t in_pixels() const { return rows.in * cols.in; }  // of an image
  int64_t out_pixels() const { return rows.out * cols.out; }
};

// False if the shapes or parameters do not fit together. The size of y is free: taps may fall outside of x.
TFJS_INLINE bool depthwise_shape(const Tensor& x, const Tensor& filter, const Tensor& y,
                                 const Conv2DParams& p, DepthwiseShape* shape) {
  if (x.rank != 4 || filter.rank != 4 || y.rank != 4) return false;
  *shape = {x.dims[0],
            x.dims[3],
            y.dims[3],
            filter.dims[3],
            {y.dims[1], x.dims[1], -p.padTop, p.strideHeight, filter.dims[0], p.dilationHeight},
            {y.dims[2], x.dims[2], -p.padLeft, p.strideWidth, filter.dims[1], p.dilationWidth}};
  return y.dims[0] == x.dims[0] && filter.dims[2] == x.dims[3] && y.dims[3] == x.dims[3] * filter.dims[3] &&
         p.strideHeight > 0 && p.strideWidth > 0 && p.dilationHeight > 0 && p.dilationWidth > 0;
}

// How many images are taken at a time where channels are repeated, so that the copy stays in the cache.
TFJS_INLINE int64_t images_at_a_time(const DepthwiseShape& s) {
  constexpr int64_t kFloats = 1 << 18;
  const int64_t image = s.in_pixels() * s.channels, images = image > 0 ? kFloats / image : s.batch;
  if (s.multiplier == 1 || images > s.batch) return s.batch;
  return images < 1 ? 1 : images;
}

// to[pixel][c * multiplier + m] = x[pixel][c].
void repeat_channels(const float* x, int64_t pixels, int64_t channels, int64_t multiplier, float* to);

// The lanes of a vector of channels: all of them, or the first n.
struct AllLanes {
  TFJS_INLINE vf32 get(const float* p) { return load(p); }
  TFJS_INLINE void put(float* p, vf32 v) { store(p, v); }
};
struct FirstLanes {
  int64_t n;
  [[gnu::always_inline]] vf32 get(const float* p) const { return load_first(p, n); }
  [[gnu::always_inline]] void put(float* p, vf32 v) const { store_first(p, v, n); }
};

// How many channels rows go by with before the next channels: so few that what tiles share of x stays in the
// first-level cache, so many that what is read of a pixel is a stream of some length. Whole cache lines.
TFJS_INLINE int64_t channels_at_a_time(int64_t channels) {
  constexpr int64_t kBlock = 128, kLine = 16;
  const int64_t blocks = channels < 2 * kBlock ? 1 : channels / kBlock;
  return (channels + blocks * kLine - 1) / (blocks * kLine) * kLine;
}

// How many pixels under a tile may lie outside of the image on either side, where rows of taps have code of
// their own: the padding of "same".
TFJS_INLINE constexpr int slack(int taps) { return taps / 2; }

// From this many bytes of x and y on, rows to come are fetched early: less is found in the last cache, where
// the processor's own fetching is faster alone.
constexpr int64_t kFarBytes = 32 << 20;
TFJS_INLINE bool is_far(int64_t floats) { return floats * static_cast<int64_t>(sizeof(float)) >= kFarBytes; }
// Fetches the line at `first`, and that of each pixel after it. A call of its own, lest it takes registers
// from the loops around it.
void fetch_pixels(const float* first, int64_t pixels, int64_t channels);
// Whether a vector that begins at channel c is the first of its cache line.
TFJS_INLINE bool begins_line(int64_t c) { return c % 16 < kLanes; }

// y(n, j, i)[c] = fusion(sum over taps of x[c] * filter[tap][c]), where taps outside of x are left out.
// Outputs fall into phases along each dimension, of equal coordinate modulo the number of phases: output m *
// phases + p is output m of axis p, which has taps of its own. The first phase has the most outputs.
struct DepthwiseProduct {
  const float* x;
  float* y;
  int64_t batch, channels;
  int64_t height, width;  // of y
  const TapAxis* rows;
  const TapAxis* cols;
  int64_t row_phases, col_phases;
  const float* filter;  // for each phase of rows, for each of columns: [rows.taps, cols.taps, channels]
  Fusion fusion;
  bool far;  // y is in no cache, whatever its size

  const float* filter_of(const TapAxis& row_phase, const TapAxis& col_phase) const {
    const TapAxis& last = cols[col_phases - 1];
    const int64_t row_taps = last.taps_before + last.taps;
    return filter + (row_phase.taps_before * row_taps + row_phase.taps * col_phase.taps_before) * channels;
  }
};
void depthwise_product(const DepthwiseProduct& product);

}  // namespace tfjs::TFJS_ISA

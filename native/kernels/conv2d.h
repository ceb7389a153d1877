// What the convolutions share: their geometry, and the product over taps that the forward pass and the
// gradient of the input both are.
#pragma once
#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "gemm/narrow_kernel.h"
#include "gemm/pack.h"
#include "kernels/activation.h"
#include "parallel/parallel.h"

namespace tfjs::TFJS_ISA {

TFJS_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// x [batch, in_height, in_width, in_channels], filter [filter_height, filter_width, in_channels,
// out_channels], y [batch, out_height, out_width, out_channels].
struct Conv2DShape {
  int64_t batch, in_height, in_width, in_channels;
  int64_t filter_height, filter_width;
  int64_t out_height, out_width, out_channels;
  Conv2DParams at;

  int64_t pixels() const { return batch * out_height * out_width; }
  int64_t taps() const { return filter_height * filter_width; }
  int64_t depth() const { return taps() * in_channels; }
  // Rows and columns of the input that taps reach over, padding included.
  int64_t reach_height() const {
    return (out_height - 1) * at.strideHeight + (filter_height - 1) * at.dilationHeight + 1;
  }
  int64_t reach_width() const {
    return (out_width - 1) * at.strideWidth + (filter_width - 1) * at.dilationWidth + 1;
  }
  // Whether some tap falls on padding.
  bool padded() const {
    return at.padTop > 0 || at.padLeft > 0 || reach_height() - at.padTop > in_height ||
           reach_width() - at.padLeft > in_width;
  }
};

// False if the shapes or parameters do not fit together. The size of y is free: taps may fall outside of x.
TFJS_INLINE bool conv2d_shape(const Tensor& x, const Tensor& filter, const Tensor& y,
                              const Conv2DParams& params, Conv2DShape* shape) {
  if (x.rank != 4 || filter.rank != 4 || y.rank != 4) return false;
  *shape = {x.dims[0],      x.dims[1], x.dims[2], x.dims[3], filter.dims[0],
            filter.dims[1], y.dims[1], y.dims[2], y.dims[3], params};
  return y.dims[0] == x.dims[0] && filter.dims[2] == x.dims[3] && filter.dims[3] == y.dims[3] &&
         params.strideHeight > 0 && params.strideWidth > 0 && params.dilationHeight > 0 &&
         params.dilationWidth > 0;
}

// Fewer input channels than this are taken together with those of the neighbouring taps: a tap alone would be
// too short a loop.
constexpr int64_t kFewChannels = 12;

// A copy of x with its padding written out as zeros, in which every tap of the convolution finds a value; its
// images are reach_height() by reach_width(). Null if that is much larger than x or cropped.
const float* pad_images(Scratch& scratch, const float* x, const Conv2DShape& shape);

// Whether all of n values are finite.
bool all_finite(const float* values, int64_t n);

// y(n, j, i) = fusion(sum over taps t of x(n, j * step_y + tap_y[t], i * step_x + tap_x[t]) * panel rows of
// t), over a grid of height x width pixels per image, where taps outside of x count as zero.
struct TapProduct {
  const float* x;
  int64_t batch, in_height, in_width;
  int64_t in_pixel;  // floats from a pixel of x to the next
  int64_t depth;     // floats that a tap reads, from its pixel on
  int64_t taps;
  const int64_t* tap_y;
  const int64_t* tap_x;
  int64_t step_y, step_x;

  float* y;
  int64_t height, width;
  int64_t image_pitch, row_pitch, pixel_pitch;  // of y, in floats
  int64_t columns;
  const float* panels;  // taps * depth rows (pack.h)
  const float* narrow;  // or the same by pack_narrow(), tap after tap, where that is faster; else null
  // Taps outside of x are left out instead of multiplied by zero: for weights that are not finite. Not with
  // narrow weights.
  bool skip_padding;
  Fusion fusion;
};
void tap_product(const TapProduct& product);

// y(n, j, i) = fusion(sum over t < 9 of x[n * image + j * step_y + i * step_x + offsets[t]] * filter[t]), for
// y [batch, height, width, columns] and filter [9, columns].
struct NineProducts {
  const float* x;
  int64_t image, step_y, step_x;
  const int64_t* offsets;
  const float* filter;
  float* y;
  int64_t batch, height, width, columns;
  Fusion fusion;
};
void nine_products(const NineProducts& product);

}  // namespace tfjs::TFJS_ISA

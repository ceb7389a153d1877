// Images [batch, height, width, channels] turned about a point; what comes from outside has the fill value.
#include <cmath>

#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/unfused.h"

namespace tfjs::TFJS_ISA {
namespace {

// Math.round of JavaScript.
TFJS_INLINE double round_half_up(double v) {
  const double below = std::floor(v);
  return v - below >= 0.5 ? below + 1 : below;
}

// The offsets in the image of where a row comes from, -1 for outside. x_cos and x_sin are the distances of
// the columns from the centre times cosine and sine. Positions are those of JavaScript, to the bit: which
// pixel is the nearest may hang on the last one.
TFJS_INLINE void source_offsets(const double* __restrict x_cos, const double* __restrict x_sin, double y_sin,
                                double y_cos, const RotateWithOffsetParams& p, int32_t width, int32_t height,
                                int32_t* __restrict offset) {
  for (int32_t x = 0; x < width; x++) {
    const double col = round_half_up(x_cos[x] - y_sin + p.centerX);
    const double row = round_half_up(x_sin[x] + y_cos + p.centerY);
    const bool inside = (col >= 0) & (col < width) & (row >= 0) & (row < height);
    const int32_t at =
        static_cast<int32_t>(inside ? row : 0) * width + static_cast<int32_t>(inside ? col : 0);
    offset[x] = inside ? at : -1;
  }
}

template <int kChannels>
TFJS_INLINE void copy_pixels(const float* image, const int32_t* offset, const float* fill, int64_t width,
                             int64_t any_channels, float* __restrict y) {
  const int64_t channels = kChannels > 0 ? kChannels : any_channels;
  for (int64_t x = 0; x < width; x++, y += channels) {
    const float* pixel = offset[x] < 0 ? fill : image + offset[x] * channels;
    for (int64_t c = 0; c < channels; c++) y[c] = pixel[c];
  }
}

}  // namespace

// fill0 to fill3: of the first channels; the others have that of the fourth.
Status RotateWithOffset(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (x.rank != 4 || y.rank != 4 || x.dtype != DType::Float32 || y.dtype != DType::Float32 ||
      x.size() != y.size())
    return Status::InvalidArgument;
  if (x.size() == 0) return Status::Ok;
  const RotateWithOffsetParams p = RotateWithOffsetParams::decode(args.params);
  const int64_t height = x.dims[1], width = x.dims[2], channels = x.dims[3];
  if (height * width > INT32_MAX) return Status::Unsupported;
  Scratch scratch;
  double *x_cos = scratch.get<double>(width), *x_sin = scratch.get<double>(width);
  for (int64_t i = 0; i < width; i++) {
    x_cos[i] = rounded((static_cast<double>(i) - p.centerX) * p.cosFactor);
    x_sin[i] = rounded((static_cast<double>(i) - p.centerX) * p.sinFactor);
  }
  float* fill = scratch.get<float>(channels);
  const double fills[] = {p.fill0, p.fill1, p.fill2, p.fill3};
  for (int64_t c = 0; c < channels; c++) fill[c] = static_cast<float>(fills[c < 3 ? c : 3]);
  const float* from = x.f32();
  float* to = y.f32();
  parallel_for(
      x.dims[0] * height, 20 + (2 + 0.5 * static_cast<double>(channels)) * static_cast<double>(width),
      [&](int64_t begin, int64_t end) {
        Scratch own;
        int32_t* offset = own.get<int32_t>(width);
        for (int64_t i = begin; i < end; i++) {
          const double distance = static_cast<double>(i % height) - p.centerY;
          source_offsets(x_cos, x_sin, rounded(distance * p.sinFactor), rounded(distance * p.cosFactor), p,
                         static_cast<int32_t>(width), static_cast<int32_t>(height), offset);
          const float* image = from + i / height * height * width * channels;
          float* out = to + i * width * channels;
          if (channels == 1) {
            copy_pixels<1>(image, offset, fill, width, channels, out);
          } else if (channels == 3) {
            copy_pixels<3>(image, offset, fill, width, channels, out);
          } else {
            copy_pixels<0>(image, offset, fill, width, channels, out);
          }
        }
      });
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

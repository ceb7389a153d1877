// Images [batch, height, width, channels] under projective transforms [batch or 1, 8]: an output pixel (x, y)
// comes from ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), where k = c0 x + c1 y + 1.
#include <cmath>

#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/unfused.h"

namespace tfjs::TFJS_ISA {
namespace {

// NaN stays.
TFJS_INLINE double clamp(double v, double last) {
  v = v > last ? last : v;
  return v < 0 ? 0 : v;
}

// Where a coordinate beyond an axis of `n` cells is looked up.
struct Constant {
  static double map(double at, double) { return at; }
};
struct Nearest {
  static double map(double at, double n) { return clamp(at, n - 1); }
};
struct Reflect {
  static double map(double at, double n) {
    const double period = 2 * n;
    if (at < 0) {
      if (n <= 1) return 0;
      at = rounded(period * std::trunc(-at / period)) + at;
      at = at < -n ? at + period : -at - 1;
    } else if (at > n - 1) {
      if (n <= 1) return 0;
      at -= rounded(period * std::trunc(at / period));
      if (at >= n) at = period - at - 1;
    }
    return clamp(at, n - 1);
  }
};
struct Wrap {
  static double map(double at, double n) {
    if (at < 0) {
      if (n <= 1) return 0;
      at += rounded(n * (std::trunc(-at / (n - 1)) + 1));
    } else if (at > n - 1) {
      if (n <= 1) return 0;
      at -= rounded(n * std::trunc(at / (n - 1)));
    }
    return clamp(at, n - 1);
  }
};

struct Transformer {
  int64_t height, width, channels, out_width;
  const float* fill;  // a pixel of it

  // The pixel at whole coordinates. NaN lies outside.
  const float* pixel(const float* image, double row, double col) const {
    const bool inside =
        row >= 0 && row < static_cast<double>(height) && col >= 0 && col < static_cast<double>(width);
    if (!inside) return fill;
    return image + (static_cast<int64_t>(row) * width + static_cast<int64_t>(col)) * channels;
  }

  template <class Mode>
  void row(const float* image, const float* t, int64_t out_row, bool nearest, float* y) const {
    // Products of floats and small whole numbers are exact in double: nothing depends on fusing them.
    const double at_y = static_cast<double>(out_row);
    for (int64_t o = 0; o < out_width; o++, y += channels) {
      const double at_x = static_cast<double>(o);
      const double k = double{t[6]} * at_x + double{t[7]} * at_y + 1;
      if (k == 0) {
        copy(fill, y);
        continue;
      }
      const double x =
          Mode::map((double{t[0]} * at_x + double{t[1]} * at_y + t[2]) / k, static_cast<double>(width));
      const double v =
          Mode::map((double{t[3]} * at_x + double{t[4]} * at_y + t[5]) / k, static_cast<double>(height));
      if (nearest) {
        copy(pixel(image, round_half_up(v), round_half_up(x)), y);
      } else {
        interpolate(image, v, x, y);
      }
    }
  }

  // Math.round of JavaScript.
  static double round_half_up(double v) {
    const double below = std::floor(v);
    return v - below >= 0.5 ? below + 1 : below;
  }

  void copy(const float* from, float* to) const {
    for (int64_t c = 0; c < channels; c++) to[c] = from[c];
  }

  void interpolate(const float* image, double row, double col, float* y) const {
    const double top = std::floor(row), left = std::floor(col), bottom = top + 1, right = left + 1;
    const float *top_left = pixel(image, top, left), *top_right = pixel(image, top, right);
    const float *bottom_left = pixel(image, bottom, left), *bottom_right = pixel(image, bottom, right);
    const float to_left = static_cast<float>(right - col), to_right = static_cast<float>(col - left);
    const float to_top = static_cast<float>(bottom - row), to_bottom = static_cast<float>(row - top);
    for (int64_t c = 0; c < channels; c++) {
      y[c] = to_top * (to_left * top_left[c] + to_right * top_right[c]) +
             to_bottom * (to_left * bottom_left[c] + to_right * bottom_right[c]);
    }
  }
};

}  // namespace

Status Transform(const Args& args) {
  const Tensor &x = args.inputs[0], &transforms = args.inputs[1], &y = args.outputs[0];
  if (x.rank != 4 || y.rank != 4 || transforms.rank != 2 || transforms.dims[1] != 8 ||
      (transforms.dims[0] != 1 && transforms.dims[0] != x.dims[0]) || y.dims[0] != x.dims[0] ||
      y.dims[3] != x.dims[3] || x.dtype != DType::Float32 || transforms.dtype != DType::Float32 ||
      y.dtype != DType::Float32)
    return Status::InvalidArgument;
  const TransformParams p = TransformParams::decode(args.params);
  if (y.size() == 0) return Status::Ok;
  const int64_t out_height = y.dims[1];
  Scratch scratch;
  float* fill = scratch.get<float>(x.dims[3]);
  for (int64_t c = 0; c < x.dims[3]; c++) fill[c] = p.fillValue;
  const Transformer transformer{x.dims[1], x.dims[2], x.dims[3], y.dims[2], fill};
  const int64_t image_size = x.dims[1] * x.dims[2] * x.dims[3], row_size = y.dims[2] * y.dims[3];
  const auto run = [&]<class Mode>(Mode) {
    parallel_for(y.dims[0] * out_height,
                 static_cast<double>(y.dims[2]) * (12 + static_cast<double>(y.dims[3])),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; i++) {
                     const int64_t image = i / out_height;
                     transformer.row<Mode>(x.f32() + image * image_size,
                                           transforms.f32() + (transforms.dims[0] == 1 ? 0 : image * 8),
                                           i % out_height, p.nearest != 0, y.f32() + i * row_size);
                   }
                 });
    return Status::Ok;
  };
  switch (static_cast<FillMode>(p.fillMode)) {
    case FillMode::Constant:
      return run(Constant{});
    case FillMode::Reflect:
      return run(Reflect{});
    case FillMode::Wrap:
      return run(Wrap{});
    case FillMode::Nearest:
      return run(Nearest{});
  }
  return Status::InvalidArgument;
}

}  // namespace tfjs::TFJS_ISA

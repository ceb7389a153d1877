// Random changes of images [n, height, width, channels], of bytes or floats from 0 to 255, whose numbers are
// drawn elsewhere. Places are looked up as scipy.ndimage does, between four pixels.
#include <algorithm>
#include <cmath>

#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/unfused.h"

namespace tfjs::TFJS_ISA {
namespace {

// Where a coordinate beyond an axis of `n` cells is looked up; below 0: nowhere. NaN is nowhere, too.
struct Constant {
  static double map(double at, double n) { return at >= 0 && at <= n - 1 ? at : -1; }
};
struct Nearest {
  static double map(double at, double n) {
    at = at < n - 1 ? at : n - 1;
    return at > 0 ? at : 0;
  }
};
struct Reflect {
  static double map(double at, double n) {
    // Half cells before the first and behind the last one.
    double phase = at + 0.5 - rounded(2 * n * std::floor((at + 0.5) / (2 * n)));
    phase = phase > n ? 2 * n - phase : phase;
    return Nearest::map(phase - 0.5, n);
  }
};
struct Wrap {
  static double map(double at, double n) {
    // The last cell and the first one are the same place.
    const double period = n - 1;
    if (!(period > 0) || (at >= 0 && at <= period)) return Nearest::map(at, n);
    return Nearest::map(at - rounded(period * std::floor(at / period)), n);
  }
};

// The four weights of a cubic B-spline at t, from 0 to 1.
TFJS_INLINE void spline(double t, double* w) {
  const double s = 1 - t;
  w[0] = s * s * s / 6;
  w[1] = (3 * t * t * t - 6 * t * t + 4) / 6;
  w[2] = (3 * s * s * s - 6 * s * s + 4) / 6;
  w[3] = t * t * t / 6;
}

struct Column {
  int64_t first;
  double weight[4];
};

// The knots about place `at` of `n` cells, which `knots` knots span with one beyond either end.
TFJS_INLINE Column column(int64_t at, int64_t n, int64_t knots) {
  const double spans = static_cast<double>(knots - 3);
  const double place = n > 1 ? static_cast<double>(at) * spans / static_cast<double>(n - 1) : 0;
  Column c;
  c.first = std::min(static_cast<int64_t>(place), knots - 4);
  spline(place - static_cast<double>(c.first), c.weight);
  return c;
}

template <class T>
struct Augmenter {
  int64_t height, width, channels;
  const Tensor& displacement;
  const Column* columns;
  const float* noise;
  float fill;

  // Adds what the knots displace a row's places by.
  void displace(int64_t image, int64_t row, double* x, double* y) const {
    const int64_t rows = displacement.dims[1], cols = displacement.dims[2];
    const Column r = column(row, height, rows);
    const float* knots = displacement.f32() + (image * rows + r.first) * cols * 2;
    for (int64_t o = 0; o < width; o++) {
      const Column& c = columns[o];
      double dx = 0, dy = 0;
      for (int64_t i = 0; i < 4; i++) {
        const float* k = knots + (i * cols + c.first) * 2;
        double rx = 0, ry = 0;
        for (int64_t j = 0; j < 4; j++) {
          rx += c.weight[j] * static_cast<double>(k[2 * j]);
          ry += c.weight[j] * static_cast<double>(k[2 * j + 1]);
        }
        dx += r.weight[i] * rx;
        dy += r.weight[i] * ry;
      }
      x[o] += dx;
      y[o] += dy;
    }
  }

  template <class Mode>
  void warp(const T* image, int64_t index, const float* t, double* x, double* y, float* to) const {
    const double across = static_cast<double>(width), down = static_cast<double>(height);
    for (int64_t row = 0; row < height; row++) {
      // Products of floats and small whole numbers are exact in double.
      const double at = static_cast<double>(row);
      for (int64_t o = 0; o < width; o++) {
        x[o] = double{t[0]} * static_cast<double>(o) + double{t[1]} * at + double{t[2]};
        y[o] = double{t[3]} * static_cast<double>(o) + double{t[4]} * at + double{t[5]};
      }
      if (columns != nullptr) displace(index, row, x, y);
      for (int64_t o = 0; o < width; o++) {
        x[o] = Mode::map(x[o], across);
        y[o] = Mode::map(y[o], down);
      }
      for (int64_t o = 0; o < width; o++, to += channels) sample(image, x[o], y[o], to);
    }
  }

  [[gnu::always_inline]] inline void sample(const T* image, double x, double y, float* to) const {
    if (!(x >= 0 && y >= 0)) {
      for (int64_t c = 0; c < channels; c++) to[c] = fill;
      return;
    }
    const int64_t left = static_cast<int64_t>(x), top = static_cast<int64_t>(y);
    const float right_part = static_cast<float>(x - static_cast<double>(left)),
                bottom_part = static_cast<float>(y - static_cast<double>(top));
    const T* a = image + (top * width + left) * channels;
    const int64_t right = left + 1 < width ? channels : 0, below = top + 1 < height ? width * channels : 0;
    for (int64_t c = 0; c < channels; c++) {
      const float above = static_cast<float>(a[c]) * (1 - right_part) +
                          static_cast<float>(a[right + c]) * right_part,
                  under = static_cast<float>(a[below + c]) * (1 - right_part) +
                          static_cast<float>(a[below + right + c]) * right_part;
      to[c] = above * (1 - bottom_part) + under * bottom_part;
    }
  }

  // Brightness, contrast, noise, and what is cut out.
  void paint(int64_t index, const float* t, float* to) const {
    const int64_t size = height * width * channels;
    const float brightness = t[6], contrast = t[7];
    const auto clip = [](float v) { return v < 0 ? 0.0f : v > 255 ? 255.0f : v; };
    if (brightness != 1) {
      for (int64_t i = 0; i < size; i++) to[i] = clip(to[i] * brightness);
    }
    if (contrast != 1) {
      for (int64_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int64_t i = c; i < size; i += channels) sum += static_cast<double>(to[i]);
        const float mean = static_cast<float>(sum / static_cast<double>(height * width));
        for (int64_t i = c; i < size; i += channels) to[i] = clip((to[i] - mean) * contrast + mean);
      }
    }
    if (noise != nullptr) {
      const float* added = noise + index * size;
      for (int64_t i = 0; i < size; i++) to[i] = clip(to[i] + added[i]);
    }
    const auto within = [](float v, int64_t n) {
      return static_cast<int64_t>(std::min(std::max(v, 0.0f), static_cast<float>(n)));
    };
    const int64_t left = within(t[9], width), right = within(t[11], width);
    for (int64_t row = within(t[8], height); row < within(t[10], height); row++) {
      for (int64_t i = left * channels; i < right * channels; i++) to[row * width * channels + i] = fill;
    }
  }
};

constexpr int64_t kNumbers = 12;

}  // namespace

Status AugmentImages(const Args& args) {
  const Tensor &x = args.inputs[0], &numbers = args.inputs[1], &displacement = args.inputs[2],
               &noise = args.inputs[3], &y = args.outputs[0];
  if (x.rank != 4 || y.rank != 4 || numbers.rank != 2 || numbers.dims[0] != x.dims[0] ||
      numbers.dims[1] != kNumbers || x.dtype == DType::Int32 || y.dtype != DType::Float32)
    return Status::InvalidArgument;
  const int64_t n = x.dims[0], height = x.dims[1], width = x.dims[2], channels = x.dims[3];
  const bool displaces = displacement.data != nullptr;
  if (displaces && (displacement.rank != 4 || displacement.dims[0] != n || displacement.dims[1] < 4 ||
                    displacement.dims[2] < 4 || displacement.dims[3] != 2))
    return Status::InvalidArgument;
  if (noise.data != nullptr && noise.size() != x.size()) return Status::InvalidArgument;
  if (x.size() == 0) return Status::Ok;
  const AugmentImagesParams p = AugmentImagesParams::decode(args.params);
  Scratch scratch;
  Column* columns = displaces ? scratch.get<Column>(width) : nullptr;
  for (int64_t o = 0; displaces && o < width; o++) columns[o] = column(o, width, displacement.dims[2]);
  const auto run = [&]<class T, class Mode>(const T* images, Mode) {
    const Augmenter<T> augmenter{height, width, channels, displacement, columns, noise.f32(), p.cval};
    const int64_t size = height * width * channels;
    parallel_for(n, static_cast<double>(height * width) * (2 + static_cast<double>(channels)),
                 [&](int64_t begin, int64_t end) {
                   Scratch own;
                   double *at_x = own.get<double>(width), *at_y = own.get<double>(width);
                   for (int64_t i = begin; i < end; i++) {
                     const float* t = numbers.f32() + i * kNumbers;
                     float* to = y.f32() + i * size;
                     augmenter.template warp<Mode>(images + i * size, i, t, at_x, at_y, to);
                     augmenter.paint(i, t, to);
                   }
                 });
    return Status::Ok;
  };
  const auto run_mode = [&]<class T>(const T* images) {
    switch (static_cast<FillMode>(p.fillMode)) {
      case FillMode::Constant:
        return run(images, Constant{});
      case FillMode::Reflect:
        return run(images, Reflect{});
      case FillMode::Wrap:
        return run(images, Wrap{});
      case FillMode::Nearest:
        return run(images, Nearest{});
    }
    return Status::InvalidArgument;
  };
  return x.dtype == DType::Bool ? run_mode(x.u8()) : run_mode(x.f32());
}

}  // namespace tfjs::TFJS_ISA

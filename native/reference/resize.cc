#include <algorithm>

#include "reference/box.h"

namespace tfjs::reference {
namespace {

// Positions along one axis, as the JavaScript kernels compute them.
struct Axis {
  int64_t in;
  bool align, half;
  double ratio;

  Axis(int64_t in_length, int64_t out, const ResizeParams& p)
      : in(in_length), align(p.alignCorners != 0), half(p.halfPixelCenters != 0) {
    ratio = static_cast<double>(align && out > 1 ? in - 1 : in) /
            static_cast<double>(align && out > 1 ? out - 1 : out);
  }
  // noinline: fused with what is done to it, the product would lose its rounding.
  [[gnu::noinline]] double scaled(int64_t o) const {
    return ratio * (static_cast<double>(o) + (half ? 0.5 : 0.0));
  }
  double at(int64_t o) const { return scaled(o) - (half ? 0.5 : 0.0); }
  int64_t low(int64_t o) const { return static_cast<int64_t>(std::max(0.0, std::floor(at(o)))); }
  int64_t high(int64_t o) const {
    return static_cast<int64_t>(std::min(static_cast<double>(in - 1), std::ceil(at(o))));
  }
  double part(int64_t o) const { return at(o) - static_cast<double>(low(o)); }
  int64_t nearest(int64_t o) const {
    // std::round would do: nothing is negative.
    const double i = align ? std::round(scaled(o)) : std::floor(scaled(o));
    return static_cast<int64_t>(std::min(static_cast<double>(in - 1), i));
  }
};

struct Axes {
  Axis rows, cols;
  Axes(const Tensor& image, const Tensor& resized, const double* params)
      : rows(image.dims[1], resized.dims[1], ResizeParams::decode(params)),
        cols(image.dims[2], resized.dims[2], ResizeParams::decode(params)) {}
};

}  // namespace

void ResizeBilinear(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  const Axes axes(x, y, params);
  y.clear();
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    const Axis &rows = axes.rows, &cols = axes.cols;
    const int64_t top = rows.low(at[1]), bottom = rows.high(at[1]), left = cols.low(at[2]),
                  right = cols.high(at[2]);
    const auto pixel = [&](int64_t row, int64_t col) {
      return x.value[flat(x.dims, {at[0], row, col, at[3]})];
    };
    const double across = cols.part(at[2]), down = rows.part(at[1]);
    const double above = pixel(top, left) + (pixel(top, right) - pixel(top, left)) * across;
    const double below = pixel(bottom, left) + (pixel(bottom, right) - pixel(bottom, left)) * across;
    const size_t o = flat(y.dims, at);
    y.value[o] = above + (below - above) * down;
    for (double v : {pixel(top, left), pixel(top, right), pixel(bottom, left), pixel(bottom, right)})
      y.magnitude[o] += 2 * std::abs(v);
  });
  // Two interpolations after each other: the rounded part, a difference, a product and a sum each. A
  // difference counts both of its terms, hence the doubled magnitude.
  y.rounding_steps = 8;
}

void ResizeBilinearGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                        const double* params) {
  const Tensor& dy = inputs[0];
  Tensor& dx = outputs[0];
  const Axes axes(dx, dy, params);
  dx.clear();
  std::vector<double> terms(dx.value.size(), 0.0);
  each_coordinate(dy.dims, [&](const std::vector<int64_t>& at) {
    const double v = dy.value[flat(dy.dims, at)];
    const double across = axes.cols.part(at[2]), down = axes.rows.part(at[1]);
    const auto add = [&](int64_t row, int64_t col, double weight) {
      const size_t i = flat(dx.dims, {at[0], row, col, at[3]});
      dx.value[i] += v * weight;
      dx.magnitude[i] += std::abs(v * weight);
      terms[i]++;
    };
    const int64_t top = axes.rows.low(at[1]), bottom = axes.rows.high(at[1]);
    const int64_t left = axes.cols.low(at[2]), right = axes.cols.high(at[2]);
    add(top, left, (1 - down) * (1 - across));
    add(top, right, (1 - down) * across);
    add(bottom, left, down * (1 - across));
    add(bottom, right, down * across);
  });
  // A sum of that many products of three, whose two weights are rounded twice (the part, its complement).
  for (double n : terms) dx.rounding_steps = std::max(dx.rounding_steps, n + 6);
}

void ResizeNearestNeighbor(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                           const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  const Axes axes(x, y, params);
  y.value.assign(static_cast<size_t>(y.size()), 0);
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    y.value[flat(y.dims, at)] =
        x.value[flat(x.dims, {at[0], axes.rows.nearest(at[1]), axes.cols.nearest(at[2]), at[3]})];
  });
}

void ResizeNearestNeighborGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                               const double* params) {
  const Tensor& dy = inputs[0];
  Tensor& dx = outputs[0];
  const Axes axes(dx, dy, params);
  dx.clear();
  std::vector<double> terms(dx.value.size(), 0.0);
  each_coordinate(dy.dims, [&](const std::vector<int64_t>& at) {
    const size_t i = flat(dx.dims, {at[0], axes.rows.nearest(at[1]), axes.cols.nearest(at[2]), at[3]});
    dx.value[i] += dy.value[flat(dy.dims, at)];
    dx.magnitude[i] += std::abs(dy.value[flat(dy.dims, at)]);
    terms[i]++;
  });
  for (double n : terms) dx.rounding_steps = std::max(dx.rounding_steps, n);
}

}  // namespace tfjs::reference

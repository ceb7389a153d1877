#include <algorithm>

#include "reference/box.h"

namespace tfjs::reference {
namespace {

// Where cell i of a crop's axis lies in an image's of `length` cells, as the JavaScript kernel computes it.
// volatile: each product is rounded before it is added.
double position(double low, double high, int64_t length, int64_t crop, int64_t i) {
  const double last = static_cast<double>(length - 1);
  if (crop == 1) return 0.5 * (low + high) * last;
  const double scale = (high - low) * last / static_cast<double>(crop - 1);
  volatile const double from = low * last, step = static_cast<double>(i) * scale;
  return from + step;
}

}  // namespace

void CropAndResize(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor &x = inputs[0], &boxes = inputs[1], &image_of = inputs[2];
  Tensor& y = outputs[0];
  const CropAndResizeParams p = CropAndResizeParams::decode(params);
  y.clear();
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    const size_t box = static_cast<size_t>(at[0]), o = flat(y.dims, at);
    const auto image = static_cast<int64_t>(image_of.value[box]);
    if (image >= x.dims[0]) return;
    const double* corner = &boxes.value[box * 4];
    const double row = position(corner[0], corner[2], x.dims[1], y.dims[1], at[1]);
    const double col = position(corner[1], corner[3], x.dims[2], y.dims[2], at[2]);
    const auto outside = [](double v, int64_t length) {
      return v < 0 || v > static_cast<double>(length - 1);
    };
    if (outside(row, x.dims[1]) || outside(col, x.dims[2])) {
      y.value[o] = p.extrapolationValue;
      return;
    }
    if (std::isnan(row) || std::isnan(col) || image < 0) {
      y.value[o] = NAN;
      return;
    }
    const auto pixel = [&](double r, double c) {
      return x.value[flat(x.dims, {image, static_cast<int64_t>(r), static_cast<int64_t>(c), at[3]})];
    };
    if (p.nearest) {
      y.value[o] = pixel(std::round(row), std::round(col));
      y.magnitude[o] = std::abs(y.value[o]);
      return;
    }
    const double top = std::floor(row), bottom = std::ceil(row), left = std::floor(col),
                 right = std::ceil(col);
    const double above = pixel(top, left) + (pixel(top, right) - pixel(top, left)) * (col - left);
    const double below = pixel(bottom, left) + (pixel(bottom, right) - pixel(bottom, left)) * (col - left);
    y.value[o] = above + (below - above) * (row - top);
    for (double v : {pixel(top, left), pixel(top, right), pixel(bottom, left), pixel(bottom, right)})
      y.magnitude[o] += 2 * std::abs(v);
  });
  // As ResizeBilinear.
  y.rounding_steps = 8;
}

}  // namespace tfjs::reference

#include <algorithm>

#include "reference/box.h"

namespace tfjs::reference {
namespace {

// scipy.ndimage's modes; below 0: nowhere.
double map(FillMode mode, double at, double n) {
  if (mode == FillMode::Constant) return at >= 0 && at <= n - 1 ? at : -1;
  if (mode == FillMode::Reflect) {
    // volatile: the product is rounded before it is taken off.
    volatile const double periods = 2 * n * std::floor((at + 0.5) / (2 * n));
    const double phase = at + 0.5 - periods;
    at = (phase > n ? 2 * n - phase : phase) - 0.5;
  } else if (mode == FillMode::Wrap && n > 1 && !(at >= 0 && at <= n - 1)) {
    volatile const double periods = (n - 1) * std::floor(at / (n - 1));
    at = at - periods;
  }
  return std::max(0.0, std::min(at, n - 1));
}

double spline(double distance) {
  const double d = std::abs(distance);
  if (d >= 2) return 0;
  return d >= 1 ? (2 - d) * (2 - d) * (2 - d) / 6 : (3 * d * d * d - 6 * d * d + 4) / 6;
}

}  // namespace

void AugmentImages(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor &x = inputs[0], &numbers = inputs[1], &displacement = inputs[2], &noise = inputs[3];
  Tensor& y = outputs[0];
  const AugmentImagesParams p = AugmentImagesParams::decode(params);
  y.clear();
  const FillMode mode = static_cast<FillMode>(p.fillMode);
  const double height = static_cast<double>(x.dims[1]), width = static_cast<double>(x.dims[2]);
  const auto clip = [](double v) { return std::max(0.0, std::min(v, 255.0)); };
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    const double* t = &numbers.value[static_cast<size_t>(at[0] * numbers.dims[1])];
    const double to_y = static_cast<double>(at[1]), to_x = static_cast<double>(at[2]);
    double from_x = t[0] * to_x + t[1] * to_y + t[2], from_y = t[3] * to_x + t[4] * to_y + t[5];
    if (!displacement.value.empty()) {
      const int64_t rows = displacement.dims[1], cols = displacement.dims[2];
      const double v = height > 1 ? to_y * static_cast<double>(rows - 3) / (height - 1) : 0;
      const double u = width > 1 ? to_x * static_cast<double>(cols - 3) / (width - 1) : 0;
      double dx = 0, dy = 0;
      for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) {
          // Knot 1 lies at the first cell.
          const double w = spline(v + 1 - static_cast<double>(i)) * spline(u + 1 - static_cast<double>(j));
          dx += w * displacement.value[flat(displacement.dims, {at[0], i, j, 0})];
          dy += w * displacement.value[flat(displacement.dims, {at[0], i, j, 1})];
        }
      }
      from_x += dx;
      from_y += dy;
    }
    from_x = map(mode, from_x, width);
    from_y = map(mode, from_y, height);
    double value = p.cval;
    if (from_x >= 0 && from_y >= 0) {
      value = 0;
      for (double r : {std::floor(from_y), std::floor(from_y) + 1}) {
        for (double c : {std::floor(from_x), std::floor(from_x) + 1}) {
          const double w = (1 - std::abs(from_y - r)) * (1 - std::abs(from_x - c));
          if (w == 0) continue;
          value +=
              w * x.value[flat(x.dims, {at[0], static_cast<int64_t>(r), static_cast<int64_t>(c), at[3]})];
        }
      }
    }
    y.value[flat(y.dims, at)] = t[6] == 1 ? value : clip(value * t[6]);
  });
  std::vector<double> means(static_cast<size_t>(x.dims[0] * x.dims[3]));
  const double pixels = height * width;
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    means[static_cast<size_t>(at[0] * x.dims[3] + at[3])] += y.value[flat(y.dims, at)] / pixels;
  });
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    const double* t = &numbers.value[static_cast<size_t>(at[0] * numbers.dims[1])];
    const size_t o = flat(y.dims, at);
    const double mean = means[static_cast<size_t>(at[0] * x.dims[3] + at[3])];
    double value = y.value[o];
    if (t[7] != 1) value = clip((value - mean) * t[7] + mean);
    if (!noise.value.empty()) value = clip(value + noise.value[o]);
    const double row = static_cast<double>(at[1]), col = static_cast<double>(at[2]);
    const bool cut = row >= std::trunc(t[8]) && row < std::trunc(t[10]) && col >= std::trunc(t[9]) &&
                     col < std::trunc(t[11]);
    y.value[o] = cut ? static_cast<double>(p.cval) : value;
    // Every value on the way lies between 0 and 255; what brightness and contrast make of an error, and the
    // noise.
    y.magnitude[o] = 255 * std::max(1.0, std::abs(t[6])) * std::max(1.0, std::abs(t[7])) +
                     (noise.value.empty() ? 0 : std::abs(noise.value[o]));
  });
  // Weights (2), products and sums between four pixels (4), brightness, mean, contrast (3), noise.
  y.rounding_steps = 12;
}

}  // namespace tfjs::reference

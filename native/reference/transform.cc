#include <algorithm>

#include "reference/box.h"

namespace tfjs::reference {
namespace {

double reflect(double at, double n) {
  if (at >= 0 && at <= n - 1) return at;
  if (std::isnan(at) || n <= 1) return std::isnan(at) ? at : 0;
  // volatile: the product is rounded before it is added.
  if (at < 0) {
    volatile const double periods = 2 * n * std::trunc(-at / (2 * n));
    at = periods + at;
    return at < -n ? at + 2 * n : -at - 1;
  }
  volatile const double periods = 2 * n * std::trunc(at / (2 * n));
  at = at - periods;
  return at >= n ? 2 * n - at - 1 : at;
}

double wrap(double at, double n) {
  if (at >= 0 && at <= n - 1) return at;
  if (std::isnan(at) || n <= 1) return std::isnan(at) ? at : 0;
  volatile const double periods =
      at < 0 ? n * (std::trunc(-at / (n - 1)) + 1) : -n * std::trunc(at / (n - 1));
  return at + periods;
}

double map(FillMode mode, double at, int64_t length) {
  const double n = static_cast<double>(length);
  if (mode == FillMode::Constant) return at;
  const double mapped = mode == FillMode::Reflect ? reflect(at, n)
                        : mode == FillMode::Wrap  ? wrap(at, n)
                                                  : at;
  return std::isnan(mapped) ? mapped : std::max(0.0, std::min(mapped, n - 1));
}

}  // namespace

void Transform(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor &x = inputs[0], &transforms = inputs[1];
  Tensor& y = outputs[0];
  const TransformParams p = TransformParams::decode(params);
  y.clear();
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    const double* t = &transforms.value[transforms.dims[0] == 1 ? 0 : static_cast<size_t>(at[0]) * 8];
    const size_t o = flat(y.dims, at);
    const double to_x = static_cast<double>(at[2]), to_y = static_cast<double>(at[1]);
    const double k = t[6] * to_x + t[7] * to_y + 1;
    y.value[o] = p.fillValue;
    y.magnitude[o] = std::abs(y.value[o]);
    if (k == 0) return;
    const FillMode mode = static_cast<FillMode>(p.fillMode);
    const double col = map(mode, (t[0] * to_x + t[1] * to_y + t[2]) / k, x.dims[2]);
    const double row = map(mode, (t[3] * to_x + t[4] * to_y + t[5]) / k, x.dims[1]);
    const auto pixel = [&](double r, double c) {
      const bool inside =
          r >= 0 && r < static_cast<double>(x.dims[1]) && c >= 0 && c < static_cast<double>(x.dims[2]);
      return inside ? x.value[flat(x.dims, {at[0], static_cast<int64_t>(r), static_cast<int64_t>(c), at[3]})]
                    : static_cast<double>(p.fillValue);
    };
    if (p.nearest) {
      const auto round = [](double v) {
        return v - std::floor(v) >= 0.5 ? std::floor(v) + 1 : std::floor(v);
      };
      y.value[o] = pixel(round(row), round(col));
      y.magnitude[o] = std::abs(y.value[o]);
      return;
    }
    y.value[o] = y.magnitude[o] = 0;
    for (double r : {std::floor(row), std::floor(row) + 1}) {
      for (double c : {std::floor(col), std::floor(col) + 1}) {
        const double down = r == std::floor(row) ? r + 1 - row : row - std::floor(row);
        const double across = c == std::floor(col) ? c + 1 - col : col - std::floor(col);
        const double term = down * (across * pixel(r, c));
        y.value[o] += term;
        y.magnitude[o] += std::abs(term);
      }
    }
  });
  // Two rounded weights, two products and two sums.
  y.rounding_steps = 6;
}

}  // namespace tfjs::reference

// Convolution, then max-pooling, then bias and activation, and the gradient from the definition. What is
// special: NaN wins a maximum, the first one of several, and a gradient of zero adds nothing, whatever it
// meets.
#include <algorithm>

#include "core/winograd.h"
#include "reference/activation.h"
#include "reference/winograd.h"

namespace tfjs::reference {
namespace {

size_t index(const std::vector<int64_t>& dims, int64_t a, int64_t b, int64_t c, int64_t d) {
  return static_cast<size_t>(((a * dims[1] + b) * dims[2] + c) * dims[3] + d);
}

// Winograd's method may be taken in other tiles than for the convolution alone: the larger of both bounds
// holds.
void allow_winograd(const Tensor& x, const Tensor& filter, const Tensor& transformed,
                    const FusedConv2DMaxPoolParams& p, Tensor& sums) {
  if (filter.dims[0] != 3 || filter.dims[1] != 3 || p.strideHeight != 1 || p.strideWidth != 1 ||
      p.dilationHeight != 1 || p.dilationWidth != 1 || p.windowHeight != 2 || p.windowWidth != 2 ||
      p.poolStrideHeight != 2 || p.poolStrideWidth != 2)
    return;
  const int tile =
      transformed.dims.empty()
          ? winograd_pooled_tile(sums.dims[0], sums.dims[1], sums.dims[2], x.dims[3], filter.dims[3])
          : static_cast<int>(std::lround(std::sqrt(transformed.dims[0]))) - 2;
  if (tile == 0) return;
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!std::all_of(x.value.begin(), x.value.end(), finite) ||
      !std::all_of(filter.value.begin(), filter.value.end(), finite))
    return;
  Tensor other = sums;
  bound_winograd_product(
      tile,
      [&](int64_t n, int64_t row, int64_t col, int64_t c) {
        const int64_t i = row - p.padTop, j = col - p.padLeft;
        return i >= 0 && j >= 0 && i < x.dims[1] && j < x.dims[2] ? x.value[index(x.dims, n, i, j, c)] : 0.0;
      },
      [&](int64_t ky, int64_t kx, int64_t c, int64_t k) {
        return filter.value[index(filter.dims, ky, kx, c, k)];
      },
      x.dims[3], other);
  for (size_t i = 0; i < sums.magnitude.size(); i++) {
    sums.magnitude[i] = std::max(sums.magnitude[i], other.magnitude[i]);
  }
  sums.rounding_steps = std::max(sums.rounding_steps, other.rounding_steps);
}

double slope_at(Activation activation, double y, double alpha) {
  switch (activation) {
    case Activation::Relu:
      return std::isnan(y) ? y : y > 0 ? 1 : 0;
    case Activation::Relu6:
      return std::isnan(y) ? y : y > 0 && y < 6 ? 1 : 0;
    case Activation::Elu:
      return y >= 0 ? 1 : y + 1;
    case Activation::Sigmoid:
      return y * (1 - y);
    case Activation::LeakyRelu:
      return y > 0 ? 1 : alpha;
    default:
      return 1;
  }
}

void add(Tensor& to, size_t at, double value) {
  if (to.value.empty()) return;
  to.value[at] += value;
  to.magnitude[at] += std::abs(value);
}

}  // namespace

void FusedConv2DMaxPool(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                        const double* params) {
  const FusedConv2DMaxPoolParams p = FusedConv2DMaxPoolParams::decode(params);
  Tensor &y = outputs[0], &argmax = outputs[1];
  const bool has_argmax = !argmax.dims.empty();
  const auto reach = [](int64_t out, int64_t step, int64_t window) {
    return out > 0 ? (out - 1) * step + window : 0;
  };
  std::vector<Tensor> sums(1);
  sums[0].dims = {y.dims[0], reach(y.dims[1], p.poolStrideHeight, p.windowHeight),
                  reach(y.dims[2], p.poolStrideWidth, p.windowWidth), y.dims[3]};
  Conv2D(inputs, sums, params);
  allow_winograd(inputs[0], inputs[1], inputs[3], p, sums[0]);

  y.clear();
  if (has_argmax) argmax.clear();
  for (int64_t n = 0; n < y.dims[0]; n++)
    for (int64_t row = 0; row < y.dims[1]; row++)
      for (int64_t col = 0; col < y.dims[2]; col++)
        for (int64_t c = 0; c < y.dims[3]; c++) {
          const size_t to = index(y.dims, n, row, col, c);
          for (int64_t cell = 0; cell < p.windowHeight * p.windowWidth; cell++) {
            const size_t from = index(sums[0].dims, n, row * p.poolStrideHeight + cell / p.windowWidth,
                                      col * p.poolStrideWidth + cell % p.windowWidth, c);
            const double value = sums[0].value[from];
            // A maximum moves no further than the values do.
            y.magnitude[to] = std::max(y.magnitude[to], sums[0].magnitude[from]);
            if (cell > 0 && !(value > y.value[to]) && !(std::isnan(value) && !std::isnan(y.value[to])))
              continue;
            y.value[to] = value;
            if (has_argmax) argmax.value[to] = static_cast<double>(cell);
          }
        }
  y.rounding_steps = sums[0].rounding_steps;
  apply_fusion(inputs[2], {}, static_cast<Activation>(p.activation), p.leakyreluAlpha, y);
}

void FusedConv2DMaxPoolGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                            const double* params) {
  const FusedConv2DMaxPoolParams p = FusedConv2DMaxPoolParams::decode(params);
  const Tensor &dy = inputs[0], &y = inputs[1], &argmax = inputs[2], &x = inputs[3], &filter = inputs[4];
  Tensor &dx = outputs[0], &dfilter = outputs[1], &dbias = outputs[2];
  for (Tensor& output : outputs) {
    if (!output.dims.empty()) output.clear();
  }
  const int64_t columns = dy.dims[3];
  for (int64_t n = 0; n < dy.dims[0]; n++)
    for (int64_t row = 0; row < dy.dims[1]; row++)
      for (int64_t col = 0; col < dy.dims[2]; col++)
        for (int64_t k = 0; k < columns; k++) {
          const size_t at = index(dy.dims, n, row, col, k);
          const double g = dy.value[at] * slope_at(static_cast<Activation>(p.activation), y.value[at],
                                                   static_cast<double>(p.leakyreluAlpha));
          if (g == 0) continue;
          add(dbias, static_cast<size_t>(k), g);
          const int64_t cell = static_cast<int64_t>(argmax.value[at]);
          const int64_t top = (row * p.poolStrideHeight + cell / p.windowWidth) * p.strideHeight - p.padTop;
          const int64_t left = (col * p.poolStrideWidth + cell % p.windowWidth) * p.strideWidth - p.padLeft;
          for (int64_t ky = 0; ky < filter.dims[0]; ky++)
            for (int64_t kx = 0; kx < filter.dims[1]; kx++) {
              const int64_t i = top + ky * p.dilationHeight, j = left + kx * p.dilationWidth;
              const bool inside = i >= 0 && j >= 0 && i < x.dims[1] && j < x.dims[2];
              for (int64_t c = 0; c < x.dims[3]; c++) {
                // Padding is zeros like any others.
                if (!inside) add(dfilter, index(filter.dims, ky, kx, c, k), g * 0.0);
                if (!inside) continue;
                const size_t pixel = index(x.dims, n, i, j, c), weight = index(filter.dims, ky, kx, c, k);
                add(dx, pixel, g * filter.value[weight]);
                add(dfilter, weight, g * x.value[pixel]);
              }
            }
        }
  // Of g: the slope, at most two roundings, and the product with it; then the product and sum of each term.
  const double of_g = 3;
  const double windows = static_cast<double>(dy.dims[0] * dy.dims[1] * dy.dims[2]);
  const double overlaps = static_cast<double>(filter.dims[0] * filter.dims[1] * columns);
  const double shared = static_cast<double>((p.windowHeight / p.poolStrideHeight + 1) *
                                            (p.windowWidth / p.poolStrideWidth + 1));
  dx.rounding_steps = of_g + 1 + std::min(overlaps * shared, windows * overlaps);
  dfilter.rounding_steps = of_g + 1 + windows;
  dbias.rounding_steps = of_g + windows;
}

}  // namespace tfjs::reference

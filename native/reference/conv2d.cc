#include "core/winograd.h"
#include "reference/activation.h"
#include "reference/winograd.h"

namespace tfjs::reference {
namespace {

// Calls visit(x index, filter index, y index) for each product of a convolution.
template <class F>
void for_each_product(const Tensor& x, const Tensor& filter, const Tensor& y, const Conv2DParams& p,
                      F visit) {
  const int64_t height = x.dims[1], width = x.dims[2], channels = x.dims[3];
  const int64_t filter_height = filter.dims[0], filter_width = filter.dims[1];
  const int64_t out_height = y.dims[1], out_width = y.dims[2], out_channels = y.dims[3];
  for (int64_t n = 0; n < y.dims[0]; n++) {
    for (int64_t oy = 0; oy < out_height; oy++) {
      for (int64_t ox = 0; ox < out_width; ox++) {
        for (int64_t ky = 0; ky < filter_height; ky++) {
          for (int64_t kx = 0; kx < filter_width; kx++) {
            const int64_t iy = oy * p.strideHeight + ky * p.dilationHeight - p.padTop;
            const int64_t ix = ox * p.strideWidth + kx * p.dilationWidth - p.padLeft;
            if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
            for (int64_t c = 0; c < channels; c++) {
              for (int64_t o = 0; o < out_channels; o++) {
                visit(static_cast<size_t>(((n * height + iy) * width + ix) * channels + c),
                      static_cast<size_t>(((ky * filter_width + kx) * channels + c) * out_channels + o),
                      static_cast<size_t>(((n * out_height + oy) * out_width + ox) * out_channels + o));
              }
            }
          }
        }
      }
    }
  }
}

void add_product(Tensor& to, size_t at, double a, double b) {
  to.value[at] += a * b;
  to.magnitude[at] += std::abs(a * b);
}

bool has_winograd(const Tensor& filter, const Conv2DParams& p) {
  return filter.dims[0] == 3 && filter.dims[1] == 3 && p.strideHeight == 1 && p.strideWidth == 1 &&
         p.dilationHeight == 1 && p.dilationWidth == 1;
}

// What is not finite is computed the direct way.
bool all_finite(const Tensor& tensor) {
  for (double v : tensor.value) {
    if (!std::isfinite(static_cast<float>(v))) return false;
  }
  return true;
}

// Takes the bound of Winograd's way for a result, unless something not finite in its tiles, maybe of pixels
// that no result depends on, made the kernel go the direct way.
template <class F>
void take_bound(Tensor& result, F bound) {
  Tensor other = result;
  bound(other);
  for (double m : other.magnitude) {
    if (!std::isfinite(m)) return;
  }
  result = other;
}

// An image moved down and to the right, with zeros around it.
Image moved(const Tensor& x, int64_t down, int64_t right) {
  return [&x, down, right](int64_t n, int64_t i, int64_t j, int64_t c) {
    const int64_t row = i - down, column = j - right;
    if (row < 0 || row >= x.dims[1] || column < 0 || column >= x.dims[2]) return 0.0;
    return x.value[static_cast<size_t>(((n * x.dims[1] + row) * x.dims[2] + column) * x.dims[3] + c)];
  };
}

}  // namespace

void Conv2D(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor &x = inputs[0], &filter = inputs[1];
  Tensor& y = outputs[0];
  y.clear();
  for_each_product(x, filter, y, Conv2DParams::decode(params),
                   [&](size_t i, size_t k, size_t o) { add_product(y, o, x.value[i], filter.value[k]); });
  // A rounding for the product and one for each addition.
  y.rounding_steps = static_cast<double>(filter.dims[0] * filter.dims[1] * filter.dims[2]) + 1;

  const Conv2DParams p = Conv2DParams::decode(params);
  if (!has_winograd(filter, p) || !all_finite(y)) return;
  const int tile = winograd_product_tile(y.dims[0], y.dims[1], y.dims[2], x.dims[3], y.dims[3]);
  if (tile == 0) return;
  take_bound(y, [&](Tensor& to) {
    bound_winograd_product(tile, moved(x, p.padTop, p.padLeft), moved(filter, 0, 0), x.dims[3], to);
  });
}

void FusedConv2D(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  Conv2D(inputs, outputs, params);
  const FusedConv2DParams p = FusedConv2DParams::decode(params);
  apply_fusion(inputs[2], inputs[3], static_cast<Activation>(p.activation), p.leakyreluAlpha, outputs[0]);
}

void Conv2DBackpropInput(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                         const double* params) {
  const Tensor &dy = inputs[0], &filter = inputs[1];
  Tensor& dx = outputs[0];
  dx.clear();
  for_each_product(dx, filter, dy, Conv2DParams::decode(params),
                   [&](size_t i, size_t k, size_t o) { add_product(dx, i, dy.value[o], filter.value[k]); });
  dx.rounding_steps = static_cast<double>(filter.dims[0] * filter.dims[1] * filter.dims[3]) + 1;

  const Conv2DParams p = Conv2DParams::decode(params);
  if (!has_winograd(filter, p) || !all_finite(dx)) return;
  const int tile = winograd_product_tile(dx.dims[0], dx.dims[1], dx.dims[2], dy.dims[3], dx.dims[3]);
  if (tile == 0) return;
  const Image weights = moved(filter, 0, 0);
  const Image turned = [&](int64_t ky, int64_t kx, int64_t k, int64_t c) {
    return weights(2 - ky, 2 - kx, c, k);
  };
  take_bound(dx, [&](Tensor& to) {
    bound_winograd_product(tile, moved(dy, 2 - p.padTop, 2 - p.padLeft), turned, dy.dims[3], to);
  });
}

void Conv2DBackpropFilter(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                          const double* params) {
  const Tensor &x = inputs[0], &dy = inputs[1];
  Tensor& dw = outputs[0];
  dw.clear();
  for_each_product(x, dw, dy, Conv2DParams::decode(params),
                   [&](size_t i, size_t k, size_t o) { add_product(dw, k, x.value[i], dy.value[o]); });
  dw.rounding_steps = static_cast<double>(dy.dims[0] * dy.dims[1] * dy.dims[2]) + 1;

  const Conv2DParams p = Conv2DParams::decode(params);
  if (!has_winograd(dw, p) || !all_finite(dw)) return;
  const int tile = winograd_filter_tile(dy.dims[0], dy.dims[1], dy.dims[2], dw.dims[2], dw.dims[3]);
  if (tile == 0) return;
  take_bound(dw, [&](Tensor& to) { bound_winograd_filter(tile, moved(x, p.padTop, p.padLeft), dy, to); });
}

}  // namespace tfjs::reference

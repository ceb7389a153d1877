#include "reference/activation.h"
#include "reference/reference.h"

namespace tfjs::reference {
namespace {

// Calls visit(x index, filter index, y index) for each product of a depthwise convolution.
template <class F>
void for_each_product(const Tensor& x, const Tensor& filter, const Tensor& y, const Conv2DParams& p,
                      F visit) {
  const int64_t height = x.dims[1], width = x.dims[2], channels = x.dims[3], multiplier = filter.dims[3];
  const int64_t filter_height = filter.dims[0], filter_width = filter.dims[1];
  const int64_t out_height = y.dims[1], out_width = y.dims[2];
  for (int64_t n = 0; n < y.dims[0]; n++) {
    for (int64_t oy = 0; oy < out_height; oy++) {
      for (int64_t ox = 0; ox < out_width; ox++) {
        for (int64_t ky = 0; ky < filter_height; ky++) {
          for (int64_t kx = 0; kx < filter_width; kx++) {
            const int64_t iy = oy * p.strideHeight + ky * p.dilationHeight - p.padTop;
            const int64_t ix = ox * p.strideWidth + kx * p.dilationWidth - p.padLeft;
            if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
            for (int64_t c = 0; c < channels; c++) {
              for (int64_t m = 0; m < multiplier; m++) {
                const int64_t pixel = (n * out_height + oy) * out_width + ox;
                visit(static_cast<size_t>(((n * height + iy) * width + ix) * channels + c),
                      static_cast<size_t>(((ky * filter_width + kx) * channels + c) * multiplier + m),
                      static_cast<size_t>((pixel * channels + c) * multiplier + m));
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

}  // namespace

void DepthwiseConv2dNative(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                           const double* params) {
  const Tensor &x = inputs[0], &filter = inputs[1];
  Tensor& y = outputs[0];
  y.clear();
  for_each_product(x, filter, y, Conv2DParams::decode(params),
                   [&](size_t i, size_t k, size_t o) { add_product(y, o, x.value[i], filter.value[k]); });
  // A rounding for the product and one for each addition.
  y.rounding_steps = static_cast<double>(filter.dims[0] * filter.dims[1]) + 1;
}

void FusedDepthwiseConv2D(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                          const double* params) {
  DepthwiseConv2dNative(inputs, outputs, params);
  const FusedConv2DParams p = FusedConv2DParams::decode(params);
  apply_fusion(inputs[2], inputs[3], static_cast<Activation>(p.activation), p.leakyreluAlpha, outputs[0]);
}

void DepthwiseConv2dNativeBackpropInput(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                        const double* params) {
  const Tensor &dy = inputs[0], &filter = inputs[1];
  Tensor& dx = outputs[0];
  dx.clear();
  for_each_product(dx, filter, dy, Conv2DParams::decode(params),
                   [&](size_t i, size_t k, size_t o) { add_product(dx, i, dy.value[o], filter.value[k]); });
  dx.rounding_steps = static_cast<double>(filter.dims[0] * filter.dims[1] * filter.dims[3]) + 1;
}

void DepthwiseConv2dNativeBackpropFilter(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                         const double* params) {
  const Tensor &x = inputs[0], &dy = inputs[1];
  Tensor& dw = outputs[0];
  dw.clear();
  for_each_product(x, dw, dy, Conv2DParams::decode(params),
                   [&](size_t i, size_t k, size_t o) { add_product(dw, k, x.value[i], dy.value[o]); });
  dw.rounding_steps = static_cast<double>(dy.dims[0] * dy.dims[1] * dy.dims[2]) + 1;
}

}  // namespace tfjs::reference

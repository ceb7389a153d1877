// Bias and activation of fused ops.
#pragma once
#include <algorithm>

#include "reference/reference.h"

namespace tfjs::reference {

// Turns the sums in y, with their magnitudes and rounding steps, into activation(y + bias). Bias and the
// slopes of Prelu are absent, have one value, or one a column.
inline void apply_fusion(const Tensor& bias, const Tensor& prelu, Activation activation,
                         float leakyrelu_alpha, Tensor& y) {
  const size_t columns = static_cast<size_t>(y.dims.back());
  auto of_column = [&](const Tensor& t, size_t i) { return t.value[t.value.size() == 1 ? 0 : i % columns]; };
  const bool has_bias = !bias.value.empty();
  // The bound of an error that passes a function with slopes up to L grows by L; the function's own roundings
  // come on top.
  double own_roundings = 0;
  for (size_t i = 0; i < y.value.size(); i++) {
    double& x = y.value[i];
    double slope = 1;
    if (has_bias) {
      x += of_column(bias, i);
      y.magnitude[i] += std::abs(of_column(bias, i));
    }
    switch (activation) {
      case Activation::Relu:
        x = x < 0 ? 0 : x;
        break;
      case Activation::Relu6:
        x = x < 0 ? 0 : x > 6 ? 6 : x;
        break;
      case Activation::Elu:
        x = x >= 0 ? x : std::expm1(x);
        own_roundings = 4;
        break;
      case Activation::Sigmoid:
        x = 1 / (1 + std::exp(-x));
        slope = 0.25;
        own_roundings = 5;
        break;
      case Activation::Prelu:
      case Activation::LeakyRelu: {
        const double alpha = activation == Activation::Prelu ? of_column(prelu, i) : leakyrelu_alpha;
        x = x < 0 ? alpha * x : x;
        slope = std::max(1.0, std::abs(alpha));
        own_roundings = 1;
        break;
      }
      default:
        break;
    }
    y.magnitude[i] = std::max(slope * y.magnitude[i], std::abs(x));
  }
  y.rounding_steps += (has_bias ? 1 : 0) + own_roundings;
}

}  // namespace tfjs::reference

#include "reference/reference.h"

namespace tfjs::reference {

void SigmoidCrossEntropyWithLogits(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                   const double*) {
  Tensor &loss = outputs[0], &gradient = outputs[1];
  loss.clear();
  gradient.clear();
  for (size_t i = 0; i < loss.value.size(); i++) {
    const double z = inputs[0].value[i], x = inputs[1].value[i];
    const double positive = std::isnan(x) ? x : std::max(x, 0.0),
                 log_part = std::log1p(std::exp(-std::abs(x)));
    loss.value[i] = positive - x * z + log_part;
    // The product, two additions, and log1p and exp with an ulp each, of which exp's counts in full.
    loss.magnitude[i] = positive + std::abs(x * z) + log_part;
    const double p = 1 / (1 + std::exp(-x));
    gradient.value[i] = p - z;
    gradient.magnitude[i] = p + std::abs(z);
  }
  loss.rounding_steps = 6;
  // exp, whose argument's size does not matter where it does not overflow, the addition, the quotient, the
  // difference.
  gradient.rounding_steps = 5;
}

void MeanSquaredError(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  Tensor &loss = outputs[0], &gradient = outputs[1];
  loss.clear();
  gradient.clear();
  const size_t rows = loss.value.size(), n = rows == 0 ? 0 : inputs[1].value.size() / rows;
  for (size_t i = 0; i < rows * n; i++) {
    const double error = inputs[1].value[i] - inputs[0].value[i];
    loss.value[i / n] += error * error / static_cast<double>(n);
    loss.magnitude[i / n] += error * error / static_cast<double>(n);
    gradient.value[i] = 2 * error / static_cast<double>(n);
    gradient.magnitude[i] = std::abs(gradient.value[i]);
  }
  // Difference and square, the additions, 1/n and the product with it.
  loss.rounding_steps = static_cast<double>(n) + 5;
  gradient.rounding_steps = 3;
}

}  // namespace tfjs::reference

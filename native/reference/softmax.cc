#include "reference/reference.h"

namespace tfjs::reference {

void Softmax(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  Tensor& y = outputs[0];
  y.clear();
  const std::vector<double>& x = inputs[0].value;
  const size_t n = static_cast<size_t>(y.dims.back());
  if (n == 0) return;
  for (size_t row = 0; row < x.size(); row += n) {
    double top = -INFINITY;
    for (size_t i = row; i < row + n; i++) top = std::isnan(x[i]) || x[i] > top ? x[i] : top;
    double sum = 0, mean_distance = 0;
    for (size_t i = row; i < row + n; i++) {
      y.value[i] = std::exp(x[i] - top);
      sum += y.value[i];
      if (y.value[i] > 0) mean_distance += y.value[i] * (top - x[i]);
    }
    mean_distance /= sum;
    for (size_t i = row; i < row + n; i++) {
      y.value[i] /= sum;
      // In roundings of the result: x - top is rounded, which exp turns into |x - top| of them, in the result
      // and, averaged by weight, in the sum; exp itself has 1 ulp, or 2 roundings, in both; n additions,
      // the reciprocal, the product.
      const double roundings = (top - x[i]) + mean_distance + 4 + static_cast<double>(n) + 2;
      y.magnitude[i] = y.value[i] > 0 ? y.value[i] * roundings : 0;
    }
  }
  y.rounding_steps = 1;
}

}  // namespace tfjs::reference

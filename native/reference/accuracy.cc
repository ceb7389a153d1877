#include "core/params.h"
#include "reference/reference.h"

namespace tfjs::reference {
namespace {

size_t arg_max(const Tensor& x, size_t row, size_t n) {
  size_t best = row * n;
  for (size_t i = best; i < (row + 1) * n; i++) {
    if (x.value[i] > x.value[best]) best = i;
  }
  return best - row * n;
}

size_t columns(const Tensor& x, const Tensor& y) {
  return y.value.empty() ? 0 : x.value.size() / y.value.size();
}

}  // namespace

void SparseCategoricalAccuracy(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                               const double*) {
  Tensor& y = outputs[0];
  y.clear();
  const size_t n = columns(inputs[1], y);
  for (size_t row = 0; row < y.value.size(); row++) {
    y.value[row] = static_cast<double>(arg_max(inputs[1], row, n)) == inputs[0].value[row];
  }
}

void CategoricalAccuracy(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  Tensor& y = outputs[0];
  y.clear();
  const size_t n = columns(inputs[1], y);
  for (size_t row = 0; row < y.value.size(); row++) {
    y.value[row] = arg_max(inputs[1], row, n) == arg_max(inputs[0], row, n);
  }
}

void BinaryAccuracy(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const double threshold = BinaryAccuracyParams::decode(params).threshold;
  Tensor& y = outputs[0];
  y.clear();
  const size_t n = columns(inputs[1], y);
  for (size_t i = 0; i < inputs[1].value.size(); i++) {
    const double right = inputs[0].value[i] == (inputs[1].value[i] > threshold ? 1.0 : 0.0);
    y.value[i / n] += right / static_cast<double>(n);
    y.magnitude[i / n] += right / static_cast<double>(n);
  }
  // The quotient.
  y.rounding_steps = 1;
}

}  // namespace tfjs::reference

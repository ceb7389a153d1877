#include "reference/reference.h"

namespace tfjs::reference {

void UnsortedSegmentSum(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const Tensor &x = inputs[0], &ids = inputs[1];
  Tensor& y = outputs[0];
  y.clear();
  const int64_t run = y.dims[1];
  for (int64_t row = 0; row < x.dims[0]; row++) {
    const auto segment = static_cast<int64_t>(ids.value[static_cast<size_t>(row)]);
    if (segment < 0 || segment >= y.dims[0]) continue;
    for (int64_t i = 0; i < run; i++) {
      const double value = x.value[static_cast<size_t>(row * run + i)];
      y.value[static_cast<size_t>(segment * run + i)] += value;
      y.magnitude[static_cast<size_t>(segment * run + i)] += std::abs(value);
    }
  }
  y.rounding_steps = static_cast<double>(x.dims[0]);
}

}  // namespace tfjs::reference

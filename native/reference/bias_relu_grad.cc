#include "reference/reference.h"

namespace tfjs::reference {

void BiasReluGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const Tensor &dy = inputs[0], &y = inputs[1];
  Tensor &dx = outputs[0], &dbias = outputs[1];
  dx.clear();
  dbias.clear();
  const size_t columns = dbias.value.size();
  for (size_t i = 0; i < dx.value.size(); i++) {
    const double slope = std::isnan(y.value[i]) ? y.value[i] : y.value[i] > 0 ? 1.0 : 0.0;
    dx.value[i] = dy.value[i] * slope;
    dx.magnitude[i] = std::abs(dx.value[i]);
    dbias.value[i % columns] += dx.value[i];
    dbias.magnitude[i % columns] += std::abs(dx.value[i]);
  }
  dbias.rounding_steps = columns == 0 ? 0 : static_cast<double>(dx.value.size() / columns);
}

}  // namespace tfjs::reference

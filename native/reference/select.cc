#include "reference/reference.h"

namespace tfjs::reference {

void Select(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  outputs[0].value = inputs[2].value;
  for (size_t i = 0; i < outputs[0].value.size(); i++) {
    if (inputs[0].value[i] == 1) outputs[0].value[i] = inputs[1].value[i];
  }
}

}  // namespace tfjs::reference

#include "reference/reference.h"
#include "reference/whole.h"

namespace tfjs::reference {

void Cast(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  Tensor& y = outputs[0];
  y.value = inputs[0].value;
  for (double& v : y.value) {
    if (y.dtype == DType::Int32) v = wrap_to_int32(v);
    if (y.dtype == DType::Bool) v = v != 0;
  }
}

}  // namespace tfjs::reference

#include "reference/reference.h"

namespace tfjs::reference {

void Transpose(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  const size_t rank = x.dims.size();
  std::vector<size_t> index(rank);  // of x
  y.value.resize(x.value.size());
  for (const double value : x.value) {
    int64_t at = 0;
    for (size_t d = 0; d < rank; d++) {
      at = at * y.dims[d] + static_cast<int64_t>(index[static_cast<size_t>(params[d])]);
    }
    y.value[static_cast<size_t>(at)] = value;
    for (size_t d = rank; d-- > 0;) {
      if (++index[d] < static_cast<size_t>(x.dims[d])) break;
      index[d] = 0;
    }
  }
}

}  // namespace tfjs::reference

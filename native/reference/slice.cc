#include "reference/box.h"

namespace tfjs::reference {

void Slice(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  y.value.assign(static_cast<size_t>(y.size()), 0);
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    std::vector<int64_t> from = at;
    for (size_t d = 0; d < at.size(); d++) from[d] += static_cast<int64_t>(params[d]);
    y.value[flat(y.dims, at)] = x.value[flat(x.dims, from)];
  });
}

}  // namespace tfjs::reference

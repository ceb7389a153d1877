#include "reference/box.h"

namespace tfjs::reference {

void Reverse(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  const int64_t axes = ReverseParams::decode(params).axes;
  y.value.assign(static_cast<size_t>(y.size()), 0);
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    std::vector<int64_t> from = at;
    for (size_t d = 0; d < at.size(); d++) {
      if (axes >> d & 1) from[d] = x.dims[d] - 1 - at[d];
    }
    y.value[flat(y.dims, at)] = x.value[flat(x.dims, from)];
  });
}

}  // namespace tfjs::reference

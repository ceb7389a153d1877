#include "reference/box.h"

namespace tfjs::reference {

void GatherV2(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const Tensor &x = inputs[0], &indices = inputs[1];
  Tensor& y = outputs[0];
  y.value.assign(static_cast<size_t>(y.size()), 0);
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    const auto index = static_cast<int64_t>(indices.value[flat(indices.dims, {at[0], at[2]})]);
    y.value[flat(y.dims, at)] = x.value[flat(x.dims, {at[0], at[1], index, at[3]})];
  });
}

}  // namespace tfjs::reference

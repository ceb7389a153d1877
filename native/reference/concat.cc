#include "reference/box.h"

namespace tfjs::reference {

void Concat(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  Tensor& y = outputs[0];
  y.value.assign(static_cast<size_t>(y.size()), 0);
  int64_t begin = 0;
  for (const Tensor& x : inputs) {
    each_coordinate(x.dims, [&](const std::vector<int64_t>& at) {
      y.value[flat(y.dims, {at[0], begin + at[1]})] = x.value[flat(x.dims, at)];
    });
    begin += x.dims[1];
  }
}

}  // namespace tfjs::reference

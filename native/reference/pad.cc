#include "reference/box.h"

namespace tfjs::reference {

void PadV2(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  y.value.assign(static_cast<size_t>(y.size()), from_pattern(y.dtype, params[kMaxRank]));
  each_coordinate(x.dims, [&](const std::vector<int64_t>& at) {
    std::vector<int64_t> to = at;
    for (size_t d = 0; d < at.size(); d++) to[d] += static_cast<int64_t>(params[d]);
    y.value[flat(y.dims, to)] = x.value[flat(x.dims, at)];
  });
}

}  // namespace tfjs::reference

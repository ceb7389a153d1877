#include "reference/box.h"

namespace tfjs::reference {

void OneHot(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const OneHotParams p = OneHotParams::decode(params);
  Tensor& y = outputs[0];
  y.value.assign(static_cast<size_t>(y.size()), 0);
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    const bool on = inputs[0].value[static_cast<size_t>(at[0])] == static_cast<double>(at[1]);
    y.value[flat(y.dims, at)] = from_pattern(y.dtype, static_cast<double>(on ? p.onPattern : p.offPattern));
  });
}

}  // namespace tfjs::reference

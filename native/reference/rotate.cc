#include "reference/box.h"

namespace tfjs::reference {

void RotateWithOffset(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  const RotateWithOffsetParams p = RotateWithOffsetParams::decode(params);
  const double fill[] = {p.fill0, p.fill1, p.fill2, p.fill3};
  y.value.assign(static_cast<size_t>(y.size()), 0);
  each_coordinate(y.dims, [&](const std::vector<int64_t>& at) {
    const double to_x = static_cast<double>(at[2]) - p.centerX, to_y = static_cast<double>(at[1]) - p.centerY;
    // volatile: each product is rounded before it is added.
    volatile const double x_cos = to_x * p.cosFactor, x_sin = to_x * p.sinFactor;
    volatile const double y_cos = to_y * p.cosFactor, y_sin = to_y * p.sinFactor;
    // Math.round: halves go up.
    const auto round = [](double v) { return v - std::floor(v) >= 0.5 ? std::floor(v) + 1 : std::floor(v); };
    const double col = round(x_cos - y_sin + p.centerX), row = round(x_sin + y_cos + p.centerY);
    const bool inside =
        col >= 0 && col < static_cast<double>(x.dims[2]) && row >= 0 && row < static_cast<double>(x.dims[1]);
    y.value[flat(y.dims, at)] =
        inside ? x.value[flat(x.dims, {at[0], static_cast<int64_t>(row), static_cast<int64_t>(col), at[3]})]
               : static_cast<double>(static_cast<float>(fill[at[3] < 3 ? at[3] : 3]));
  });
}

}  // namespace tfjs::reference

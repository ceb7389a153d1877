#include <algorithm>

#include "reference/reference.h"

namespace tfjs::reference {

void ConstrainNorm(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = ConstrainNormParams::decode(params);
  const double low = static_cast<double>(p.minValue), high = static_cast<double>(p.maxValue);
  const double rate = static_cast<double>(p.rate), epsilon = static_cast<double>(p.epsilon);
  const std::vector<double>& x = inputs[0].value;
  Tensor& y = outputs[0];
  y.clear();
  const size_t length = static_cast<size_t>(inputs[0].dims[1]),
               inner = static_cast<size_t>(inputs[0].dims[2]);
  for (size_t i = 0; i < x.size(); i++) {
    const size_t first = i / (length * inner) * length * inner + i % inner;
    double square = 0;
    for (size_t k = 0; k < length; k++) square += x[first + k * inner] * x[first + k * inner];
    const double norm = std::sqrt(square);
    const double wanted = rate * std::clamp(norm, low, high) + (1 - rate) * norm;
    y.value[i] = x[i] * wanted / (norm + epsilon);
    y.magnitude[i] =
        std::abs(x[i]) * (rate * std::clamp(norm, low, high) + std::abs(1 - rate) * norm) / (norm + epsilon);
  }
  // The norm, twice, with half its additions; quotient and products.
  y.rounding_steps = static_cast<double>(length) + 8;
}

}  // namespace tfjs::reference

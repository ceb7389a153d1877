#include <cstring>

#include "reference/reference.h"

namespace tfjs::reference {

void ZerosLike(const std::vector<Tensor>&, std::vector<Tensor>& outputs, const double*) {
  outputs[0].value.assign(static_cast<size_t>(outputs[0].size()), 0.0);
}

void OnesLike(const std::vector<Tensor>&, std::vector<Tensor>& outputs, const double*) {
  outputs[0].value.assign(static_cast<size_t>(outputs[0].size()), 1.0);
}

void Fill(const std::vector<Tensor>&, std::vector<Tensor>& outputs, const double* params) {
  const int32_t pattern = static_cast<int32_t>(FillParams::decode(params).pattern);
  float real;
  std::memcpy(&real, &pattern, sizeof real);
  const double value = outputs[0].dtype == DType::Float32 ? static_cast<double>(real)
                       : outputs[0].dtype == DType::Bool  ? pattern & 255
                                                          : pattern;
  outputs[0].value.assign(static_cast<size_t>(outputs[0].size()), value);
}

}  // namespace tfjs::reference

#include "reference/reference.h"

namespace tfjs::reference {
namespace {

template <class F>
void unary(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, double rounding_steps, F f) {
  outputs[0].value.resize(inputs[0].value.size());
  for (size_t i = 0; i < inputs[0].value.size(); i++) outputs[0].value[i] = f(inputs[0].value[i]);
  outputs[0].rounding_steps = rounding_steps;
}

}  // namespace

void Relu(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  unary(inputs, outputs, 0, [](double x) { return x < 0 ? 0 : x; });
}

void Square(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  unary(inputs, outputs, 1, [](double x) { return x * x; });
}

}  // namespace tfjs::reference

#include <algorithm>
#include <cmath>

#include "reference/broadcast.h"
#include "reference/whole.h"

namespace tfjs::reference {
namespace {

template <class F>
void binary(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, double rounding_steps, F f) {
  for_each_pair(inputs, outputs[0], [&](double a, double b, double& y, double& magnitude) {
    y = f(a, b);
    if (outputs[0].dtype == DType::Int32) y = wrap_to_int32(y);
    magnitude = std::abs(y);
  });
  outputs[0].rounding_steps = rounding_steps;
}

double either_nan(double a, double b, double otherwise) {
  return std::isnan(a) || std::isnan(b) ? NAN : otherwise;
}

double power(double a, double b) {
  if (std::isnan(b) || (std::isinf(b) && std::abs(a) == 1)) return NAN;
  return std::pow(a, b);
}

double modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  return (a < 0 && b < 0) || (a >= 0 && b >= 0) ? rest : std::fmod(rest + b, b);
}

}  // namespace

#define TFJS_TWIN(Name, rounding_steps, expression)                                                   \
  void Name(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {         \
    binary(inputs, outputs, rounding_steps, [](double a, double b) -> double { return expression; }); \
  }

TFJS_TWIN(Add, 1, a + b)
TFJS_TWIN(Sub, 1, a - b)
TFJS_TWIN(Multiply, 1, a* b)
TFJS_TWIN(RealDiv, 1, a / b)
// The difference is rounded, then squared with its error twice, then rounded.
TFJS_TWIN(SquaredDifference, 3, (a - b) * (a - b))
TFJS_TWIN(Maximum, 0, either_nan(a, b, std::max(a, b)))
TFJS_TWIN(Minimum, 0, either_nan(a, b, std::min(a, b)))
TFJS_TWIN(FloorDiv, 0, std::floor(a / b))
TFJS_TWIN(Mod, 1, modulo(a, b))
TFJS_TWIN(Pow, 1, power(a, b))
TFJS_TWIN(Prelu, 1, a < 0 ? b * a : a)
// The sum b + 1 cancels, but b is exact, so that its rounding is relative to the sum.
TFJS_TWIN(ReluGrad, 0, a*(std::isnan(b) ? b : b > 0 ? 1.0 : 0.0))
TFJS_TWIN(EluGrad, 2, b >= 0 ? a : a * (b + 1))
TFJS_TWIN(SigmoidGrad, 3, a*(b * (1 - b)))
TFJS_TWIN(TanhGrad, 4, a * ((1 - b) * (1 + b)))

void AddN(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  Tensor& y = outputs[0];
  y.clear();
  for (size_t i = 0; i < y.value.size(); i++) {
    for (const Tensor& x : inputs) {
      y.value[i] += x.value[i];
      y.magnitude[i] += std::abs(x.value[i]);
      if (y.dtype == DType::Int32) y.value[i] = wrap_to_int32(y.value[i]);
    }
  }
  y.rounding_steps = static_cast<double>(inputs.size());
}

}  // namespace tfjs::reference

#include <algorithm>
#include <cmath>

#include "reference/reference.h"
#include "reference/whole.h"

namespace tfjs::reference {
namespace {

template <class F>
void unary(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, double rounding_steps, F f) {
  outputs[0].value.resize(inputs[0].value.size());
  for (size_t i = 0; i < inputs[0].value.size(); i++) {
    const double y = f(inputs[0].value[i]);
    outputs[0].value[i] = outputs[0].dtype == DType::Int32 ? wrap_to_int32(y) : y;
  }
  outputs[0].rounding_steps = rounding_steps;
}

// An approximation within `ulp` units in the last place: a unit is up to two roundings of 2^-24.
constexpr double ulp(double units) { return 2 * units; }

}  // namespace

#define TFJS_TWIN(Name, rounding_steps, expression)                                           \
  void Name(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) { \
    unary(inputs, outputs, rounding_steps, [](double x) -> double { return expression; });    \
  }

TFJS_TWIN(Relu, 0, x < 0 ? 0 : x)
TFJS_TWIN(Relu6, 0, x<0 ? 0 : x> 6 ? 6 : x)
TFJS_TWIN(Abs, 0, std::abs(x))
TFJS_TWIN(Neg, 0, -x)
TFJS_TWIN(Square, 1, x* x)
TFJS_TWIN(Sign, 0, x<0 ? -1 : x> 0 ? 1 : 0)
TFJS_TWIN(Sqrt, 1, std::sqrt(x))
TFJS_TWIN(Rsqrt, 2, 1 / std::sqrt(x))
TFJS_TWIN(Reciprocal, 1, 1 / x)
TFJS_TWIN(Floor, 0, std::floor(x))
TFJS_TWIN(Ceil, 0, std::ceil(x))
TFJS_TWIN(Round, 0, std::nearbyint(x))
// The units are what simd/math.h promises.
TFJS_TWIN(Exp, ulp(1.1), std::exp(x))
TFJS_TWIN(Expm1, ulp(1.6), std::expm1(x))
TFJS_TWIN(Log, ulp(0.9), std::log(x))
TFJS_TWIN(Log1p, ulp(0.9), std::log1p(x))
TFJS_TWIN(Sigmoid, ulp(2.5), 1 / (1 + std::exp(-x)))
TFJS_TWIN(Tanh, ulp(1.4), std::tanh(x))
TFJS_TWIN(Softplus, ulp(1.7), std::isnan(x) ? x : std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))))
TFJS_TWIN(Erf, ulp(1.2), std::erf(x))
TFJS_TWIN(Elu, ulp(1.6), x >= 0 ? x : std::expm1(x))
// Two roundings more: the constant and the product.
TFJS_TWIN(Selu, ulp(1.6) + 2,
          x >= 0 ? 1.0507009873554805 * x : 1.0507009873554805 * 1.6732632423543772 * std::expm1(x))
TFJS_TWIN(IsNan, 0, std::isnan(x))
TFJS_TWIN(IsInf, 0, std::isinf(x))
TFJS_TWIN(IsFinite, 0, std::isfinite(x))
TFJS_TWIN(LogicalNot, 0, x == 0)

void LeakyRelu(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const double alpha = AlphaParams::decode(params).alpha;
  unary(inputs, outputs, 1, [&](double x) { return x < 0 ? alpha * x : x; });
}

void Step(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const double alpha = AlphaParams::decode(params).alpha;
  unary(inputs, outputs, 0, [&](double x) { return std::isnan(x) ? x : x > 0 ? 1 : alpha; });
}

void ClipByValue(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const double low = ClipByValueParams::decode(params).clipValueMin;
  const double high = ClipByValueParams::decode(params).clipValueMax;
  unary(inputs, outputs, 0, [&](double x) { return x > high ? high : x < low ? low : x; });
}

}  // namespace tfjs::reference

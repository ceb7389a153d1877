#include <algorithm>
#include <limits>

#include "reference/philox.h"
#include "reference/reference.h"

namespace tfjs::reference {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Where the normal distribution's cumulative one is q, for |z| <= 2: bisected.
double normal_quantile(double q) {
  double low = -3, high = 3;
  for (int i = 0; i < 60; i++) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < q ? low : high) = middle;
  }
  return low;
}

}  // namespace

void RandomUniform(const std::vector<Tensor>&, std::vector<Tensor>& outputs, const double* params) {
  Tensor& y = outputs[0];
  const RandomUniformParams p = RandomUniformParams::decode(params);
  y.clear();
  for (size_t i = 0; i < y.value.size(); i++) {
    const uint32_t word = random_word(p, i);
    if (y.dtype == DType::Float32) {
      y.value[i] = std::min(p.limit, p.min + p.range * (word >> 8) * 0x1p-24);
      y.magnitude[i] = std::abs(p.min) + std::abs(p.range);
    } else {
      // volatile: the product is rounded before it is added.
      volatile const double product = p.range * (word * 0x1p-32);
      y.value[i] = std::trunc(p.min + product);
    }
  }
  // The product and the sum.
  y.rounding_steps = 2;
}

void RandomStandardNormal(const std::vector<Tensor>&, std::vector<Tensor>& outputs, const double* params) {
  Tensor& y = outputs[0];
  const RandomNormalParams p = RandomNormalParams::decode(params);
  y.clear();
  for (size_t i = 0; i < y.value.size(); i++) {
    const bool second = i / 16 % 2 == 1;
    const size_t pair = second ? i - 16 : i;
    const uint32_t a = random_word(p, pair), b = random_word(p, pair + 16);
    // The number is defined with the rounding of a float here.
    const double uniform = static_cast<float>(static_cast<float>(a >> 1) + 1.0f) * 0x1p-31;
    const double distance = std::sqrt(-2 * std::log(uniform)), angle = 2 * kPi * b * 0x1p-32;
    y.value[i] = p.mean + p.stdDev * distance * (second ? std::sin(angle) : std::cos(angle));
    y.magnitude[i] = std::abs(p.mean) + std::abs(p.stdDev) * (distance + 1e-4);
  }
  // The logarithm (2 ulp), which the root halves, the angle's two roundings, the sine (2 ulp), and three
  // operations more; near uniform == 1 the logarithm's absolute error of about 1e-10 is what the 1e-4 covers.
  y.rounding_steps = 9;
}

void TruncatedNormal(const std::vector<Tensor>&, std::vector<Tensor>& outputs, const double* params) {
  Tensor& y = outputs[0];
  const RandomNormalParams p = RandomNormalParams::decode(params);
  y.clear();
  const double tail = 0.5 * std::erfc(std::sqrt(2.0));  // beyond two deviations, on one side
  for (size_t i = 0; i < y.value.size(); i++) {
    const double unit = ((random_word(p, i) ^ 0x80000000u) >> 8) * 0x1p-24 + 0x1p-25;
    const double z = normal_quantile(tail + (1 - 2 * tail) * unit);
    y.value[i] = p.mean + p.stdDev * z;
    y.magnitude[i] = std::abs(p.mean) + std::abs(p.stdDev);
  }
  // The polynomial is within 3.5e-7 of z relatively (Giles, table 5) and its evaluation adds about as much:
  // 6e-7 * 2 deviations are 20 roundings; eight more for what comes before and after it.
  y.rounding_steps = 28;
}

void Dropout(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  const DropoutParams p = DropoutParams::decode(params);
  y.clear();
  for (size_t i = 0; i < y.value.size(); i++) {
    y.value[i] = x.value[i] * (random_word(p, i) >= static_cast<uint32_t>(p.dropBelow) ? p.scale : 0);
    y.magnitude[i] = std::abs(y.value[i]);
  }
}

void Multinomial(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  const PhiloxParams p = PhiloxParams::decode(params);
  const size_t outcomes = static_cast<size_t>(x.dims[1]);
  y.value.assign(static_cast<size_t>(y.size()), 0);
  for (size_t i = 0; i < y.value.size(); i++) {
    const double* probability = &x.value[i / static_cast<size_t>(y.dims[1]) * outcomes];
    const double unit = random_word(p, i) * 0x1p-32;
    size_t outcome = 0;
    float sum = 0;  // as the JavaScript kernel sums up
    for (; outcome + 1 < outcomes; outcome++) {
      sum += static_cast<float>(probability[outcome]);
      if (unit < static_cast<double>(sum)) break;
    }
    y.value[i] = static_cast<double>(outcome);
  }
}

}  // namespace tfjs::reference

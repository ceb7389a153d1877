#include <algorithm>

#include "reference/reference.h"

namespace tfjs::reference {
namespace {

// In float columns are added in chunks.
double additions(size_t columns) { return std::min(static_cast<double>(columns), 512.0); }

double or_one(const Tensor& t, size_t c) { return t.value.empty() ? 1 : t.value[c]; }

}  // namespace

void LayerNorm(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const double epsilon = LayerNormParams::decode(params).varianceEpsilon;
  const Tensor &x = inputs[0], &scale = inputs[1], &offset = inputs[2];
  Tensor &y = outputs[0], &means = outputs[1], &inverses = outputs[2];
  for (Tensor& t : outputs) {
    t.clear();
    t.rounding_steps = 1;
  }
  const size_t columns = static_cast<size_t>(x.dims.back());
  for (size_t row = 0; row * columns < x.value.size(); row++) {
    const double* from = &x.value[row * columns];
    const double count = static_cast<double>(columns);
    double sum = 0, size = 0, squares = 0;
    for (size_t c = 0; c < columns; c++) {
      sum += from[c];
      size += std::abs(from[c]);
    }
    const double mean = sum / count;
    for (size_t c = 0; c < columns; c++) squares += (from[c] - mean) * (from[c] - mean);
    const double variance = squares / count, inverse = 1 / std::sqrt(variance + epsilon);
    means.value[row] = mean;
    means.magnitude[row] = (additions(columns) + 1) * size / count;
    // The mean that distances are from is off by its roundings, which the variance does not see, but each
    // distance has one more; its square has two, and its own. The root halves the error.
    const double off = std::ldexp(means.magnitude[row], -24);
    const double error = (additions(columns) + 4) * (variance + off * off) / (variance + epsilon) / 2 + 1;
    inverses.value[row] = inverse;
    inverses.magnitude[row] = error * inverse;
    for (size_t c = 0; c < columns; c++) {
      const size_t i = row * columns + c;
      const double factor = inverse * or_one(scale, c), product = (from[c] - mean) * factor;
      const double shift = offset.value.empty() ? 0 : offset.value[c];
      y.value[i] = product + shift;
      y.magnitude[i] =
          means.magnitude[row] * std::abs(factor) + (error + 3) * std::abs(product) + std::abs(y.value[i]);
    }
  }
}

void LayerNormGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const Tensor &dy = inputs[0], &x = inputs[1], &means = inputs[2], &inverses = inputs[3], &scale = inputs[4];
  Tensor &dx = outputs[0], &dscale = outputs[1], &doffset = outputs[2];
  for (Tensor& t : outputs) {
    if (!t.dims.empty()) t.clear();
  }
  const size_t columns = static_cast<size_t>(x.dims.back());
  const double count = static_cast<double>(columns);
  size_t rows = 0;
  for (; rows * columns < x.value.size(); rows++) {
    const double inverse = inverses.value[rows];
    const auto normal = [&](size_t c) { return (x.value[rows * columns + c] - means.value[rows]) * inverse; };
    double sum = 0, product = 0, sum_size = 0, product_size = 0;
    for (size_t c = 0; c < columns; c++) {
      const double d = dy.value[rows * columns + c], g = d * or_one(scale, c);
      sum += g;
      sum_size += std::abs(g);
      product += g * normal(c);
      product_size += std::abs(g * normal(c));
      if (!dscale.value.empty()) {
        dscale.value[c] += d * normal(c);
        dscale.magnitude[c] += std::abs(d * normal(c));
      }
      if (!doffset.value.empty()) {
        doffset.value[c] += d;
        doffset.magnitude[c] += std::abs(d);
      }
    }
    for (size_t c = 0; c < columns && !dx.value.empty(); c++) {
      const double g = dy.value[rows * columns + c] * or_one(scale, c);
      dx.value[rows * columns + c] = (g - sum / count - normal(c) * product / count) * inverse;
      dx.magnitude[rows * columns + c] =
          (std::abs(g) + sum_size / count + std::abs(normal(c)) * product_size / count) * std::abs(inverse);
    }
  }
  // A term has the scale, the difference and two products; then the additions, a rounding of the mean, two
  // differences, the product with the row's own normal value, and the last one.
  dx.rounding_steps = additions(columns) + 10;
  // Blocks of 64 rows; a difference and two products.
  dscale.rounding_steps = doffset.rounding_steps = std::min(static_cast<double>(rows), 64.0) + 4;
}

}  // namespace tfjs::reference

#include <algorithm>

#include "reference/reference.h"

namespace tfjs::reference {
namespace {

// Additions of one another in float: a block's rows, which the narrowest vectors see as at most 512.
double additions(const Tensor& x) {
  const double rows =
      x.value.empty() ? 0 : static_cast<double>(x.value.size()) / static_cast<double>(x.dims.back());
  return std::min(rows, 512.0);
}

double or_else(const Tensor& t, size_t c, double other) { return t.value.empty() ? other : t.value[c]; }

double inverse_deviation(double variance, const double* params) {
  return 1 / std::sqrt(variance + static_cast<double>(FusedBatchNormParams::decode(params).varianceEpsilon));
}

// Sums over the rows, and those of absolute values.
struct Sums {
  std::vector<double> dy, product, dy_size, product_size;

  Sums(const Tensor& gradient, const Tensor& x, const Tensor& mean) {
    const size_t channels = static_cast<size_t>(x.dims.back());
    for (std::vector<double>* v : {&dy, &product, &dy_size, &product_size}) v->assign(channels, 0);
    for (size_t i = 0; i < x.value.size(); i++) {
      const size_t c = i % channels;
      const double p = gradient.value[i] * (x.value[i] - mean.value[c]);
      dy[c] += gradient.value[i];
      dy_size[c] += std::abs(gradient.value[i]);
      product[c] += p;
      product_size[c] += std::abs(p);
    }
  }
};

// Those that are wanted.
void clear(std::vector<Tensor>& outputs) {
  for (Tensor& t : outputs) {
    if (!t.dims.empty()) t.clear();
  }
}

}  // namespace

void FusedBatchNorm(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor &x = inputs[0], &mean = inputs[1], &variance = inputs[2], &offset = inputs[3],
               &scale = inputs[4];
  Tensor& y = outputs[0];
  y.clear();
  for (size_t i = 0; i < x.value.size(); i++) {
    const size_t c = i % static_cast<size_t>(x.dims.back());
    const double factor = or_else(scale, c, 1) * inverse_deviation(variance.value[c], params);
    const double product = (x.value[i] - mean.value[c]) * factor;
    y.value[i] = product + or_else(offset, c, 0);
    y.magnitude[i] = std::abs(product) + std::abs(or_else(offset, c, 0));
  }
  // The difference, the factor, the product, the sum.
  y.rounding_steps = 4;
}

void FusedBatchNormGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                        const double* params) {
  const Tensor &dy = inputs[0], &x = inputs[1], &mean = inputs[2], &variance = inputs[3], &scale = inputs[4];
  const Sums sums(dy, x, mean);
  for (Tensor& t : outputs) t.clear();
  const size_t channels = static_cast<size_t>(x.dims.back());
  for (size_t i = 0; i < x.value.size(); i++) {
    const size_t c = i % channels;
    outputs[0].value[i] = dy.value[i] * scale.value[c] * inverse_deviation(variance.value[c], params);
    outputs[0].magnitude[i] = std::abs(outputs[0].value[i]);
  }
  // The factor and the product.
  outputs[0].rounding_steps = 2;
  for (size_t c = 0; c < channels; c++) {
    const double inverse = inverse_deviation(variance.value[c], params);
    const double factor = scale.value[c] * inverse;
    const auto set = [&](Tensor& t, double by, double sum, double size) {
      t.value[c] = by * sum;
      t.magnitude[c] = std::abs(by) * size;
      // The additions, the difference and the product in each term.
      t.rounding_steps = additions(x) + 2;
    };
    set(outputs[1], -factor, sums.dy[c], sums.dy_size[c]);
    set(outputs[2], -0.5 * factor * inverse * inverse, sums.product[c], sums.product_size[c]);
    set(outputs[3], inverse, sums.product[c], sums.product_size[c]);
    set(outputs[4], 1, sums.dy[c], sums.dy_size[c]);
  }
}

void FusedBatchNormTraining(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                            const double* params) {
  const Tensor &x = inputs[0], &offset = inputs[1], &scale = inputs[2];
  Tensor &y = outputs[0], &mean = outputs[1], &variance = outputs[2];
  const auto p = FusedBatchNormTrainingParams::decode(params);
  clear(outputs);
  const size_t channels = static_cast<size_t>(x.dims.back()), size = x.value.size();
  for (size_t c = 0; c < channels; c++) {
    const double rows = static_cast<double>(size / channels);
    double sum = 0, largest = 0, squares = 0, furthest = 0;
    for (size_t i = c; i < size; i += channels) {
      sum += x.value[i];
      largest = std::max(largest, std::abs(x.value[i]));
    }
    const double centre = sum / rows;
    for (size_t i = c; i < size; i += channels) {
      squares += (x.value[i] - centre) * (x.value[i] - centre);
      furthest = std::max(furthest, std::abs(x.value[i] - centre));
    }
    mean.value[c] = centre;
    variance.value[c] = squares / rows;
    // Blocks sum distances to their own mean, which is itself off by the roundings of its sum. No distance
    // is longer than this.
    const double off = additions(x) * std::ldexp(1.0, -24) * largest;
    const double reach = 2 * furthest + off;
    mean.magnitude[c] = std::abs(centre) + (additions(x) + 1) * reach;
    // A square has the rounding of its distance twice and its own.
    variance.magnitude[c] = (additions(x) + 3) * (variance.value[c] + off * off);
    for (size_t i : {1, 2}) {
      if (outputs[i + 2].value.empty()) continue;
      const double old = inputs[i + 2].value[c], fresh = outputs[i].value[c], decay = p.decay;
      outputs[i + 2].value[c] = old - (old - fresh) * decay;
      // That of the fresh value, stored; the difference, the product, the difference.
      outputs[i + 2].magnitude[c] =
          (outputs[i].magnitude[c] + std::abs(fresh) + 2 * std::abs(old - fresh)) * decay +
          std::abs(outputs[i + 2].value[c]);
    }
    const double factor = or_else(scale, c, 1) * inverse_deviation(variance.value[c], params);
    const double epsilon = static_cast<double>(p.varianceEpsilon);
    // In the factor, half of the variance's relative error and a rounding.
    const double of_factor = 1 + variance.magnitude[c] / (variance.value[c] + epsilon) / 2;
    for (size_t i = c; i < size; i += channels) {
      const double product = (x.value[i] - centre) * factor;
      y.value[i] = product + or_else(offset, c, 0);
      // The mean's error, stored once more; the difference, the factor, the product; the sum.
      y.magnitude[i] = (mean.magnitude[c] + std::abs(centre)) * std::abs(factor) +
                       std::abs(product) * (2 + of_factor) + std::abs(y.value[i]);
    }
  }
  for (Tensor& t : outputs) t.rounding_steps = 1;
}

void FusedBatchNormTrainingGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                const double* params) {
  const Tensor &dy = inputs[0], &x = inputs[1], &mean = inputs[2], &variance = inputs[3], &scale = inputs[4];
  const Sums sums(dy, x, mean);
  clear(outputs);
  Tensor &dx = outputs[0], &dscale = outputs[1], &doffset = outputs[2];
  const size_t channels = static_cast<size_t>(x.dims.back()), size = x.value.size();
  for (size_t c = 0; c < channels; c++) {
    const double rows = static_cast<double>(size / channels);
    const double inverse = inverse_deviation(variance.value[c], params);
    const double factor = or_else(scale, c, 1) * inverse;
    if (!dscale.value.empty()) {
      dscale.value[c] = sums.product[c] * inverse;
      dscale.magnitude[c] = sums.product_size[c] * inverse;
    }
    if (!doffset.value.empty()) {
      doffset.value[c] = sums.dy[c];
      doffset.magnitude[c] = sums.dy_size[c];
    }
    for (size_t i = c; i < dx.value.size(); i += channels) {
      const double far = (x.value[i] - mean.value[c]) * inverse * inverse / rows;
      dx.value[i] = factor * (dy.value[i] - sums.dy[c] / rows - far * sums.product[c]);
      dx.magnitude[i] = std::abs(factor) * (std::abs(dy.value[i]) + sums.dy_size[c] / rows +
                                            std::abs(far) * sums.product_size[c]);
    }
  }
  // The additions, the difference and the product in each term; then a rounding of the sum, another
  // difference, a product, two additions.
  dscale.rounding_steps = doffset.rounding_steps = additions(x) + 2;
  dx.rounding_steps = additions(x) + 7;
}

void AssignMovingAverage(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                         const double* params) {
  const double decay = AssignMovingAverageParams::decode(params).decay;
  Tensor& average = outputs[0];
  average.clear();
  for (size_t i = 0; i < average.value.size(); i++) {
    const double old = inputs[0].value[i], value = inputs[1].value[i];
    average.value[i] = old - (old - value) * decay;
    average.magnitude[i] = std::abs(old) + 2 * std::abs(old - value) * decay;
  }
  // Two differences and a product.
  average.rounding_steps = 3;
}

}  // namespace tfjs::reference

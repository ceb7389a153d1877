#include <algorithm>

#include "reference/reference.h"

namespace tfjs::reference {
namespace {

// Additions of one another in float: a block's rows, which the narrowest vectors see as at most 512.
double additions(double rows) { return std::min(rows, 512.0); }

double or_zero(const Tensor& t, size_t c) { return t.value.empty() ? 0 : t.value[c]; }

bool is_relu(const double* params) {
  return static_cast<Activation>(BatchNormActivationParams::decode(params).activation) == Activation::Relu;
}

// x [samples, …, channels]
struct Shape {
  size_t samples, rows, channels;

  explicit Shape(const Tensor& x)
      : samples(static_cast<size_t>(x.dims.front())), channels(static_cast<size_t>(x.dims.back())) {
    rows = 1;
    for (size_t i = 1; i + 1 < x.dims.size(); i++) rows *= static_cast<size_t>(x.dims[i]);
  }
  size_t at(size_t sample, size_t row, size_t c) const { return (sample * rows + row) * channels + c; }
};

// What dy is multiplied by behind the activation of (x - mean) * factor + offset.
double slope(const Tensor& x, size_t i, size_t c, const Tensor& mean, const Tensor& factor,
             const Tensor& offset, const double* params) {
  if (!is_relu(params)) return 1;
  const double v = (x.value[i] - mean.value[c]) * factor.value[c] + or_zero(offset, c);
  return std::isnan(v) ? v : v > 0 ? 1 : 0;
}

void clear(std::vector<Tensor>& outputs) {
  for (Tensor& t : outputs) {
    if (!t.dims.empty()) t.clear();
    t.rounding_steps = 1;
  }
}

void set(Tensor& t, size_t i, double value, double magnitude) {
  if (t.value.empty()) return;
  t.value[i] = value;
  t.magnitude[i] = magnitude;
}

}  // namespace

void BatchNormMoments(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const Tensor& x = inputs[0];
  clear(outputs);
  const Shape s(x);
  const double rows = static_cast<double>(s.rows);
  for (size_t n = 0; n < s.samples; n++) {
    for (size_t c = 0; c < s.channels; c++) {
      double sum = 0, largest = 0, squares = 0, furthest = 0;
      for (size_t r = 0; r < s.rows; r++) {
        sum += x.value[s.at(n, r, c)];
        largest = std::max(largest, std::abs(x.value[s.at(n, r, c)]));
      }
      const double mean = sum / rows;
      for (size_t r = 0; r < s.rows; r++) {
        const double away = x.value[s.at(n, r, c)] - mean;
        squares += away * away;
        furthest = std::max(furthest, std::abs(away));
      }
      const size_t at = n * 3 * s.channels + c;
      // As FusedBatchNormTraining: blocks sum distances to their own mean, which is itself off by the
      // roundings of its sum. The mean and what rounding it lost share the error.
      const double off = additions(rows) * std::ldexp(1.0, -24) * largest;
      const double error = std::abs(mean) + (additions(rows) + 1) * (2 * furthest + off);
      set(outputs[0], at, mean, error);
      set(outputs[0], at + s.channels, 0, error);
      set(outputs[0], at + 2 * s.channels, squares / rows,
          (additions(rows) + 4) * (squares / rows + off * off));
    }
  }
}

void BatchNormStatistics(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                         const double* params) {
  const double epsilon = FusedBatchNormParams::decode(params).varianceEpsilon;
  const Tensor &moments = inputs[0], &scale = inputs[1];
  clear(outputs);
  const size_t samples = static_cast<size_t>(moments.dims[0]),
               channels = static_cast<size_t>(moments.dims[2]);
  const double count = static_cast<double>(samples);
  for (size_t c = 0; c < channels; c++) {
    const auto of = [&](size_t n, size_t k) { return moments.value[(n * 3 + k) * channels + c]; };
    double mean = 0, variance = 0;
    for (size_t n = 0; n < samples; n++) mean += (of(n, 0) + of(n, 1)) / count;
    for (size_t n = 0; n < samples; n++) {
      const double away = of(n, 0) + of(n, 1) - mean;
      variance += (of(n, 2) + away * away) / count;
    }
    const double factor = (scale.value.empty() ? 1 : scale.value[c]) / std::sqrt(variance + epsilon);
    set(outputs[0], c, mean, std::abs(mean));
    set(outputs[1], c, variance, std::abs(variance));
    // Half of the variance's rounding, and its own.
    set(outputs[2], c, factor, 2 * std::abs(factor));
  }
}

void BatchNormApply(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor &x = inputs[0], &mean = inputs[1], &factor = inputs[2], &offset = inputs[3];
  Tensor& y = outputs[0];
  y.clear();
  for (size_t i = 0; i < x.value.size(); i++) {
    const size_t c = i % static_cast<size_t>(x.dims.back());
    const double product = (x.value[i] - mean.value[c]) * factor.value[c];
    const double v = product + or_zero(offset, c);
    y.value[i] = is_relu(params) && v < 0 ? 0 : v;
    y.magnitude[i] = std::abs(product) + std::abs(or_zero(offset, c));
  }
  // The difference, the product, the sum.
  y.rounding_steps = 3;
}

void BatchNormGradSums(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                       const double* params) {
  const Tensor &dy = inputs[0], &x = inputs[1], &mean = inputs[2], &factor = inputs[3], &offset = inputs[4];
  Tensor& sums = outputs[0];
  sums.clear();
  const Shape s(x);
  for (size_t n = 0; n < s.samples; n++) {
    for (size_t r = 0; r < s.rows; r++) {
      for (size_t c = 0; c < s.channels; c++) {
        const size_t i = s.at(n, r, c), to = n * 2 * s.channels + c;
        const double dz = dy.value[i] * slope(x, i, c, mean, factor, offset, params);
        const double product = dz * (x.value[i] - mean.value[c]);
        sums.value[to] += dz;
        sums.magnitude[to] += std::abs(dz);
        sums.value[to + s.channels] += product;
        sums.magnitude[to + s.channels] += std::abs(product);
      }
    }
  }
  // The additions, the difference and the product in each term, and the rounding of the sum.
  sums.rounding_steps = additions(static_cast<double>(s.rows)) + 3;
}

void BatchNormGradStatistics(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                             const double* params) {
  const auto p = BatchNormGradStatisticsParams::decode(params);
  const Tensor &sums = inputs[0], &variance = inputs[1], &factor = inputs[2];
  clear(outputs);
  const size_t samples = static_cast<size_t>(sums.dims[0]), channels = static_cast<size_t>(sums.dims[2]);
  const double count = static_cast<double>(samples) * static_cast<double>(p.rows);
  for (size_t c = 0; c < channels; c++) {
    double sum = 0, product = 0;
    for (size_t n = 0; n < samples; n++) {
      sum += sums.value[n * 2 * channels + c];
      product += sums.value[(n * 2 + 1) * channels + c];
    }
    const double squared = 1 / (variance.value[c] + static_cast<double>(p.varianceEpsilon));
    const double dscale = product * std::sqrt(squared);
    const double slope = -factor.value[c] * squared * product / count;
    const double shift = -factor.value[c] * sum / count;
    set(outputs[0], c, dscale, std::abs(dscale));
    set(outputs[1], c, sum, std::abs(sum));
    set(outputs[2], c, slope, std::abs(slope));
    set(outputs[2], channels + c, shift, std::abs(shift));
  }
}

void BatchNormGradInput(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                        const double* params) {
  const Tensor &dy = inputs[0], &x = inputs[1], &mean = inputs[2], &factor = inputs[3], &offset = inputs[4],
               &by = inputs[5];
  Tensor& dx = outputs[0];
  dx.clear();
  const size_t channels = static_cast<size_t>(x.dims.back());
  for (size_t i = 0; i < x.value.size(); i++) {
    const size_t c = i % channels;
    const double dz = dy.value[i] * slope(x, i, c, mean, factor, offset, params);
    const double of_x = by.value[c] * (x.value[i] - mean.value[c]);
    dx.value[i] = factor.value[c] * dz + of_x + by.value[channels + c];
    dx.magnitude[i] = std::abs(factor.value[c] * dz) + std::abs(of_x) + std::abs(by.value[channels + c]);
  }
  // The difference, the products, two sums.
  dx.rounding_steps = 5;
}

}  // namespace tfjs::reference

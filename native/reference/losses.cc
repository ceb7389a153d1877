#include "reference/reference.h"

namespace tfjs::reference {

void SigmoidCrossEntropyWithLogits(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                   const double*) {
  Tensor &loss = outputs[0], &gradient = outputs[1];
  loss.clear();
  gradient.clear();
  for (size_t i = 0; i < loss.value.size(); i++) {
    const double z = inputs[0].value[i], x = inputs[1].value[i];
    const double positive = std::isnan(x) ? x : std::max(x, 0.0),
                 log_part = std::log1p(std::exp(-std::abs(x)));
    loss.value[i] = positive - x * z + log_part;
    // The product, two additions, and log1p and exp with an ulp each, of which exp's counts in full.
    loss.magnitude[i] = positive + std::abs(x * z) + log_part;
    const double p = 1 / (1 + std::exp(-x));
    gradient.value[i] = p - z;
    gradient.magnitude[i] = p + std::abs(z);
  }
  loss.rounding_steps = 6;
  // exp, whose argument's size does not matter where it does not overflow, the addition, the quotient, the
  // difference.
  gradient.rounding_steps = 5;
}

namespace {

struct Term {
  double value, magnitude, gradient, gradient_magnitude;
};

// The mean, or the sum, of what term(prediction, label) gives for the numbers of each row.
template <class F>
void each_row(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, bool mean, double steps,
              double gradient_steps, F term) {
  Tensor &loss = outputs[0], &gradient = outputs[1];
  loss.clear();
  if (!gradient.dims.empty()) gradient.clear();
  const size_t rows = loss.value.size(), n = rows == 0 ? 0 : inputs[1].value.size() / rows;
  const double share = mean ? 1 / static_cast<double>(n) : 1;
  for (size_t i = 0; i < rows * n; i++) {
    const Term t = term(inputs[1].value[i], inputs[0].value[i]);
    loss.value[i / n] += t.value * share;
    loss.magnitude[i / n] += t.magnitude * share;
    if (gradient.dims.empty()) continue;
    gradient.value[i] = t.gradient * share;
    gradient.magnitude[i] = t.gradient_magnitude * share;
  }
  // The additions, 1/n and the product with it.
  loss.rounding_steps = static_cast<double>(n) + 2 + steps;
  gradient.rounding_steps = 2 + gradient_steps;
}

// As TensorFlow.js has the derivative of abs at zero.
double sign(double x) { return x > 0 ? 1 : -1; }

// NaN in either gives NaN, as Math.max does.
double largest(double a, double b) { return std::isnan(a) || a > b ? a : b; }

double epsilon_of(const double* params) { return static_cast<double>(EpsilonParams::decode(params).epsilon); }

double clipped(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

// For what jumps where `x`, computed with a rounding of `size`, is zero: far more than that rounding, there
// only.
double jump(double x, double size, double height) {
  return std::abs(x) < std::ldexp(size, -22) ? std::ldexp(height, 24) : 0;
}

}  // namespace

void MeanSquaredError(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  each_row(inputs, outputs, true, 3, 1, [](double x, double label) {
    const double error = x - label;
    return Term{error * error, error * error, 2 * error, std::abs(2 * error)};
  });
}

void MeanAbsoluteError(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  each_row(inputs, outputs, true, 1, 0, [](double x, double label) {
    const double error = x - label;
    return Term{std::abs(error), std::abs(error), sign(error), 1};
  });
}

void MeanAbsolutePercentageError(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                 const double* params) {
  const double epsilon = epsilon_of(params);
  each_row(inputs, outputs, true, 3, 2, [=](double x, double label) {
    const double size = largest(std::abs(label), epsilon), error = 100 * (label - x) / size;
    return Term{std::abs(error), std::abs(error), -100 * sign(label - x) / size, 100 / size};
  });
}

void MeanSquaredLogarithmicError(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                 const double* params) {
  const double epsilon = epsilon_of(params);
  // Each logarithm is within an ulp of its own, which the square has twice.
  each_row(inputs, outputs, true, 8, 6, [=](double x, double label) {
    const double p = largest(x, epsilon), a = std::log1p(p), b = std::log1p(largest(label, epsilon));
    const double slope = 2 / (1 + p);
    const bool through = x >= epsilon;
    return Term{(a - b) * (a - b), (a + b) * (a + b), through ? slope * (a - b) : 0,
                through ? slope * (a + b) : 0};
  });
}

void Hinge(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  each_row(inputs, outputs, true, 3, 0, [](double x, double label) {
    const double size = 1 + std::abs(label * x), missing = largest(1 - label * x, 0);
    const double edge = jump(1 - label * x, size, std::abs(label));
    return Term{missing, size, missing > 0 ? -label : 0, std::abs(label) + edge};
  });
}

void SquaredHinge(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  each_row(inputs, outputs, true, 6, 3, [](double x, double label) {
    const double size = 1 + std::abs(label * x), missing = largest(1 - label * x, 0);
    return Term{missing * missing, size * size, -2 * missing * label, 2 * size * std::abs(label)};
  });
}

void LogCosh(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  // exp and log1p within an ulp, three additions; the error counts as the argument of tanh, of slope 1 at
  // most.
  each_row(inputs, outputs, true, 8, 4, [](double x, double label) {
    const double error = x - label, size = std::abs(error);
    const double value = size + std::log1p(std::exp(-2 * size)) - std::log(2.0);
    return Term{value, size + 2 * std::log(2.0), std::tanh(error), std::abs(std::tanh(error))};
  });
}

void KullbackLeiblerDivergence(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                               const double* params) {
  const double epsilon = epsilon_of(params);
  // The quotient's rounding is one of its logarithm.
  each_row(inputs, outputs, false, 4, 1, [=](double x, double label) {
    const double p = clipped(x, epsilon, 1), logarithm = std::log(clipped(label, epsilon, 1) / p);
    const double gradient = x >= epsilon && x <= 1 ? -label / p : 0;
    return Term{label * logarithm, std::abs(label) * (std::abs(logarithm) + 1), gradient, std::abs(gradient)};
  });
}

void Poisson(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const double epsilon = epsilon_of(params);
  each_row(inputs, outputs, true, 5, 3, [=](double x, double label) {
    const double rate = x + epsilon, logarithm = std::log(rate);
    return Term{x - label * logarithm, std::abs(x) + std::abs(label) * (std::abs(logarithm) + 1),
                1 - label / rate, 1 + std::abs(label / rate)};
  });
}

void BinaryCrossentropy(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                        const double* params) {
  const auto clip = ClipByValueParams::decode(params);
  const double low = static_cast<double>(clip.clipValueMin), high = static_cast<double>(clip.clipValueMax);
  each_row(inputs, outputs, true, 6, 5, [=](double x, double label) {
    const double p = clipped(x, low, high), yes = label * std::log(p), no = (1 - label) * std::log(1 - p);
    const double slope = 1 / (p * (1 - p));
    const bool through = x >= low && x <= high;
    // Rounding 1 - p is one of its logarithm.
    return Term{-(yes + no), std::abs(yes) + std::abs(no) + std::abs(1 - label),
                through ? (p - label) * slope : 0, through ? (p + std::abs(label)) * slope : 0};
  });
}

void CategoricalHinge(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  Tensor &loss = outputs[0], &gradient = outputs[1];
  loss.clear();
  if (!gradient.dims.empty()) gradient.clear();
  const size_t rows = loss.value.size(), n = rows == 0 ? 0 : inputs[1].value.size() / rows;
  for (size_t row = 0; row < rows; row++) {
    const double *t = &inputs[0].value[row * n], *y = &inputs[1].value[row * n];
    double right = 0, size = 1, wrong = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
      right += t[i] * y[i];
      size += std::abs(t[i] * y[i]);
      wrong = largest((1 - t[i]) * y[i], wrong);
    }
    size += std::abs(wrong);
    const double missing = 1 + wrong - right;
    loss.value[row] = largest(missing, 0);
    loss.magnitude[row] = size;
    if (gradient.dims.empty()) continue;
    for (size_t i = 0; i < n; i++) {
      const double by_wrong = (1 - t[i]) * y[i] == wrong ? 1 - t[i] : 0;
      gradient.value[row * n + i] = missing > 0 ? by_wrong - t[i] : 0;
      gradient.magnitude[row * n + i] = std::abs(by_wrong) + std::abs(t[i]) + jump(missing, size, 1);
    }
  }
  loss.rounding_steps = static_cast<double>(n) + 4;
  gradient.rounding_steps = 2;
}

void CosineProximity(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  Tensor &loss = outputs[0], &gradient = outputs[1];
  loss.clear();
  if (!gradient.dims.empty()) gradient.clear();
  const double epsilon = epsilon_of(params);
  const size_t rows = loss.value.size(), n = rows == 0 ? 0 : inputs[1].value.size() / rows;
  for (size_t row = 0; row < rows; row++) {
    const double *t = &inputs[0].value[row * n], *y = &inputs[1].value[row * n];
    double t_square = 0, y_square = 0;
    for (size_t i = 0; i < n; i++) {
      t_square += t[i] * t[i];
      y_square += y[i] * y[i];
    }
    const double t_norm = std::sqrt(largest(t_square, epsilon)),
                 y_norm = std::sqrt(largest(y_square, epsilon));
    double cosine = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
      cosine += t[i] / t_norm * (y[i] / y_norm);
      size += std::abs(t[i] / t_norm * (y[i] / y_norm));
    }
    loss.value[row] = -cosine;
    loss.magnitude[row] = size;
    if (gradient.dims.empty()) continue;
    for (size_t i = 0; i < n; i++) {
      const double unit = y_square >= epsilon ? y[i] / y_norm : 0;
      gradient.value[row * n + i] = (unit * cosine - t[i] / t_norm) / y_norm;
      gradient.magnitude[row * n + i] = (std::abs(unit) * size + std::abs(t[i]) / t_norm) / y_norm;
    }
  }
  // The norms, half of their sums' additions each, quotients and root; the sum; for the gradient once more.
  loss.rounding_steps = 2 * static_cast<double>(n) + 8;
  gradient.rounding_steps = 3 * static_cast<double>(n) + 14;
}

}  // namespace tfjs::reference

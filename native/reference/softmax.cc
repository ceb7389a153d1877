#include "reference/reference.h"

namespace tfjs::reference {
namespace {

// A row's softmax. The errors of its numbers, in roundings: x - top is rounded, which exp turns into
// |x - top| of them; exp itself has 1 ulp, or 2 roundings.
struct Row {
  double top = -INFINITY, sum = 0;
  double mean_distance = 0;  // of x to top, weighted by exp

  Row(const double* x, size_t n) {
    for (size_t i = 0; i < n; i++) top = std::isnan(x[i]) || x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++) {
      const double e = std::exp(x[i] - top);
      sum += e;
      if (e > 0) mean_distance += e * (top - x[i]);
    }
    mean_distance /= sum;
  }
  // Of the sum: those of its terms and n additions.
  double roundings(size_t n) const { return mean_distance + 2 + static_cast<double>(n); }
};

// visit(begin, n) for each row.
template <class Visit>
void each_row(const Tensor& x, std::vector<Tensor>& outputs, Visit visit) {
  outputs[0].clear();
  const size_t n = static_cast<size_t>(x.dims.back());
  for (size_t begin = 0; begin < x.value.size(); begin += n) visit(begin, n);
}

}  // namespace

void Softmax(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const std::vector<double>& x = inputs[0].value;
  Tensor& y = outputs[0];
  each_row(inputs[0], outputs, [&](size_t begin, size_t n) {
    const Row row(&x[begin], n);
    for (size_t i = begin; i < begin + n; i++) {
      y.value[i] = std::exp(x[i] - row.top) / row.sum;
      // Those of the term and of the sum, the reciprocal, the product.
      const double roundings = (row.top - x[i]) + 2 + row.roundings(n) + 2;
      y.magnitude[i] = y.value[i] > 0 ? y.value[i] * roundings : 0;
    }
  });
  y.rounding_steps = 1;
}

void SoftmaxGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const std::vector<double>&dy = inputs[0].value, &y = inputs[1].value;
  Tensor& dx = outputs[0];
  each_row(inputs[0], outputs, [&](size_t begin, size_t n) {
    double sum = 0, size = 0;
    for (size_t i = begin; i < begin + n; i++) {
      sum += dy[i] * y[i];
      size += std::abs(dy[i] * y[i]);
    }
    for (size_t i = begin; i < begin + n; i++) {
      dx.value[i] = dy[i] * y[i] - sum * y[i];
      dx.magnitude[i] = std::abs(dy[i] * y[i]) + size * std::abs(y[i]);
    }
  });
  // The products and additions of the sum, its product, the difference.
  dx.rounding_steps = static_cast<double>(inputs[0].dims.back()) + 3;
}

void LogSoftmax(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const std::vector<double>& x = inputs[0].value;
  Tensor& y = outputs[0];
  each_row(inputs[0], outputs, [&](size_t begin, size_t n) {
    const Row row(&x[begin], n);
    for (size_t i = begin; i < begin + n; i++) {
      y.value[i] = x[i] - row.top - std::log(row.sum);
      // A relative error of the sum is an absolute one of its logarithm, which has 1 ulp itself.
      y.magnitude[i] =
          std::abs(x[i] - row.top) + row.roundings(n) + 2 * std::log(row.sum) + std::abs(y.value[i]);
    }
  });
  y.rounding_steps = 1;
}

void LogSoftmaxGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const std::vector<double>&dy = inputs[0].value, &y = inputs[1].value;
  Tensor& dx = outputs[0];
  each_row(inputs[0], outputs, [&](size_t begin, size_t n) {
    double sum = 0, size = 0;
    for (size_t i = begin; i < begin + n; i++) {
      sum += dy[i];
      size += std::abs(dy[i]);
    }
    for (size_t i = begin; i < begin + n; i++) {
      dx.value[i] = dy[i] - sum * std::exp(y[i]);
      dx.magnitude[i] = std::abs(dy[i]) + size * std::exp(y[i]);
    }
  });
  // The additions of the sum, exp (1 ulp), the product, the difference.
  dx.rounding_steps = static_cast<double>(inputs[0].dims.back()) + 4;
}

void SoftmaxCrossEntropyWithLogits(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                   const double*) {
  const std::vector<double>&labels = inputs[0].value, &x = inputs[1].value;
  Tensor &loss = outputs[0], &gradient = outputs[1];
  loss.clear();
  gradient.clear();
  const size_t n = static_cast<size_t>(gradient.dims.back());
  for (size_t begin = 0; begin < x.size(); begin += n) {
    const Row row(&x[begin], n);
    const double log_sum = std::log(row.sum);
    for (size_t i = begin; i < begin + n; i++) {
      const double p = std::exp(x[i] - row.top) / row.sum, log_p = x[i] - row.top - log_sum;
      loss.value[begin / n] -= labels[i] * log_p;
      // As of LogSoftmax; then the product and n additions.
      const double roundings = std::abs(x[i] - row.top) + row.roundings(n) + 2 * log_sum +
                               std::abs(log_p) * (2 + static_cast<double>(n));
      loss.magnitude[begin / n] += std::abs(labels[i]) * roundings;
      gradient.value[i] = p - labels[i];
      // As of Softmax; then the difference.
      gradient.magnitude[i] =
          (p > 0 ? p * ((row.top - x[i]) + row.roundings(n) + 4) : 0) + std::abs(gradient.value[i]);
    }
  }
  loss.rounding_steps = gradient.rounding_steps = 1;
}

void SparseSoftmaxCrossEntropyWithLogits(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                         const double*) {
  const size_t n = static_cast<size_t>(inputs[1].dims.back());
  Tensor one_hot;
  one_hot.dims = inputs[1].dims;
  one_hot.clear();
  for (size_t row = 0; row < inputs[0].value.size(); row++) {
    const double label = inputs[0].value[row];
    if (label >= 0 && label < static_cast<double>(n)) one_hot.value[row * n + static_cast<size_t>(label)] = 1;
  }
  SoftmaxCrossEntropyWithLogits({one_hot, inputs[1]}, outputs, nullptr);
  for (size_t row = 0; row < inputs[0].value.size(); row++) {
    const double label = inputs[0].value[row];
    const Row logits(inputs[1].value.data() + row * n, n);
    if (label >= 0 && label < static_cast<double>(n)) {
      // Not a sum over classes, of which the others would be zero times an infinity.
      const double below = logits.top - inputs[1].value[row * n + static_cast<size_t>(label)];
      const double log_sum = std::log(logits.sum);
      outputs[0].value[row] = log_sum + below;
      // As of LogSoftmax.
      outputs[0].magnitude[row] = std::abs(below) + logits.roundings(n) + 3 * log_sum + std::abs(below);
    } else {
      outputs[0].value[row] = logits.sum * 0;
      for (size_t i = row * n; i < (row + 1) * n; i++) outputs[1].value[i] = outputs[1].value[i] * 0;
    }
  }
}

}  // namespace tfjs::reference

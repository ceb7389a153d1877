#include "reference/reference.h"
#include "reference/whole.h"

namespace tfjs::reference {
namespace {

// A row of probabilities divided by their sum and clipped.
struct Row {
  const double* p;
  size_t n;
  ClipByValueParams clip;
  double sum = 0, size = 0;

  Row(const double* p, size_t n, const double* params) : p(p), n(n), clip(ClipByValueParams::decode(params)) {
    for (size_t i = 0; i < n; i++) {
      sum += p[i];
      size += std::abs(p[i]);
    }
  }
  double quotient(size_t i) const { return p[i] / sum; }
  double clipped(double x) const {
    if (x > clip.clipValueMax) return clip.clipValueMax;
    return x < clip.clipValueMin ? clip.clipValueMin : x;
  }
  bool lets_through(double x) const { return x >= clip.clipValueMin && x <= clip.clipValueMax; }

  // Of the sum: n - 1 additions, which weigh the more the more its terms cancel.
  double sum_roundings() const {
    return sum != 0 && std::isfinite(size) ? static_cast<double>(n - 1) * size / std::abs(sum) : 0;
  }
  // Whether rounding decides on which side of a limit the quotient is.
  bool is_on_edge(size_t i) const {
    const double q = quotient(i), reach = std::abs(q) * (sum_roundings() + 2) * std::ldexp(1, -24);
    return std::abs(q - clip.clipValueMin) <= reach || std::abs(q - clip.clipValueMax) <= reach;
  }
};

// What the ops with whole-number targets make of their inputs: rows of 0 and 1, and clipped probabilities.
void to_categorical(Tensor& target, Tensor& p, const double* params) {
  const size_t n = static_cast<size_t>(p.dims.back());
  Tensor rows;
  rows.dims = p.dims;
  rows.clear();
  for (size_t row = 0; row < target.value.size(); row++) {
    const double which = wrap_to_int32(std::floor(target.value[row]));
    if (which >= 0 && which < static_cast<double>(n)) rows.value[row * n + static_cast<size_t>(which)] = 1;
  }
  for (double& x : p.value) x = Row(nullptr, 0, params).clipped(x);
  target = rows;
}

}  // namespace

void CategoricalCrossentropy(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                             const double* params) {
  const std::vector<double>&target = inputs[0].value, &p = inputs[1].value;
  Tensor& loss = outputs[0];
  loss.clear();
  const size_t n = static_cast<size_t>(inputs[1].dims.back());
  for (size_t begin = 0; begin < p.size(); begin += n) {
    const Row row(&p[begin], n, params);
    for (size_t i = 0; i < n; i++) {
      const double t = target[begin + i], log_q = std::log(row.clipped(row.quotient(i)));
      loss.value[begin / n] -= t * log_q;
      // A relative error of q (of the sum and the division) is an absolute one of its logarithm, which has 1
      // ulp itself; then the product and n additions.
      loss.magnitude[begin / n] +=
          std::abs(t) * (row.sum_roundings() + 1) + std::abs(t * log_q) * (3 + static_cast<double>(n));
    }
  }
  loss.rounding_steps = 1;
}

void CategoricalCrossentropyGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                 const double* params) {
  const std::vector<double>&dy = inputs[0].value, &target = inputs[1].value, &p = inputs[2].value;
  Tensor& dp = outputs[0];
  dp.clear();
  const size_t n = static_cast<size_t>(inputs[2].dims.back());
  for (size_t begin = 0; begin < p.size(); begin += n) {
    const Row row(&p[begin], n, params);
    const double of_sum = row.sum_roundings(), square = row.sum * row.sum;
    std::vector<double> by_q(n, 0), error(n, 0);
    double weighted = 0, weighted_error = 0;
    for (size_t i = 0; i < n; i++) {
      const double q = row.quotient(i), g = -dy[begin / n] * target[begin + i] / q;
      if (row.lets_through(q)) by_q[i] = g;
      // Of q, the product and the division; on the edge of clipping also all of it.
      error[i] = std::abs(by_q[i]) * (of_sum + 3);
      if (row.is_on_edge(i)) error[i] += std::abs(g) * std::ldexp(1, 24);
      weighted += by_q[i] * p[begin + i];
      weighted_error += std::abs(p[begin + i]) * (error[i] + std::abs(by_q[i]) * static_cast<double>(n + 1));
    }
    for (size_t i = 0; i < n; i++) {
      const double by_p = by_q[i] / row.sum, by_sum = -weighted / square;
      dp.value[begin + i] = by_p + by_sum;
      // The sum and its square, the two divisions and the addition, which cannot lose more than both have.
      dp.magnitude[begin + i] = error[i] / std::abs(row.sum) + std::abs(by_p) * (of_sum + 2) +
                                weighted_error / square + std::abs(by_sum) * (2 * of_sum + 3);
    }
  }
  dp.rounding_steps = 1;
}

void SparseCategoricalCrossentropy(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                   const double* params) {
  Tensor target = inputs[0], p = inputs[1];
  to_categorical(target, p, params);
  CategoricalCrossentropy({target, p}, outputs, params);
}

void SparseCategoricalCrossentropyGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                                       const double* params) {
  Tensor target = inputs[1], p = inputs[2];
  to_categorical(target, p, params);
  CategoricalCrossentropyGrad({inputs[0], target, p}, outputs, params);
  for (size_t i = 0; i < p.value.size(); i++) {
    if (!Row(nullptr, 0, params).lets_through(inputs[2].value[i])) outputs[0].value[i] = 0;
  }
}

}  // namespace tfjs::reference

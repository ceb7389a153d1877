#include "reference/activation.h"
#include "reference/reference.h"

namespace tfjs::reference {
namespace {

void multiply(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, Tensor& c) {
  c.clear();
  const size_t rank = c.dims.size();
  const int64_t m = c.dims[rank - 2], n = c.dims[rank - 1];
  const int64_t k = a.dims[a.dims.size() - (transpose_a ? 2 : 1)];
  // The matrix of an operand that batch element `at` of the result uses.
  auto matrix = [&](const Tensor& t, int64_t at) {
    int64_t index = 0, step = 1;
    for (size_t d = 3; d <= rank; d++) {
      const int64_t of_dim = at % c.dims[rank - d];
      at /= c.dims[rank - d];
      if (d > t.dims.size()) continue;
      const int64_t length = t.dims[t.dims.size() - d];
      if (length > 1) index += of_dim * step;
      step *= length;
    }
    return index;
  };
  const int64_t batch = m * n == 0 ? 0 : c.size() / (m * n);
  for (int64_t at = 0; at < batch; at++) {
    const double* x = a.value.data() + matrix(a, at) * m * k;
    const double* y = b.value.data() + matrix(b, at) * k * n;
    for (int64_t i = 0; i < m; i++) {
      double* value = c.value.data() + (at * m + i) * n;
      double* magnitude = c.magnitude.data() + (at * m + i) * n;
      for (int64_t p = 0; p < k; p++) {
        const double left = x[transpose_a ? p * m + i : i * k + p];
        for (int64_t j = 0; j < n; j++) {
          const double right = y[transpose_b ? j * k + p : p * n + j];
          value[j] += left * right;
          magnitude[j] += std::abs(left * right);
        }
      }
    }
  }
  // A scalar product of k terms in any order: Higham, section 3.1.
  c.rounding_steps = static_cast<double>(k);
}

}  // namespace

void BatchMatMul(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const BatchMatMulParams p = BatchMatMulParams::decode(params);
  multiply(inputs[0], inputs[1], p.transposeA != 0, p.transposeB != 0, outputs[0]);
}

void FusedSparseMatMul(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                       const double* params) {
  _FusedMatMul(inputs, outputs, params);
}

void MatMulRows(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const size_t first = static_cast<size_t>(MatMulRowsParams::decode(params).first);
  Tensor whole{DType::Float32, {inputs[0].dims[1], inputs[1].dims[1]}, {}, {}};
  multiply(inputs[0], inputs[1], true, false, whole);
  Tensor& rows = outputs[0];
  rows.clear();
  rows.rounding_steps = whole.rounding_steps;
  const size_t begin = first * static_cast<size_t>(whole.dims[1]);
  for (size_t i = 0; i < rows.value.size(); i++) {
    rows.value[i] = whole.value[begin + i];
    rows.magnitude[i] = whole.magnitude[begin + i];
  }
}

void _FusedMatMul(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const FusedMatMulParams p = FusedMatMulParams::decode(params);
  multiply(inputs[0], inputs[1], p.transposeA != 0, p.transposeB != 0, outputs[0]);
  apply_fusion(inputs[2], inputs[3], static_cast<Activation>(p.activation), p.leakyreluAlpha, outputs[0]);
}

}  // namespace tfjs::reference

// Whether predictions are right, row by row.
#include "core/params.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

// The first of the largest; of a row without a number above -infinity, the first.
TFJS_INLINE int64_t arg_max(const float* x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++) best = x[i] > x[best] ? i : best;
  return best;
}

// right(row, n) for each row of n predictions.
template <class F>
TFJS_INLINE Status each_row(const Args& args, F right) {
  const Tensor& y = args.outputs[0];
  const int64_t rows = y.size(), n = rows == 0 ? 0 : args.inputs[1].size() / rows;
  if (args.inputs[1].dtype != DType::Float32 || args.inputs[1].size() != rows * n)
    return Status::InvalidArgument;
  parallel_for(rows, 3 + static_cast<double>(n), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) y.f32()[row] = right(row, n);
  });
  return Status::Ok;
}

}  // namespace

Status SparseCategoricalAccuracy(const Args& args) {
  const Tensor &labels = args.inputs[0], &x = args.inputs[1];
  if (labels.dtype != DType::Int32 || labels.size() != args.outputs[0].size()) return Status::InvalidArgument;
  return each_row(args, [=](int64_t row, int64_t n) {
    return arg_max(x.f32() + row * n, n) == labels.i32()[row] ? 1.0f : 0.0f;
  });
}

Status CategoricalAccuracy(const Args& args) {
  const Tensor &labels = args.inputs[0], &x = args.inputs[1];
  if (labels.dtype != DType::Float32 || labels.size() != x.size()) return Status::InvalidArgument;
  return each_row(args, [=](int64_t row, int64_t n) {
    return arg_max(x.f32() + row * n, n) == arg_max(labels.f32() + row * n, n) ? 1.0f : 0.0f;
  });
}

Status BinaryAccuracy(const Args& args) {
  const Tensor &labels = args.inputs[0], &x = args.inputs[1];
  const float threshold = BinaryAccuracyParams::decode(args.params).threshold;
  if (labels.dtype != DType::Float32 || labels.size() != x.size()) return Status::InvalidArgument;
  return each_row(args, [=](int64_t row, int64_t n) {
    int64_t right = 0;
    for (int64_t i = row * n; i < (row + 1) * n; i++) {
      right += labels.f32()[i] == (x.f32()[i] > threshold ? 1.0f : 0.0f);
    }
    return static_cast<float>(right) / static_cast<float>(n);
  });
}

}  // namespace tfjs::TFJS_ISA

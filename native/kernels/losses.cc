// Losses that a whole row, or each of its numbers, has, together with their gradients.
#include "core/params.h"
#include "core/tensor.h"
#include "kernels/rows.h"
#include "parallel/parallel.h"
#include "simd/math.h"

namespace tfjs::TFJS_ISA {
namespace {

TFJS_INLINE bool fits(const Args& args) {
  const Tensor &labels = args.inputs[0], &x = args.inputs[1];
  return labels.dtype == DType::Float32 && x.dtype == DType::Float32 && labels.size() == x.size() &&
         args.outputs[1].size() == x.size();
}

}  // namespace

Status SigmoidCrossEntropyWithLogits(const Args& args) {
  const int64_t size = args.inputs[1].size();
  if (!fits(args) || args.outputs[0].size() != size) return Status::InvalidArgument;
  const float *labels = args.inputs[0].f32(), *logits = args.inputs[1].f32();
  float *loss = args.outputs[0].f32(), *gradient = args.outputs[1].f32();
  // Not inlined: of two copies of the loop, one may keep another NaN's bits than the other.
  const auto part = [=](int64_t begin, int64_t end) __attribute__((noinline)) {
    each_vector(end - begin, [=](auto access, int64_t i) {
      const vf32 x = access.get(logits + begin + i), z = access.get(labels + begin + i);
      const vf32 log_part = log1p(exp(-abs(x)));
      access.put(loss + begin + i, max(x, zero()) - x * z + log_part);
      access.put(gradient + begin + i, sigmoid(x) - z);
    });
  };
  parallel_for(size, 1, part);
  return Status::Ok;
}

Status MeanSquaredError(const Args& args) {
  const Tensor& x = args.inputs[1];
  const int64_t rows = args.outputs[0].size(), n = rows == 0 ? 0 : x.size() / rows;
  if (!fits(args) || rows * n != x.size()) return Status::InvalidArgument;
  const float *labels = args.inputs[0].f32(), *predictions = x.f32();
  float *loss = args.outputs[0].f32(), *gradient = args.outputs[1].f32();
  const float mean = 1 / static_cast<float>(n);
  // Not inlined: of two copies of the loop, one may keep another NaN's bits than the other.
  const auto part = [=](int64_t begin, int64_t end) __attribute__((noinline)) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t at = row * n;
      const vf32 sum = row_sum(n, [=](auto access, int64_t i) {
        const vf32 error = access.get(predictions + at + i) - access.get(labels + at + i);
        access.put(gradient + at + i, error * (2 * mean));
        return error * error;
      });
      loss[row] = sum[0] * mean;
    }
  };
  parallel_for(rows, 5 + 0.2 * static_cast<double>(n), part);
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

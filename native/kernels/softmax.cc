// Softmax and its logarithm over the last dimension, and their gradients.
#include "core/params.h"
#include "core/tensor.h"
#include "kernels/rows.h"
#include "parallel/parallel.h"
#include "simd/math.h"

namespace tfjs::TFJS_ISA {
namespace {

TFJS_INLINE vf32 largest_lane(vf32 v) {
  return across(v, [](vf32 a, vf32 b) { return max(a, b); });
}

// The largest number of a row in every lane; NaN if there is one.
TFJS_INLINE vf32 row_max(const float* x, int64_t n) {
  vf32 top[kChains];
  for (int c = 0; c < kChains; c++) top[c] = splat(-math::kInfinity);
  int64_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
    for (int c = 0; c < kChains; c++) top[c] = max(top[c], load(x + i + c * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) top[0] = max(top[0], load(x + i));
  if (i < n) top[1] = max(top[1], first_or(load_first(x + i, n - i), n - i, -math::kInfinity));
  return largest_lane(max(max(top[0], top[1]), max(top[2], top[3])));
}

TFJS_INLINE void softmax_row(const float* x, float* y, int64_t n) {
  const vf32 top = row_max(x, n);
  if (n <= kLanes) {
    const First access{n};
    const vf32 e = first_or(exp(access.get(x) - top), n, 0);
    access.put(y, e * (1.0f / lane_sum(e)));
    return;
  }
  const vf32 sum = row_sum(n, [=](auto access, int64_t i) {
    const vf32 e = exp(access.get(x + i) - top);
    access.put(y + i, e);
    return e;
  });
  const vf32 scale = 1.0f / sum;
  each_vector(n, [=](auto access, int64_t i) { access.put(y + i, access.get(y + i) * scale); });
}

TFJS_INLINE void log_softmax_row(const float* x, float* y, int64_t n) {
  const vf32 top = row_max(x, n);
  const vf32 sum = row_sum(n, [=](auto access, int64_t i) { return exp(access.get(x + i) - top); });
  const vf32 log_sum = log(sum);
  each_vector(n, [=](auto access, int64_t i) { access.put(y + i, access.get(x + i) - top - log_sum); });
}

TFJS_INLINE void softmax_grad_row(const float* dy, const float* y, float* dx, int64_t n) {
  const vf32 sum = row_sum(n, [=](auto access, int64_t i) { return access.get(dy + i) * access.get(y + i); });
  each_vector(n, [=](auto access, int64_t i) {
    const vf32 p = access.get(y + i);
    access.put(dx + i, access.get(dy + i) * p - sum * p);
  });
}

TFJS_INLINE void log_softmax_grad_row(const float* dy, const float* y, float* dx, int64_t n) {
  const vf32 sum = row_sum(n, [=](auto access, int64_t i) { return access.get(dy + i); });
  each_vector(n, [=](auto access, int64_t i) {
    access.put(dx + i, access.get(dy + i) - sum * exp(access.get(y + i)));
  });
}

// Gives the loss, -sum(labels log softmax(x)), and fills in its gradient by x.
TFJS_INLINE float cross_entropy_row(const float* labels, const float* x, float* gradient, int64_t n) {
  const vf32 top = row_max(x, n);
  const vf32 sum = row_sum(n, [=](auto access, int64_t i) {
    const vf32 e = exp(access.get(x + i) - top);
    access.put(gradient + i, e);
    return e;
  });
  const vf32 scale = 1.0f / sum, log_sum = log(sum);
  const vf32 loss = row_sum(n, [=](auto access, int64_t i) {
    const vf32 label = access.get(labels + i);
    access.put(gradient + i, access.get(gradient + i) * scale - label);
    return label * (access.get(x + i) - top - log_sum);
  });
  return -loss[0];
}

// The same for a row whose label is a class. No class: no loss, but a NaN among the logits stays one.
TFJS_INLINE float sparse_cross_entropy_row(int32_t label, const float* x, float* gradient, int64_t n) {
  const bool has_class = label >= 0 && label < n;
  const vf32 top = row_max(x, n);
  const vf32 sum = row_sum(n, [=](auto access, int64_t i) {
    const vf32 e = exp(access.get(x + i) - top);
    access.put(gradient + i, e);
    return e;
  });
  const vf32 scale = (has_class ? 1.0f : 0.0f) / sum;
  each_vector(n, [=](auto access, int64_t i) { access.put(gradient + i, access.get(gradient + i) * scale); });
  if (!has_class) return sum[0] * 0.0f;
  gradient[label] -= 1;
  return (log(sum) + top - splat(x[label]))[0];
}

// visit(offset, n) for each row of the first input, in parallel.
template <class Visit>
TFJS_INLINE Status each_row(const Args& args, double nanoseconds, Visit visit) {
  const Tensor& x = args.inputs[0];
  for (int i = 0; i < args.input_count; i++) {
    if (args.inputs[i].dtype != DType::Float32 || args.inputs[i].size() != x.size())
      return Status::InvalidArgument;
  }
  if (x.rank < 1) return Status::InvalidArgument;
  const int64_t n = x.dims[x.rank - 1];
  if (n == 0) return Status::Ok;
  // Not inlined: of two copies of the loop, one may keep another NaN's bits than the other.
  const auto rows = [=](int64_t begin, int64_t end) __attribute__((noinline)) {
    for (int64_t row = begin; row < end; row++) visit(row * n, n);
  };
  parallel_for(x.size() / n, 15 + nanoseconds * static_cast<double>(n), rows);
  return Status::Ok;
}

}  // namespace

Status Softmax(const Args& args) {
  const float* x = args.inputs[0].f32();
  float* y = args.outputs[0].f32();
  return each_row(args, 0.5, [=](int64_t at, int64_t n) { softmax_row(x + at, y + at, n); });
}

Status SoftmaxGrad(const Args& args) {
  const float *dy = args.inputs[0].f32(), *y = args.inputs[1].f32();
  float* dx = args.outputs[0].f32();
  return each_row(args, 0.3, [=](int64_t at, int64_t n) { softmax_grad_row(dy + at, y + at, dx + at, n); });
}

Status LogSoftmax(const Args& args) {
  const float* x = args.inputs[0].f32();
  float* y = args.outputs[0].f32();
  return each_row(args, 0.5, [=](int64_t at, int64_t n) { log_softmax_row(x + at, y + at, n); });
}

Status LogSoftmaxGrad(const Args& args) {
  const float *dy = args.inputs[0].f32(), *y = args.inputs[1].f32();
  float* dx = args.outputs[0].f32();
  return each_row(args, 0.5,
                  [=](int64_t at, int64_t n) { log_softmax_grad_row(dy + at, y + at, dx + at, n); });
}

Status SoftmaxCrossEntropyWithLogits(const Args& args) {
  const float *labels = args.inputs[0].f32(), *x = args.inputs[1].f32();
  float *loss = args.outputs[0].f32(), *gradient = args.outputs[1].f32();
  if (args.inputs[1].size() == 0) {
    // Rows without classes.
    for (int64_t i = 0; i < args.outputs[0].size(); i++) loss[i] = 0;
  }
  return each_row(args, 0.6, [=](int64_t at, int64_t n) {
    loss[at / n] = cross_entropy_row(labels + at, x + at, gradient + at, n);
  });
}

Status SparseSoftmaxCrossEntropyWithLogits(const Args& args) {
  const Tensor &labels = args.inputs[0], &logits = args.inputs[1];
  float *loss = args.outputs[0].f32(), *gradient = args.outputs[1].f32();
  const int64_t rows = labels.size(), n = logits.rank < 1 ? 0 : logits.dims[logits.rank - 1];
  if (labels.dtype != DType::Int32 || logits.size() != rows * n || args.outputs[0].size() != rows) {
    return Status::InvalidArgument;
  }
  if (n == 0) {
    // Rows without classes.
    for (int64_t i = 0; i < rows; i++) loss[i] = 0;
    return Status::Ok;
  }
  // Not inlined: of two copies of the loop, one may keep another NaN's bits than the other.
  const auto each = [=](int64_t begin, int64_t end) __attribute__((noinline)) {
    for (int64_t row = begin; row < end; row++) {
      loss[row] = sparse_cross_entropy_row(labels.i32()[row], logits.f32() + row * n, gradient + row * n, n);
    }
  };
  parallel_for(rows, 15 + 0.6 * static_cast<double>(n), each);
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

// The crossentropy of classes' probabilities, as tf.layers defines it, and its gradient by them. A row's
// numbers are divided by their sum s and clipped: q = clip(p / s), loss = -sum(t log q). With whole-number
// targets p is clipped before that too.
#include "core/params.h"
#include "core/tensor.h"
#include "kernels/rows.h"
#include "parallel/parallel.h"
#include "simd/math.h"
#include "simd/whole.h"

namespace tfjs::TFJS_ISA {
namespace {

using Clip = ClipByValueParams;

TFJS_INLINE vf32 clipped(vf32 x, const Clip& clip) {
  return math::clamp(x, clip.clipValueMin, clip.clipValueMax);
}
// x where clipping lets a gradient through, else 0; also where `at` is NaN.
TFJS_INLINE vf32 let_through(vf32 x, vf32 at, const Clip& clip) {
  return select((at >= clip.clipValueMin) & (at <= clip.clipValueMax), x, zero());
}

TFJS_INLINE vf32 real(vf32 x) { return x; }
TFJS_INLINE vf32 real(vi32 x) { return to_float(x); }

template <class T>
TFJS_INLINE float categorical_row(const T* target, const float* p, int64_t n, const Clip& clip) {
  const vf32 sum = row_sum(n, [=](auto access, int64_t i) { return access.get(p + i); });
  const vf32 log_likelihood = row_sum(n, [=](auto access, int64_t i) {
    return real(access.get(target + i)) * log(clipped(access.get(p + i) / sum, clip));
  });
  return -log_likelihood[0];
}

template <class T>
TFJS_INLINE void categorical_grad_row(float dy, const T* target, const float* p, float* dp, int64_t n,
                                      const Clip& clip) {
  const vf32 sum = row_sum(n, [=](auto access, int64_t i) { return access.get(p + i); });
  const vf32 weighted = row_sum(n, [=](auto access, int64_t i) {
    const vf32 x = access.get(p + i), q = x / sum;
    const vf32 by_q = let_through(-dy * real(access.get(target + i)) / q, q, clip);
    access.put(dp + i, by_q);
    return by_q * x;
  });
  const vf32 by_sum = -weighted / (sum * sum);
  each_vector(n, [=](auto access, int64_t i) { access.put(dp + i, access.get(dp + i) / sum + by_sum); });
}

// As flooring and then storing into an Int32Array makes it.
TFJS_INLINE int64_t class_of(const Tensor& target, int64_t row) {
  if (target.dtype == DType::Int32) return target.i32()[row];
  return wrap_to_int32(__builtin_floor(static_cast<double>(target.f32()[row])));
}

TFJS_INLINE vf32 clipped_sum(const float* p, int64_t n, const Clip& clip) {
  return row_sum(n, [=](auto access, int64_t i) { return clipped(access.get(p + i), clip); });
}

TFJS_INLINE float sparse_row(int64_t target, const float* p, int64_t n, const Clip& clip) {
  const vf32 sum = clipped_sum(p, n, clip);
  // No class: 0, but a NaN among the probabilities stays one.
  if (target < 0 || target >= n) return sum[0] * 0.0f;
  return -log(clipped(clipped(splat(p[target]), clip) / sum, clip))[0];
}

TFJS_INLINE void sparse_grad_row(float dy, int64_t target, const float* p, float* dp, int64_t n,
                                 const Clip& clip) {
  const vf32 sum = clipped_sum(p, n, clip);
  const bool has_class = target >= 0 && target < n;
  // What the other classes add: 0, or NaN where dy is no finite number.
  vf32 by_q = zero(), weighted = splat(dy * 0.0f);
  const vf32 at = splat(has_class ? p[target] : 0.0f);
  if (has_class) {
    const vf32 x = clipped(at, clip), q = x / sum;
    by_q = let_through(-dy / q, q, clip);
    weighted += by_q * x;
  }
  const vf32 by_sum = -weighted / (sum * sum);
  each_vector(
      n, [=](auto access, int64_t i) { access.put(dp + i, let_through(by_sum, access.get(p + i), clip)); });
  if (has_class) dp[target] = let_through(by_q / sum + by_sum, at, clip)[0];
}

// visit(row, n) for each row of n probabilities, in parallel.
template <class Visit>
TFJS_INLINE Status each_row(const Tensor& p, double nanoseconds_per_class, Visit visit) {
  const int64_t n = p.dims[p.rank - 1];
  // Not inlined: of two copies of the loop, one may keep another NaN's bits than the other.
  const auto rows = [=](int64_t begin, int64_t end) __attribute__((noinline)) {
    for (int64_t row = begin; row < end; row++) visit(row, n);
  };
  parallel_for(p.size() / n, 20 + nanoseconds_per_class * static_cast<double>(n), rows);
  return Status::Ok;
}

// Whether there are classes, and the probabilities and the numbers for each row are float32, one a row.
TFJS_INLINE bool fits(const Tensor& p, const Tensor& per_row) {
  if (p.dtype != DType::Float32 || p.rank < 1 || p.dims[p.rank - 1] == 0) return false;
  return per_row.dtype == DType::Float32 && per_row.size() == p.size() / p.dims[p.rank - 1];
}
TFJS_INLINE bool is_number(const Tensor& target, int64_t size) {
  return (target.dtype == DType::Float32 || target.dtype == DType::Int32) && target.size() == size;
}

template <class T>
TFJS_INLINE Status categorical(const Args& args) {
  const Tensor& p = args.inputs[1];
  const T* target = args.inputs[0].as<T>();
  const float* x = p.f32();
  float* loss = args.outputs[0].f32();
  const Clip clip = Clip::decode(args.params);
  return each_row(p, 1, [=](int64_t row, int64_t n) {
    loss[row] = categorical_row(target + row * n, x + row * n, n, clip);
  });
}

template <class T>
TFJS_INLINE Status categorical_grad(const Args& args) {
  const Tensor& p = args.inputs[2];
  const T* target = args.inputs[1].as<T>();
  const float *dy = args.inputs[0].f32(), *x = p.f32();
  float* dp = args.outputs[0].f32();
  const Clip clip = Clip::decode(args.params);
  return each_row(p, 1, [=](int64_t row, int64_t n) {
    categorical_grad_row(dy[row], target + row * n, x + row * n, dp + row * n, n, clip);
  });
}

}  // namespace

Status CategoricalCrossentropy(const Args& args) {
  const Tensor &target = args.inputs[0], &p = args.inputs[1];
  if (!fits(p, args.outputs[0]) || !is_number(target, p.size())) return Status::InvalidArgument;
  return target.dtype == DType::Float32 ? categorical<float>(args) : categorical<int32_t>(args);
}

Status CategoricalCrossentropyGrad(const Args& args) {
  const Tensor &target = args.inputs[1], &p = args.inputs[2];
  if (!fits(p, args.inputs[0]) || !is_number(target, p.size())) return Status::InvalidArgument;
  return target.dtype == DType::Float32 ? categorical_grad<float>(args) : categorical_grad<int32_t>(args);
}

Status SparseCategoricalCrossentropy(const Args& args) {
  const Tensor target = args.inputs[0], &p = args.inputs[1], &loss = args.outputs[0];
  if (!fits(p, loss) || !is_number(target, loss.size())) return Status::InvalidArgument;
  const Clip clip = Clip::decode(args.params);
  return each_row(p, 0.2, [=, x = p.f32(), y = loss.f32()](int64_t row, int64_t n) {
    y[row] = sparse_row(class_of(target, row), x + row * n, n, clip);
  });
}

Status SparseCategoricalCrossentropyGrad(const Args& args) {
  const Tensor &dy = args.inputs[0], target = args.inputs[1], &p = args.inputs[2];
  if (!fits(p, dy) || !is_number(target, dy.size())) return Status::InvalidArgument;
  const Clip clip = Clip::decode(args.params);
  return each_row(p, 0.4, [=, d = dy.f32(), x = p.f32(), dp = args.outputs[0].f32()](int64_t row, int64_t n) {
    sparse_grad_row(d[row], class_of(target, row), x + row * n, dp + row * n, n, clip);
  });
}

}  // namespace tfjs::TFJS_ISA

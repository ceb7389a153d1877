// Softmax over the last dimension.
#include "core/params.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/math.h"

namespace tfjs::TFJS_ISA {
namespace {

alignas(64) constexpr int32_t kLaneIndex[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// The first n lanes of `values`, the others replaced.
TFJS_INLINE vf32 first_or(vf32 values, int64_t n, float other) {
  return select(load(kLaneIndex) < splat(static_cast<int32_t>(n)), values, splat(other));
}

TFJS_INLINE float max_lanes(vf32 v) {
  float lane[kLanes];
  store(lane, v);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) {
      // NaN wins on either side.
      const float a = lane[i], b = lane[i + width];
      lane[i] = a != a || a > b ? a : b;
    }
  }
  return lane[0];
}

TFJS_INLINE float row_max(const float* x, int64_t n) {
  constexpr int kChains = 4;  // hides the latency of max
  vf32 top[kChains];
  for (int c = 0; c < kChains; c++) top[c] = splat(-math::kInfinity);
  int64_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
    for (int c = 0; c < kChains; c++) top[c] = max(top[c], load(x + i + c * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) top[0] = max(top[0], load(x + i));
  if (i < n) top[1] = max(top[1], first_or(load_first(x + i, n - i), n - i, -math::kInfinity));
  return max_lanes(max(max(top[0], top[1]), max(top[2], top[3])));
}

TFJS_INLINE void softmax_row(const float* x, float* y, int64_t n) {
  const vf32 top = splat(row_max(x, n));
  vf32 sum = zero();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const vf32 e = exp(load(x + i) - top);
    store(y + i, e);
    sum += e;
  }
  if (i < n) {
    const vf32 e = first_or(exp(load_first(x + i, n - i) - top), n - i, 0);
    store_first(y + i, e, n - i);
    sum += e;
  }
  const vf32 scale = splat(1 / sum_lanes(sum));
  for (i = 0; i + kLanes <= n; i += kLanes) store(y + i, load(y + i) * scale);
  if (i < n) store_first(y + i, load_first(y + i, n - i) * scale, n - i);
}

}  // namespace

Status Softmax(const Args& args) {
  const Tensor& logits = args.inputs[0];
  const float* x = logits.f32();
  float* y = args.outputs[0].f32();
  if (logits.rank < 1) return Status::InvalidArgument;
  const int64_t n = logits.dims[logits.rank - 1];
  if (n == 0) return Status::Ok;
  parallel_for(logits.size() / n, 30 + 0.6 * static_cast<double>(n), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) softmax_row(x + row * n, y + row * n, n);
  });
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

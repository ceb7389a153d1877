// UnsortedSegmentSum: rows of x [n, run] added up by their segment: y [segments, run].
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

TFJS_INLINE void add_run(const float* from, float* to, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, load(to + i) + load(from + i));
  if (i < n) store_first(to + i, load_first(to + i, n - i) + load_first(from + i, n - i), n - i);
}

}  // namespace

// Rows of segments that do not exist are left out, as in TensorFlow.js.
Status UnsortedSegmentSum(const Args& args) {
  const Tensor &x = args.inputs[0], &ids = args.inputs[1], &y = args.outputs[0];
  if (x.rank != 2 || y.rank != 2 || x.dtype != DType::Float32 || y.dtype != DType::Float32 ||
      ids.dtype != DType::Int32 || ids.size() != x.dims[0] || y.dims[1] != x.dims[1])
    return Status::InvalidArgument;
  const int64_t n = x.dims[0], run = x.dims[1], segments = y.dims[0];
  const int32_t* id = ids.i32();
  // Each part looks at all rows, and takes those of its segments in their order.
  const double nanoseconds =
      0.1 * static_cast<double>(run) +
      0.1 * static_cast<double>(n * run) / static_cast<double>(segments > 0 ? segments : 1);
  parallel_for(
      segments, nanoseconds, [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        __builtin_memset(y.f32() + begin * run, 0, static_cast<size_t>((end - begin) * run) * sizeof(float));
        for (int64_t row = 0; row < n; row++) {
          if (id[row] >= begin && id[row] < end) add_run(x.f32() + row * run, y.f32() + id[row] * run, run);
        }
      });
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

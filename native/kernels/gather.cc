// Slices of x [batch, outer, length, run] by indices [batch, n]: y [batch, outer, n, run].
#include "kernels/copy.h"

namespace tfjs::TFJS_ISA {

Status GatherV2(const Args& args) {
  const Tensor &x = args.inputs[0], &indices = args.inputs[1], &y = args.outputs[0];
  if (x.rank != 4 || indices.rank != 2 || y.rank != 4 || indices.dtype != DType::Int32)
    return Status::InvalidArgument;
  const int64_t outer = x.dims[1], length = x.dims[2], run = x.dims[3], n = indices.dims[1];
  if (indices.dims[0] != x.dims[0] || y.dims[0] != x.dims[0] || y.dims[1] != outer || y.dims[2] != n ||
      y.dims[3] != run)
    return Status::InvalidArgument;
  const int32_t* index = indices.i32();
  for (int64_t i = 0; i < indices.size(); i++) {
    if (index[i] < 0 || index[i] >= length) return Status::InvalidArgument;
  }
  if (y.size() == 0) return Status::Ok;
  return with_elements(x, y, [&]<class T>(const T* from, T* to) {
    parallel_for(x.dims[0] * outer * n, run_cost(run), [&](int64_t begin, int64_t end) {
      int64_t i = begin % n, slab = begin / n;
      for (int64_t at = begin; at < end; at++) {
        copy_run(from + (slab * length + index[slab / outer * n + i]) * run, to + at * run, run);
        if (++i == n) {
          i = 0;
          slab++;
        }
      }
    });
    return Status::Ok;
  });
}

}  // namespace tfjs::TFJS_ISA

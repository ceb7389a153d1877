// Indices [n] as rows of y [n, depth]: onValue at the index, if there is such a place, and offValue
// elsewhere.
#include "kernels/copy.h"

namespace tfjs::TFJS_ISA {

Status OneHot(const Args& args) {
  const Tensor &indices = args.inputs[0], &y = args.outputs[0];
  if (indices.rank != 1 || indices.dtype != DType::Int32 || y.rank != 2 || y.dims[0] != indices.dims[0])
    return Status::InvalidArgument;
  const OneHotParams p = OneHotParams::decode(args.params);
  const int32_t* index = indices.i32();
  const int64_t depth = y.dims[1];
  return with_elements(y, y, [&]<class T>(const T*, T* to) {
    const T on = static_cast<T>(static_cast<uint64_t>(p.onPattern));
    const T off = static_cast<T>(static_cast<uint64_t>(p.offPattern));
    parallel_for(y.dims[0], run_cost(depth), [&](int64_t begin, int64_t end) {
      fill_run(to + begin * depth, (end - begin) * depth, off);
      for (int64_t i = begin; i < end; i++) {
        if (index[i] >= 0 && index[i] < depth) to[i * depth + index[i]] = on;
      }
    });
    return Status::Ok;
  });
}

}  // namespace tfjs::TFJS_ISA

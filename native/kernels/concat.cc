// Tensors side by side: inputs [outer, n_i], output [outer, sum of n_i].
#include "core/scratch.h"
#include "kernels/copy.h"

namespace tfjs::TFJS_ISA {

Status Concat(const Args& args) {
  const Tensor& y = args.outputs[0];
  if (y.rank != 2) return Status::InvalidArgument;
  const int64_t outer = y.dims[0], width = y.dims[1], count = args.input_count;
  Scratch scratch;
  int64_t* begin = scratch.get<int64_t>(count + 1);
  begin[0] = 0;
  for (int64_t i = 0; i < count; i++) {
    const Tensor& x = args.inputs[i];
    if (x.rank != 2 || x.dims[0] != outer || x.dtype != y.dtype) return Status::InvalidArgument;
    begin[i + 1] = begin[i] + x.dims[1];
  }
  if (begin[count] != width) return Status::InvalidArgument;
  if (y.size() == 0) return Status::Ok;
  return with_elements(y, y, [&]<class T>(const T*, T* to) {
    parallel_for(outer * count, run_cost(width / count), [&](int64_t from, int64_t end) {
      int64_t row = from / count, i = from % count;
      for (int64_t at = from; at < end; at++) {
        const int64_t n = begin[i + 1] - begin[i];
        copy_run(static_cast<const T*>(args.inputs[i].as<T>()) + row * n, to + row * width + begin[i], n);
        if (++i == count) {
          i = 0;
          row++;
        }
      }
    });
    return Status::Ok;
  });
}

}  // namespace tfjs::TFJS_ISA

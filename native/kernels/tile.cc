// A tensor repeated along its dimensions, as often as the output's lengths say.
#include "kernels/copy.h"

namespace tfjs::TFJS_ISA {

Status Tile(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (x.rank != y.rank) return Status::InvalidArgument;
  if (y.size() == 0) return Status::Ok;
  // The last dimension that repeats, with all behind it, is one run.
  int rank = 0;
  int64_t run = 1, repeats = 1;
  for (int d = 0; d < x.rank; d++) {
    if (x.dims[d] < 1 || y.dims[d] % x.dims[d] != 0) return Status::InvalidArgument;
    if (y.dims[d] != x.dims[d]) rank = d;
  }
  for (int d = rank; d < x.rank; d++) {
    run *= x.dims[d];
    repeats *= y.dims[d] / x.dims[d];
  }
  int64_t rows = 1;
  for (int d = 0; d < rank; d++) rows *= y.dims[d];
  return with_elements(x, y, [&]<class T>(const T* from, T* to) {
    parallel_for(rows * repeats, run_cost(run), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end;) {
        int64_t at = i / repeats, row = 0, stride = run;
        for (int d = rank - 1; d >= 0; d--) {
          row += at % y.dims[d] % x.dims[d] * stride;
          at /= y.dims[d];
          stride *= x.dims[d];
        }
        const int64_t until = std::min(end, (i / repeats + 1) * repeats);
        if (run == 1) {
          fill_run(to + i, until - i, from[row]);
          i = until;
        }
        for (; i < until; i++) copy_run(from + row, to + i * run, run);
      }
    });
    return Status::Ok;
  });
}

}  // namespace tfjs::TFJS_ISA

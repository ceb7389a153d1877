// A tensor inside a larger one of a constant.
#include "kernels/copy.h"

namespace tfjs::TFJS_ISA {

Status PadV2(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  const PadV2Params p = PadV2Params::decode(args.params);
  const int64_t before[kMaxRank] = {p.before0, p.before1, p.before2, p.before3,
                                    p.before4, p.before5, p.before6, p.before7};
  Region r;
  if (!read_region(x, y, before, r)) return Status::InvalidArgument;
  if (y.size() == 0) return Status::Ok;
  return with_elements(x, y, [&]<class T>(const T* from, T* to) {
    const T value = static_cast<T>(static_cast<uint64_t>(p.pattern));
    const int64_t after = r.large_run - r.run_begin - r.small_run;
    parallel_for(r.large_rows, 3 * r.rank + run_cost(r.large_run), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        T* row = to + i * r.large_run;
        const int64_t in = r.small_row(i);
        if (in < 0) {
          fill_run(row, r.large_run, value);
          continue;
        }
        fill_run(row, r.run_begin, value);
        copy_run(from + in * r.small_run, row + r.run_begin, r.small_run);
        fill_run(row + r.run_begin + r.small_run, after, value);
      }
    });
    return Status::Ok;
  });
}

}  // namespace tfjs::TFJS_ISA

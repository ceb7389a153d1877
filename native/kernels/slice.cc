// A box cut out of a tensor.
#include "kernels/copy.h"

namespace tfjs::TFJS_ISA {
namespace {

// Longer runs are copied in pieces, so that threads can share one.
constexpr int64_t kPiece = 16384;

}  // namespace

Status Slice(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  const SliceParams p = SliceParams::decode(args.params);
  const int64_t begin[kMaxRank] = {p.begin0, p.begin1, p.begin2, p.begin3,
                                   p.begin4, p.begin5, p.begin6, p.begin7};
  Region r;
  if (!read_region(y, x, begin, r)) return Status::InvalidArgument;
  if (y.size() == 0) return Status::Ok;
  return with_elements(x, y, [&]<class T>(const T* from, T* to) {
    from += r.run_begin;
    const int64_t pieces = (r.small_run + kPiece - 1) / kPiece;
    const int64_t last = r.rank > 0 ? r.small[r.rank - 1] : 1;
    parallel_for(r.small_rows * pieces, run_cost(std::min(r.small_run, kPiece)), [&](int64_t i, int64_t end) {
      if (pieces > 1) {
        for (; i < end; i++) {
          const int64_t row = i / pieces, at = i % pieces * kPiece;
          copy_run(from + r.large_row(row) * r.large_run + at, to + row * r.small_run + at,
                   std::min(r.small_run - at, kPiece));
        }
        return;
      }
      while (i < end) {
        // Up to the end of the last dimension that counts, rows follow each other in both.
        const int64_t until = std::min(end, (i / last + 1) * last);
        const T* in = from + r.large_row(i) * r.large_run;
        T* out = to + i * r.small_run;
        if (r.small_run == 1) {
          for (; i < until; i++, in += r.large_run) *out++ = *in;
        } else {
          for (; i < until; i++, in += r.large_run, out += r.small_run) copy_run(in, out, r.small_run);
        }
      }
    });
    return Status::Ok;
  });
}

}  // namespace tfjs::TFJS_ISA

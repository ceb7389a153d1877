// The elements in opposite order along some dimensions.
#include "kernels/copy.h"

namespace tfjs::TFJS_ISA {
namespace {

// Dimensions next to each other that are both reversed, or both not, are one.
struct Dims {
  int rank = 0;
  int64_t length[kMaxRank];
  bool reversed[kMaxRank];
};

inline Dims merge(const Tensor& x, int64_t axes) {
  Dims dims;
  for (int d = 0; d < x.rank; d++) {
    if (x.dims[d] == 1) continue;
    const bool reversed = (axes >> d & 1) != 0;
    if (dims.rank > 0 && dims.reversed[dims.rank - 1] == reversed) {
      dims.length[dims.rank - 1] *= x.dims[d];
    } else {
      dims.length[dims.rank] = x.dims[d];
      dims.reversed[dims.rank++] = reversed;
    }
  }
  return dims;
}

// Longer runs are moved in pieces, so that threads can share one.
constexpr int64_t kPiece = 16384;

template <class T>
TFJS_INLINE void reverse_run(const T* __restrict from, T* __restrict to, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] = from[n - 1 - i];
}

}  // namespace

// axes: bit d is set where dimension d is reversed.
Status Reverse(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (x.rank != y.rank) return Status::InvalidArgument;
  for (int d = 0; d < x.rank; d++) {
    if (x.dims[d] != y.dims[d]) return Status::InvalidArgument;
  }
  if (x.size() == 0) return Status::Ok;
  Dims dims = merge(x, ReverseParams::decode(args.params).axes);
  // The last dimension is one run, forward or backward; those before count rows.
  const bool backward = dims.rank > 0 && dims.reversed[dims.rank - 1];
  const int64_t run = dims.rank > 0 ? dims.length[--dims.rank] : 1;
  const int64_t rows = x.size() / run;
  // Pixels in opposite order, say: short runs along a dimension that is reversed.
  const int64_t last = dims.rank > 0 ? dims.length[dims.rank - 1] : 1;
  const int64_t step = dims.rank > 0 && dims.reversed[dims.rank - 1] ? -run : run;
  return with_elements(x, y, [&]<class T>(const T* from, T* to) {
    const int64_t pieces = (run + kPiece - 1) / kPiece;
    const auto source = [&](int64_t at) {
      int64_t row = 0, count = 1;
      for (int d = dims.rank - 1; d >= 0; d--) {
        const int64_t i = at % dims.length[d];
        row += (dims.reversed[d] ? dims.length[d] - 1 - i : i) * count;
        at /= dims.length[d];
        count *= dims.length[d];
      }
      return from + row * run;
    };
    parallel_for(rows * pieces, run_cost(std::min(run, kPiece)), [&](int64_t i, int64_t end) {
      if (pieces > 1) {
        for (; i < end; i++) {
          const int64_t row = i / pieces, at = i % pieces * kPiece;
          const int64_t n = std::min(run - at, kPiece);
          const T* in = source(row);
          if (backward) {
            reverse_run(in + run - at - n, to + row * run + at, n);
          } else {
            copy_run(in + at, to + row * run + at, n);
          }
        }
        return;
      }
      while (i < end) {
        const int64_t until = std::min(end, (i / last + 1) * last);
        const T* in = source(i);
        T* out = to + i * run;
        for (; i < until; i++, in += step, out += run) {
          if (backward) {
            reverse_run(in, out, run);
          } else {
            copy_run(in, out, run);
          }
        }
      }
    });
    return Status::Ok;
  });
}

}  // namespace tfjs::TFJS_ISA

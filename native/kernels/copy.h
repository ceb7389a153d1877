// Moving runs of elements: what slicing, padding, concatenating, tiling and gathering are made of. Elements
// have one byte (bool) or four and are only moved, so their bits stay.
#pragma once
#include <cstring>

#include "core/params.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

typedef uint32_t Word __attribute__((may_alias));

// f(x as elements, y as elements).
template <class F>
TFJS_INLINE Status with_elements(const Tensor& x, const Tensor& y, F&& f) {
  if (x.dtype != y.dtype) return Status::InvalidArgument;
  if (x.dtype == DType::Bool) return f(static_cast<const uint8_t*>(x.u8()), y.u8());
  return f(static_cast<const Word*>(x.as<Word>()), y.as<Word>());
}

// What moving a run of n elements costs, in nanoseconds on one core, for parallel_for.
TFJS_INLINE double run_cost(int64_t n) { return 2 + 0.15 * static_cast<double>(n); }

template <class T>
TFJS_INLINE void copy_run(const T* from, T* to, int64_t n) {
  if (n < 32) {
    // Common (channels, coordinates), and a call would cost more than the work.
    for (int64_t i = 0; i < n; i++) to[i] = from[i];
  } else {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  }
}

template <class T>
TFJS_INLINE void fill_run(T* to, int64_t n, T value) {
  for (int64_t i = 0; i < n; i++) to[i] = value;
}

// A tensor's place inside a larger one, seen as rows: the dimensions from the last that differs on are one
// run, those before count rows.
struct Region {
  int rank = 0;             // dimensions that count rows
  int64_t small[kMaxRank];  // their lengths
  int64_t large[kMaxRank];
  int64_t begin[kMaxRank];
  int64_t small_run = 1, large_run = 1, run_begin = 0;
  int64_t small_rows = 1, large_rows = 1;

  // The row of the larger tensor that row `at` of the smaller one lies in.
  int64_t large_row(int64_t at) const {
    int64_t row = 0, rows = 1;
    for (int d = rank - 1; d >= 0; d--) {
      row += (at % small[d] + begin[d]) * rows;
      at /= small[d];
      rows *= large[d];
    }
    return row;
  }
  // The reverse; -1 where the smaller one has no part.
  int64_t small_row(int64_t at) const {
    int64_t row = 0, rows = 1;
    for (int d = rank - 1; d >= 0; d--) {
      const int64_t i = at % large[d] - begin[d];
      if (i < 0 || i >= small[d]) return -1;
      row += i * rows;
      at /= large[d];
      rows *= small[d];
    }
    return row;
  }
};

// False if `small` does not fit into `large` at `begin`.
inline bool read_region(const Tensor& small, const Tensor& large, const int64_t* begin, Region& r) {
  if (small.rank != large.rank) return false;
  int differs = -1;
  for (int d = 0; d < small.rank; d++) {
    if (begin[d] < 0 || begin[d] + small.dims[d] > large.dims[d]) return false;
    if (small.dims[d] != large.dims[d]) differs = d;
  }
  for (int d = small.rank - 1; d >= differs && d >= 0; d--) {
    r.run_begin += begin[d] * r.large_run;
    r.small_run *= small.dims[d];
    r.large_run *= large.dims[d];
  }
  for (int d = 0; d < differs; d++) {
    r.small[d] = small.dims[d];
    r.large[d] = large.dims[d];
    r.begin[d] = begin[d];
    r.small_rows *= small.dims[d];
    r.large_rows *= large.dims[d];
  }
  r.rank = differs > 0 ? differs : 0;
  return true;
}

}  // namespace
}  // namespace tfjs::TFJS_ISA

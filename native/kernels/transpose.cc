// Transpose: any permutation of the dimensions, of elements of one or four bytes.
#include <cstring>

#include "core/params.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/transpose.h"

namespace tfjs::TFJS_ISA {
namespace {

// Nested loops, outermost first, with an offset into each of two arrays. Strides are in elements.
struct Loops {
  int rank = 0;
  int64_t length[kMaxRank + 2], from_stride[kMaxRank + 2], to_stride[kMaxRank + 2], index[kMaxRank + 2];
  int64_t from = 0, to = 0;

  void add(int64_t n, int64_t from_step, int64_t to_step) {
    length[rank] = n;
    from_stride[rank] = from_step;
    to_stride[rank++] = to_step;
  }
  int64_t count() const {
    int64_t n = 1;
    for (int d = 0; d < rank; d++) n *= length[d];
    return n;
  }
  void start(int64_t at) {
    from = to = 0;
    for (int d = rank - 1; d >= 0; d--) {
      index[d] = at % length[d];
      at /= length[d];
      from += index[d] * from_stride[d];
      to += index[d] * to_stride[d];
    }
  }
  void next() {
    for (int d = rank - 1; d >= 0; d--) {
      from += from_stride[d];
      to += to_stride[d];
      if (++index[d] < length[d]) return;
      from -= length[d] * from_stride[d];
      to -= length[d] * to_stride[d];
      index[d] = 0;
    }
  }
};

// The loops of a permutation in the order of the output. Dimensions of length 1 are dropped and those that
// stay neighbours merged. False if `perm` is no permutation.
bool plan(const Tensor& x, const int64_t* perm, Loops& loops) {
  int64_t from_stride[kMaxRank], size = 1;
  for (int d = x.rank - 1; d >= 0; d--) {
    from_stride[d] = size;
    size *= x.dims[d];
  }
  int seen = 0;
  for (int d = 0; d < x.rank; d++) {
    if (perm[d] < 0 || perm[d] >= x.rank || (seen & 1 << perm[d]) != 0) return false;
    seen |= 1 << perm[d];
    const int64_t length = x.dims[perm[d]], stride = from_stride[perm[d]];
    if (length == 1) continue;
    const int last = loops.rank - 1;
    if (last >= 0 && loops.from_stride[last] == stride * length) {
      loops.length[last] *= length;
      loops.from_stride[last] = stride;
    } else {
      loops.add(length, stride, 0);
    }
  }
  size = 1;
  for (int d = loops.rank - 1; d >= 0; d--) {
    loops.to_stride[d] = size;
    size *= loops.length[d];
  }
  return true;
}

TFJS_INLINE void copy_run(const float* from, float* to, int64_t length) {
  int64_t i = 0;
  for (; i + kLanes <= length; i += kLanes) store(to + i, load(from + i));
  if (i < length) store_first(to + i, load_first(from + i, length - i), length - i);
}
TFJS_INLINE void copy_run(const uint8_t* from, uint8_t* to, int64_t length) {
  std::memcpy(to, from, static_cast<size_t>(length));
}

// A tile spans a cache line of floats each way whatever the vector width, so that lines are used whole.
constexpr int64_t kTile = 16;

TFJS_INLINE void transpose_block(const float* from, int64_t from_stride, float* to, int64_t to_stride,
                                 int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i += kLanes) {
    for (int64_t j = 0; j < columns; j += kLanes) {
      transpose_tile(from + i * from_stride + j, from_stride, to + j * to_stride + i, to_stride,
                     rows - i < kLanes ? rows - i : kLanes, columns - j < kLanes ? columns - j : kLanes);
    }
  }
}
TFJS_INLINE void transpose_block(const uint8_t* from, int64_t from_stride, uint8_t* to, int64_t to_stride,
                                 int64_t rows, int64_t columns) {
  for (int64_t j = 0; j < columns; j++) {
    for (int64_t i = 0; i < rows; i++) to[j * to_stride + i] = from[i * from_stride + j];
  }
}

template <class T>
TFJS_INLINE void permute(const T* x, T* y, Loops& loops) {
  const int last = loops.rank - 1;
  if (last < 0) {
    *y = *x;
    return;
  }
  if (loops.from_stride[last] == 1) {
    const int64_t run = loops.length[last];
    // A single run is cut too, so that a plain copy threads.
    constexpr int64_t kPart = 4096;
    const int64_t parts = (run + kPart - 1) / kPart;
    loops.length[last] = parts;
    loops.from_stride[last] = loops.to_stride[last] = kPart;
    parallel_for(loops.count(), 2 + 0.1 * static_cast<double>(run / parts), [&](int64_t begin, int64_t end) {
      Loops at = loops;
      at.start(begin);
      for (int64_t i = begin; i < end; i++, at.next()) {
        const int64_t left = run - at.index[last] * kPart;
        copy_run(x + at.from, y + at.to, left < kPart ? left : kPart);
      }
    });
    return;
  }
  // Two dimensions change places as to contiguity; the others are loops around their tiles.
  Loops tiles;
  int across = 0;
  for (int d = 0; d < last; d++) {
    if (loops.from_stride[d] == 1)
      across = d;
    else
      tiles.add(loops.length[d], loops.from_stride[d], loops.to_stride[d]);
  }
  const int64_t columns = loops.length[across], rows = loops.length[last];
  const int64_t from_stride = loops.from_stride[last], to_stride = loops.to_stride[across];
  const int column_loop = tiles.rank, row_loop = tiles.rank + 1;
  tiles.add((columns + kTile - 1) / kTile, kTile, kTile * to_stride);
  tiles.add((rows + kTile - 1) / kTile, kTile * from_stride, kTile);
  parallel_for(tiles.count(), 60, [&](int64_t begin, int64_t end) {
    Loops at = tiles;
    at.start(begin);
    for (int64_t i = begin; i < end; i++, at.next()) {
      const int64_t rows_left = rows - at.index[row_loop] * kTile;
      const int64_t columns_left = columns - at.index[column_loop] * kTile;
      transpose_block(x + at.from, from_stride, y + at.to, to_stride, rows_left < kTile ? rows_left : kTile,
                      columns_left < kTile ? columns_left : kTile);
    }
  });
}

}  // namespace

Status Transpose(const Args& args) {
  const Tensor& x = args.inputs[0];
  const Tensor& y = args.outputs[0];
  const TransposeParams params = TransposeParams::decode(args.params);
  const int64_t perm[kMaxRank] = {params.perm0, params.perm1, params.perm2, params.perm3,
                                  params.perm4, params.perm5, params.perm6, params.perm7};
  if (x.dtype != y.dtype) return Status::InvalidArgument;
  if (x.size() == 0) return Status::Ok;
  Loops loops;
  if (!plan(x, perm, loops)) return Status::InvalidArgument;
  if (x.dtype == DType::Bool)
    permute(x.u8(), y.u8(), loops);
  else
    permute(x.f32(), y.f32(), loops);
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

// How products cut the columns of a result into vectors.
#pragma once
#include <cstdint>

#include "simd/simd.h"

namespace tfjs::TFJS_ISA {

TFJS_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Blocks of at most kWide vectors over n columns, n >= kLanes. They are of equal size, so that the last
// vector, which may overlap the one before, has that in its own block.
template <int64_t kWide>
struct ColumnBlocks {
  int64_t n, vectors = (n + kLanes - 1) / kLanes, count = (vectors + kWide - 1) / kWide;

  // Writes where the vectors of a block begin; returns how many they are.
  [[gnu::always_inline]] int64_t place(int64_t block, int64_t (&at)[kWide]) const {
    const int64_t first = vectors * block / count, size = vectors * (block + 1) / count - first;
    for (int64_t v = 0; v < size; v++) at[v] = smaller((first + v) * kLanes, n - kLanes);
    return size;
  }
};

}  // namespace tfjs::TFJS_ISA

// The register-blocked kernel for results of very few columns, which would fill only a part of a vector:
// vectors run along the common dimension, and their lanes are added up at the end.
#pragma once
#include "gemm/micro_kernel.h"

namespace tfjs::TFJS_ISA {

constexpr int64_t kMaxNarrowColumns = 4;

// Whether it beats the kernels whose vectors run along the columns.
TFJS_INLINE bool is_narrow(int64_t taps, int64_t depth, int64_t columns) {
  const int64_t vectors = (depth + kLanes - 1) / kLanes;
  // Adding up the lanes costs as much as some eight more vectors.
  return columns > 0 && columns <= kMaxNarrowColumns && 3 * columns * (taps * vectors + 8) < 2 * taps * depth;
}

TFJS_INLINE int narrow_tile_rows(int64_t columns) {
  return columns == 1 ? kMaxTileRows : 2 * kTileRows / static_cast<int>(columns);
}

// c[r][j] = sum over t < taps, k < depth of a[t * rows + r][k] * b(t, k, j), for rows =
// narrow_tile_rows(columns).
struct NarrowTile {
  const float* const* a;
  int64_t taps, depth;
  const float* b;  // by pack_narrow()
  float* const* c;
  int64_t columns;
  const Epilogue* epilogue;
};
void multiply_narrow(const NarrowTile& tile);

// Floats of a tap's right-hand side.
TFJS_INLINE int64_t narrow_tap_size(int64_t depth, int64_t columns) {
  return (depth + kLanes - 1) / kLanes * kLanes * columns;
}
// Packs b(k, j) = from[k * row_step + j * column_step] of one tap.
TFJS_INLINE void pack_narrow(const float* from, int64_t row_step, int64_t column_step, int64_t depth,
                             int64_t columns, float* to) {
  for (int64_t first = 0; first < depth; first += kLanes) {
    for (int64_t j = 0; j < columns; j++) {
      for (int64_t k = first; k < first + kLanes; k++) {
        *to++ = k < depth ? from[k * row_step + j * column_step] : 0;
      }
    }
  }
}

}  // namespace tfjs::TFJS_ISA

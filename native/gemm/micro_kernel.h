// The register-blocked kernels that matrix products and convolutions end in: a tile of sums, some rows by one
// or two vectors, stays in registers while the common dimension goes by.
//
// The right-hand side lies in panels: kPanel columns (kLanes where no more than that are left), row after row
// without gaps, as pack.h makes them. Columns that a panel has and the result has not are computed and
// dropped.
#pragma once
#include <cmath>
#include <cstdint>

#include "simd/simd.h"

namespace tfjs::TFJS_ISA {

constexpr int kPanel = 2 * kLanes;
// Rows of a tile that is two vectors wide: with them the accumulators, two vectors of the panel and a
// broadcast value fill the registers.
constexpr int kTileRows = kRegisters == 32 ? 12 : 6;
// Rows that tables must have room for: a tile of one vector may take more, to hide the latency of its sums.
constexpr int kMaxTileRows = 12;

// How many vectors wide the panel of the last `columns` columns is, and how many rows its tiles may have.
TFJS_INLINE int panel_vectors(int64_t columns) { return columns > kLanes ? 2 : 1; }
TFJS_INLINE int tile_rows(int vectors) { return vectors == 1 ? kMaxTileRows : kTileRows; }

// c = clamp(start + sum, low, high), where start is c itself, the bias, or zero. NaN passes the clamp.
struct Epilogue {
  bool accumulate = false;
  const float* bias = nullptr;  // one value a column of the whole result
  bool clamp = false;
  float low = -INFINITY, high = INFINITY;
};

// c[r][column + j] = sum over t < taps, k < depth of a[t * rows + r][k] * panel[t * depth + k][j].
// One tap makes it a plain matrix product, whose rows may lie anywhere.
struct RowsTile {
  const float* const* a;
  int64_t taps, depth;
  const float* panel;
  float* const* c;
  int64_t column, columns;  // first column in c and bias; how many, at most the panel's width
  const Epilogue* epilogue;
};

// A stretch of the common dimension: `count` steps from a and b on.
struct Segment {
  const float* a;
  const float* b;
  int64_t count;
};

// c[r * ldc + column + j] = sum over segments s, p < s.count of s.a[offsets[r] + p * lda] * s.b[p * ldb + j]:
// the left-hand side is stored with its columns together, as in a transposed product or a filter's gradient.
// Each row of b has the whole panel width readable.
struct ColumnsTile {
  const int64_t* offsets;
  const Segment* segments;
  int64_t segment_count;
  int64_t lda, ldb;
  float* c;
  int64_t ldc;
  int64_t column, columns;
  const Epilogue* epilogue;
};

using RowsKernel = void (*)(const RowsTile&);
using ColumnsKernel = void (*)(const ColumnsTile&);
// By vectors - 1 and rows; null where tile_rows(vectors) < rows.
extern const RowsKernel kRowsKernels[2][kMaxTileRows + 1];
extern const ColumnsKernel kColumnsKernels[2][kMaxTileRows + 1];

// 1 <= rows <= tile_rows(vectors), vectors = panel_vectors(columns).
TFJS_INLINE void multiply_rows(int rows, const RowsTile& tile) {
  kRowsKernels[panel_vectors(tile.columns) - 1][rows](tile);
}
TFJS_INLINE void multiply_columns(int rows, const ColumnsTile& tile) {
  kColumnsKernels[panel_vectors(tile.columns) - 1][rows](tile);
}

}  // namespace tfjs::TFJS_ISA

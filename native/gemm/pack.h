// Packs the right-hand side of a product into the panels that micro_kernel.h reads.
#pragma once
#include "gemm/micro_kernel.h"
#include "simd/transpose.h"

namespace tfjs::TFJS_ISA {

// Columns of a panel that starts with `columns` left to go.
TFJS_INLINE int64_t panel_columns(int64_t columns) { return columns < kPanel ? columns : kPanel; }
TFJS_INLINE int64_t panel_width(int64_t columns) { return panel_vectors(columns) * kLanes; }
TFJS_INLINE int64_t panel_count(int64_t columns) { return (columns + kPanel - 1) / kPanel; }
// Floats that all panels of a matrix take. Panel p starts at p * kPanel * depth.
TFJS_INLINE int64_t panels_size(int64_t depth, int64_t columns) {
  const int64_t whole = columns / kPanel * kPanel;
  return depth * (whole + (columns > whole ? panel_width(columns - whole) : 0));
}

// panel[k][j] = b[k * ldb + j] for j < columns <= kPanel, zero up to the panel's width.
TFJS_INLINE void pack_panel(const float* b, int64_t ldb, int64_t depth, int64_t columns, float* panel) {
  const int vectors = panel_vectors(columns);
  const int64_t last = columns - (vectors - 1) * kLanes;
  for (int64_t k = 0; k < depth; k++, b += ldb, panel += vectors * kLanes) {
    if (vectors == 2) store(panel, load(b));
    const int64_t at = (vectors - 1) * kLanes;
    store(panel + at, last == kLanes ? load(b + at) : load_first(b + at, last));
  }
}

// panel[k][j] = b[j * ldb + k] for j < columns <= kPanel, zero up to the panel's width.
TFJS_INLINE void pack_panel_transposed(const float* b, int64_t ldb, int64_t depth, int64_t columns,
                                       float* panel) {
  const int64_t width = panel_width(columns);
  for (int64_t j = 0; j < width; j += kLanes) {
    const int64_t rows = columns - j < kLanes ? columns - j : kLanes;
    if (rows < kLanes) {
      for (int64_t k = 0; k < depth; k++) store(panel + k * width + j, zero());
    }
    for (int64_t k = 0; k < depth; k += kLanes) {
      transpose_tile(b + j * ldb + k, ldb, panel + k * width + j, width, rows,
                     depth - k < kLanes ? depth - k : kLanes);
    }
  }
}

}  // namespace tfjs::TFJS_ISA

// The gradients of pooled sums that are not zero, channel by channel: at most one in each pooling window, and
// none where the activation is flat.
#pragma once
#include "kernels/conv2d_max_pool.h"
#include "simd/transpose.h"

namespace tfjs::TFJS_ISA {

// For each channel: the gradient, and the place that it belongs to.
struct GradientLists {
  int64_t pitch;  // from a channel's list to the next one's
  float* g;
  int32_t* at;
  int64_t* count;  // of each channel

  // Lists may be written to by whole vectors.
  static int64_t pitch_for(int64_t windows) { return windows + kLanes; }
};

// What is listed: g and argmax are [windows, columns]; an entry's place is that of the window plus that of
// the cell.
struct WindowGradients {
  const float* g;
  const uint8_t* argmax;
  int64_t windows, columns;
  const int32_t* order;      // windows in the order that they are listed in
  const int32_t* window_at;  // in that order; whole vectors of them
  const int32_t* cell_at;    // 256
  int64_t cells;
};

#if defined(__AVX512F__)
// kLanes windows by kLanes channels from (window, column) on, transposed.
TFJS_INLINE void list_block(const WindowGradients& from, int64_t window, int64_t column, __m512i cell_at,
                            const GradientLists& to) {
  const int64_t rows = from.windows - window, columns = from.columns - column;
  vf32 g[kLanes], at[kLanes];
  TFJS_UNROLL for (int i = 0; i < kLanes; i++) {
    g[i] = at[i] = zero();
    if (i >= rows) continue;
    const int64_t place = from.order[window + i] * from.columns + column;
    const vi32 cell = load_bytes(from.argmax + place, columns);
    vi32 offset{};
    if (from.cells <= kLanes) {
      offset = (vi32)_mm512_maskz_permutexvar_epi32(0xffff, (__m512i)cell, cell_at);  // gcc 12 warns without.
    } else {
      for (int c = 0; c < kLanes; c++) offset[c] = from.cell_at[cell[c]];
    }
    g[i] = read_lanes(from.g + place, columns);
    at[i] = from_bits(offset);
  }
  transposition::exchange<kLanes / 2>(g);
  transposition::exchange<kLanes / 2>(at);
  const vi32 base = load(from.window_at + window);
  TFJS_UNROLL for (int c = 0; c < kLanes; c++) {
    if (c >= columns) continue;
    // Zero behind the last window.
    const __mmask16 alive = _mm512_cmp_ps_mask((__m512)g[c], _mm512_setzero_ps(), _CMP_NEQ_UQ);
    int64_t& count = to.count[column + c];
    const int64_t end = (column + c) * to.pitch + count;
    store(to.g + end, (vf32)_mm512_maskz_compress_ps(alive, (__m512)g[c]));
    store(to.at + end, (vi32)_mm512_maskz_compress_epi32(alive, (__m512i)(bits(at[c]) + base)));
    count += __builtin_popcount(alive);
  }
}
#endif

TFJS_INLINE void list_gradients(const WindowGradients& from, const GradientLists& to) {
  for (int64_t c = 0; c < from.columns; c++) to.count[c] = 0;
#if defined(__AVX512F__)
  const __m512i cell_at = _mm512_loadu_si512(from.cell_at);
  for (int64_t column = 0; column < from.columns; column += kLanes) {
    for (int64_t window = 0; window < from.windows; window += kLanes) {
      list_block(from, window, column, cell_at, to);
    }
  }
#else
  for (int64_t c = 0; c < from.columns; c++) {
    float* g = to.g + c * to.pitch;
    int32_t* at = to.at + c * to.pitch;
    int64_t count = 0;
    // Without branches, which data like these would mispredict.
    for (int64_t window = 0; window < from.windows; window++) {
      const int64_t place = from.order[window] * from.columns + c;
      const float value = from.g[place];
      g[count] = value;
      at[count] = from.window_at[window] + from.cell_at[from.argmax[place]];
      count += value != 0 ? 1 : 0;
    }
    to.count[c] = count;
  }
#endif
}

}  // namespace tfjs::TFJS_ISA

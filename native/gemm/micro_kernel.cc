#include "gemm/micro_kernel.h"

#if defined(__clang__)
// Clang spills accumulators around prefetches.
#define TFJS_PREFETCH(p)
#else
#define TFJS_PREFETCH(p) __builtin_prefetch(p)
#endif

namespace tfjs::TFJS_ISA {
namespace {

// Steps of the common dimension that the panel is fetched ahead.
[[maybe_unused]] constexpr int kAhead = 8;

template <int V, int R>
TFJS_INLINE void start(vf32 (&sum)[R][V], const Epilogue& e, float* const (&c)[R], int64_t column,
                       int64_t columns) {
  if (e.accumulate) {
    TFJS_UNROLL for (int r = 0; r < R; r++) {
      TFJS_UNROLL for (int v = 0; v < V; v++) {
        const int64_t left = columns - v * kLanes;
        sum[r][v] = left >= kLanes ? load(c[r] + v * kLanes) : load_first(c[r] + v * kLanes, left);
      }
    }
    return;
  }
  vf32 first[V];
  TFJS_UNROLL for (int v = 0; v < V; v++) {
    first[v] = zero();
    if (e.bias == nullptr) continue;
    const int64_t left = columns - v * kLanes;
    const float* bias = e.bias + column + v * kLanes;
    first[v] = left >= kLanes ? load(bias) : load_first(bias, left);
  }
  TFJS_UNROLL for (int r = 0; r < R; r++) { TFJS_UNROLL for (int v = 0; v < V; v++) sum[r][v] = first[v]; }
}

template <int V, int R>
TFJS_INLINE void finish(vf32 (&sum)[R][V], const Epilogue& e, float* const (&c)[R], int64_t columns) {
  if (e.clamp) {
    const vf32 low = splat(e.low), high = splat(e.high);
    TFJS_UNROLL for (int r = 0; r < R; r++) {
      TFJS_UNROLL for (int v = 0; v < V; v++) {
        // The sum second, so that NaN wins.
        sum[r][v] = low > sum[r][v] ? low : sum[r][v];
        sum[r][v] = high < sum[r][v] ? high : sum[r][v];
      }
    }
  }
  if (columns == V * kLanes) {
    TFJS_UNROLL for (int r = 0; r < R; r++) {
      TFJS_UNROLL for (int v = 0; v < V; v++) store(c[r] + v * kLanes, sum[r][v]);
    }
    return;
  }
  TFJS_UNROLL for (int r = 0; r < R; r++) {
    TFJS_UNROLL for (int v = 0; v < V - 1; v++) store(c[r] + v * kLanes, sum[r][v]);
    store_first(c[r] + (V - 1) * kLanes, sum[r][V - 1], columns - (V - 1) * kLanes);
  }
}

template <int V, int R>
TFJS_INLINE void row_step(vf32 (&sum)[R][V], const float* const (&row)[R], int64_t k, const float* panel) {
  vf32 b[V];
  TFJS_UNROLL for (int v = 0; v < V; v++) {
    b[v] = load(panel + v * kLanes);
    TFJS_PREFETCH(panel + (kAhead * V + v) * kLanes);
  }
  TFJS_UNROLL for (int r = 0; r < R; r++) {
    const vf32 a = splat(row[r][k]);
    TFJS_UNROLL for (int v = 0; v < V; v++) sum[r][v] = fma(a, b[v], sum[r][v]);
  }
}

template <int V, int R>
TFJS_FULL_REGISTERS void rows_kernel(const RowsTile& tile) {
  float* c[R];
  for (int r = 0; r < R; r++) c[r] = tile.c[r] + tile.column;
  vf32 sum[R][V];
  start<V, R>(sum, *tile.epilogue, c, tile.column, tile.columns);
  const float* const* a = tile.a;
  const float* panel = tile.panel;
  const int64_t depth = tile.depth;
  for (int64_t taps = tile.taps; taps > 0; taps--, a += R) {
    const float* row[R];
    TFJS_UNROLL for (int r = 0; r < R; r++) row[r] = a[r];
    int64_t k = 0;
    for (; k + 2 <= depth; k += 2, panel += 2 * V * kLanes) {
      row_step<V, R>(sum, row, k, panel);
      row_step<V, R>(sum, row, k + 1, panel + V * kLanes);
    }
    if (k < depth) {
      row_step<V, R>(sum, row, k, panel);
      panel += V * kLanes;
    }
  }
  finish<V, R>(sum, *tile.epilogue, c, tile.columns);
}

template <int V, int R>
TFJS_FULL_REGISTERS void columns_kernel(const ColumnsTile& tile) {
  float* c[R];
  for (int r = 0; r < R; r++) c[r] = tile.c + r * tile.ldc + tile.column;
  vf32 sum[R][V];
  start<V, R>(sum, *tile.epilogue, c, tile.column, tile.columns);
  const int64_t lda = tile.lda, ldb = tile.ldb;
  for (int64_t s = 0; s < tile.segment_count; s++) {
    const Segment& segment = tile.segments[s];
    const float* row[R];
    TFJS_UNROLL for (int r = 0; r < R; r++) row[r] = segment.a + tile.offsets[r];
    const float* b = segment.b;
    int64_t at = 0;
    for (int64_t left = segment.count; left > 0; left--, at += lda, b += ldb) {
      vf32 right[V];
      TFJS_UNROLL for (int v = 0; v < V; v++) right[v] = load(b + v * kLanes);
      TFJS_UNROLL for (int r = 0; r < R; r++) {
        const vf32 a = splat(row[r][at]);
        TFJS_UNROLL for (int v = 0; v < V; v++) sum[r][v] = fma(a, right[v], sum[r][v]);
      }
    }
  }
  finish<V, R>(sum, *tile.epilogue, c, tile.columns);
}

template <int V, int R>
constexpr RowsKernel rows_entry() {
  if constexpr (R <= (V == 1 ? kMaxTileRows : kTileRows)) return rows_kernel<V, R>;
  return nullptr;
}
template <int V, int R>
constexpr ColumnsKernel columns_entry() {
  if constexpr (R <= (V == 1 ? kMaxTileRows : kTileRows)) return columns_kernel<V, R>;
  return nullptr;
}

}  // namespace

#define TFJS_ENTRIES(entry, V)                                                                         \
  {                                                                                                    \
    nullptr, entry<V, 1>(), entry<V, 2>(), entry<V, 3>(), entry<V, 4>(), entry<V, 5>(), entry<V, 6>(), \
        entry<V, 7>(), entry<V, 8>(), entry<V, 9>(), entry<V, 10>(), entry<V, 11>(), entry<V, 12>()    \
  }
const RowsKernel kRowsKernels[2][kMaxTileRows + 1] = {TFJS_ENTRIES(rows_entry, 1),
                                                      TFJS_ENTRIES(rows_entry, 2)};
const ColumnsKernel kColumnsKernels[2][kMaxTileRows + 1] = {TFJS_ENTRIES(columns_entry, 1),
                                                            TFJS_ENTRIES(columns_entry, 2)};

}  // namespace tfjs::TFJS_ISA

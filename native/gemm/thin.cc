#include "gemm/thin.h"

#include "core/scratch.h"
#include "gemm/columns.h"
#include "parallel/parallel.h"
#include "simd/transpose.h"

namespace tfjs::TFJS_ISA {
namespace {

// Rows or columns that count as thin.
constexpr int64_t kThin = 4;
// Sums of this many terms count as short.
constexpr int64_t kShortSum = 64;

template <class T>
TFJS_INLINE T clamped(T x, T low, T high) {
  x = low > x ? low : x;
  return high < x ? high : x;
}

// Few rows of the result from rows of b: c[r * ldc + j] = sum of x[r * ldx + i] * b[i * ldb + j].
struct RowProduct {
  int64_t rows, n, k;
  const float* x;
  int64_t ldx;
  const float* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
  Epilogue epilogue;
  int64_t bias_step;  // 0: one value for all
};

// R rows, V vectors of columns. Independent sums hide the latency of addition where R times V alone do not.
template <int R, int V, bool kMasked>
void row_block(const RowProduct& p, const int64_t* at) {
  constexpr int kSums = R * V, kChains = kSums > 4 ? 1 : kSums > 2 ? 2 : kSums > 1 ? 4 : 8;
  const int64_t lanes = kMasked ? p.n : kLanes;
  vf32 sum[kChains][R][V];
  TFJS_UNROLL for (int s = 0; s < kChains; s++) {
    TFJS_UNROLL for (int r = 0; r < R; r++) { TFJS_UNROLL for (int v = 0; v < V; v++) sum[s][r][v] = zero(); }
  }
  const auto add = [&](int64_t i, vf32(*to)[V]) __attribute__((always_inline)) {
    const float* row = p.b + i * p.ldb;
    vf32 right[V];
    TFJS_UNROLL for (int v = 0; v < V; v++) {
      right[v] = kMasked ? load_first(row + at[v], lanes) : load(row + at[v]);
    }
    TFJS_UNROLL for (int r = 0; r < R; r++) {
      const vf32 x = splat(p.x[r * p.ldx + i]);
      TFJS_UNROLL for (int v = 0; v < V; v++) to[r][v] = fma(x, right[v], to[r][v]);
    }
  };
  int64_t i = 0;
  for (; i + kChains <= p.k; i += kChains) {
    TFJS_UNROLL for (int s = 0; s < kChains; s++) add(i + s, sum[s]);
  }
  for (; i < p.k; i++) add(i, sum[0]);
  const Epilogue& e = p.epilogue;
  TFJS_UNROLL for (int r = 0; r < R; r++) {
    TFJS_UNROLL for (int v = 0; v < V; v++) {
      vf32 y = sum[0][r][v];
      TFJS_UNROLL for (int s = 1; s < kChains; s++) y += sum[s][r][v];
      if (e.bias != nullptr) {
        y += p.bias_step == 0 ? splat(e.bias[0])
             : kMasked        ? load_first(e.bias + at[v], lanes)
                              : load(e.bias + at[v]);
      }
      if (e.clamp) y = clamped(y, splat(e.low), splat(e.high));
      float* to = p.c + r * p.ldc + at[v];
      if (kMasked)
        store_first(to, y, lanes);
      else
        store(to, y);
    }
  }
}

template <int R>
void row_product_of(const RowProduct& p) {
  if (p.n < kLanes) {
    const int64_t at = 0;
    return row_block<R, 1, true>(p, &at);
  }
  constexpr int64_t kWide = R == 1 ? 8 : kRegisters / (2 * R) < 4 ? kRegisters / (2 * R) : 4;
  const ColumnBlocks<kWide> blocks{p.n};
  const double nanoseconds = 0.03 * static_cast<double>(p.k * kWide * kLanes);
  parallel_for(blocks.count, nanoseconds, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      int64_t at[kWide];
      const int64_t count = blocks.place(block, at);
      if constexpr (R == 1) {
        constexpr void (*kBlocks[kWide])(const RowProduct&, const int64_t*) = {
            row_block<1, 1, false>, row_block<1, 2, false>, row_block<1, 3, false>, row_block<1, 4, false>,
            row_block<1, 5, false>, row_block<1, 6, false>, row_block<1, 7, false>, row_block<1, 8, false>};
        kBlocks[count - 1](p, at);
      } else if (count == kWide) {
        row_block<R, kWide, false>(p, at);
      } else {
        for (int64_t v = 0; v < count; v++) row_block<R, 1, false>(p, at + v);
      }
    }
  });
}

void row_product(const RowProduct& p) {
  switch (p.rows) {
    case 1:
      return row_product_of<1>(p);
    case 2:
      return row_product_of<2>(p);
    case 3:
      return row_product_of<3>(p);
    default:
      row_product_of<4>(p);
  }
}

// Scalar products of few rows x with many rows y: c[p * x_step + q * y_step] = x_p . y_q.
struct DotProducts {
  int64_t x_rows, y_rows, k;
  const float* x;
  int64_t ldx;
  const float* y;
  int64_t ldy;
  float* c;
  int64_t x_step, y_step;
  Epilogue epilogue;
  int64_t bias_x_step, bias_y_step;
};

template <int P, int Q>
TFJS_INLINE void dot_block(const DotProducts& d, int64_t q0) {
  vf32 sum[P][Q];
  TFJS_UNROLL for (int p = 0; p < P; p++) { TFJS_UNROLL for (int q = 0; q < Q; q++) sum[p][q] = zero(); }
  const float* y = d.y + q0 * d.ldy;
  int64_t i = 0;
  for (; i + kLanes <= d.k; i += kLanes) {
    vf32 x[P];
    TFJS_UNROLL for (int p = 0; p < P; p++) x[p] = load(d.x + p * d.ldx + i);
    TFJS_UNROLL for (int q = 0; q < Q; q++) {
      const vf32 right = load(y + q * d.ldy + i);
      TFJS_UNROLL for (int p = 0; p < P; p++) sum[p][q] = fma(x[p], right, sum[p][q]);
    }
  }
  if (const int64_t left = d.k - i; left > 0) {
    vf32 x[P];
    TFJS_UNROLL for (int p = 0; p < P; p++) x[p] = load_first(d.x + p * d.ldx + i, left);
    TFJS_UNROLL for (int q = 0; q < Q; q++) {
      const vf32 right = load_first(y + q * d.ldy + i, left);
      TFJS_UNROLL for (int p = 0; p < P; p++) sum[p][q] = fma(x[p], right, sum[p][q]);
    }
  }
  const Epilogue& e = d.epilogue;
  TFJS_UNROLL for (int p = 0; p < P; p++) {
    TFJS_UNROLL for (int q = 0; q < Q; q++) {
      float value = sum_lanes(sum[p][q]);
      if (e.bias != nullptr) value += e.bias[p * d.bias_x_step + (q0 + q) * d.bias_y_step];
      if (e.clamp) value = clamped(value, e.low, e.high);
      d.c[p * d.x_step + (q0 + q) * d.y_step] = value;
    }
  }
}

template <int P>
void dot_products_of(const DotProducts& d) {
  // With one row of x, twice as many rows of y at a time fill the pipelines.
  constexpr int kGroup = P == 1 ? 8 : 4;
  const double nanoseconds = 2 + 0.1 * P * static_cast<double>(d.k) / kLanes;
  parallel_for((d.y_rows + kGroup - 1) / kGroup, kGroup * nanoseconds, [&](int64_t begin, int64_t end) {
    int64_t q = begin * kGroup;
    const int64_t q_end = smaller(end * kGroup, d.y_rows);
    for (; q + kGroup <= q_end; q += kGroup) dot_block<P, kGroup>(d, q);
    for (; q < q_end; q++) dot_block<P, 1>(d, q);
  });
}

void dot_products(const DotProducts& d) {
  switch (d.x_rows) {
    case 1:
      return dot_products_of<1>(d);
    case 2:
      return dot_products_of<2>(d);
    case 3:
      return dot_products_of<3>(d);
    default:
      dot_products_of<4>(d);
  }
}

// The few columns of a k by n matrix as rows.
const float* columns_as_rows(Scratch& scratch, const float* from, int64_t ld, int64_t k, int64_t n) {
  float* rows = scratch.get<float>(k * n);
  for (int64_t j = 0; j < n; j++) {
    for (int64_t i = 0; i < k; i++) rows[j * k + i] = from[i * ld + j];
  }
  return rows;
}

// Few columns, and a transposed a whose rows are long: vectors run along those, full where the columns would
// fill a part, and the result is transposed. Leaves the rows from the last whole panel on.
int64_t transposed_columns(const Gemm& g) {
  const int64_t panels = g.m / kPanel;
  // Row j of op(b) transposed starts at offset[j].
  int64_t offset[kMaxTileRows];
  for (int64_t j = 0; j < g.n; j++) offset[j] = j * (g.transpose_b ? g.ldb : 1);
  const int64_t tiles = (g.n + kTileRows - 1) / kTileRows;
  const double nanoseconds =
      40 + gemm_nanoseconds(kPanel, static_cast<double>(g.n), static_cast<double>(g.k));
  parallel_for(panels, nanoseconds, [&](int64_t begin, int64_t end) {
    // Whole vectors of rows, for the transposition.
    alignas(64) float sums[(kMaxTileRows + kLanes - 1) / kLanes * kLanes * kPanel];
    for (int64_t panel = begin; panel < end; panel++) {
      const int64_t row = panel * kPanel;
      const Segment segment{g.b, g.a + row, g.k};
      for (int64_t tile = 0; tile < tiles; tile++) {
        const int64_t j = g.n * tile / tiles, j_end = g.n * (tile + 1) / tiles;
        multiply_columns(static_cast<int>(j_end - j),
                         {offset + j, &segment, 1, g.transpose_b ? 1 : g.ldb, g.lda, sums + j * kPanel,
                          kPanel, 0, kPanel, &g.epilogue});
      }
      for (int64_t i = 0; i < kPanel; i += kLanes) {
        for (int64_t j = 0; j < g.n; j += kLanes) {
          transpose_tile(sums + j * kPanel + i, kPanel, g.c + (row + i) * g.ldc + j, g.ldc,
                         smaller(g.n - j, kLanes), kLanes);
        }
      }
    }
  });
  return panels * kPanel;
}

}  // namespace

bool thin_gemm(const Gemm& g) {
  Scratch scratch;
  // A transposed vector lies like a vector where it has no gaps.
  const bool transpose_a = g.transpose_a && !(g.m == 1 && g.lda == 1);
  if (g.m == 1 && !transpose_a && !g.transpose_b) {
    row_product({1, g.n, g.k, g.a, 0, g.b, g.ldb, g.c, 0, g.epilogue, 1});
    return true;
  }
  if (g.n == 1 && g.ldc == 1 && transpose_a && (g.transpose_b || g.ldb == 1)) {
    row_product({1, g.m, g.k, g.b, 0, g.a, g.lda, g.c, 0, g.epilogue, 0});
    return true;
  }
  // Few rows and a short sum: packing b would cost more than the product.
  if (g.m <= kThin && g.k <= kShortSum && !transpose_a && !g.transpose_b) {
    row_product({g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, g.c, g.ldc, g.epilogue, 1});
    return true;
  }
  const bool plain = g.epilogue.bias == nullptr && !g.epilogue.clamp;
  if (transpose_a && plain && g.n > 1 && g.n <= kMaxTileRows && g.n < kPanel && g.m >= 4 * kPanel) {
    Gemm rest = g;
    const int64_t done = transposed_columns(g);
    rest.m -= done;
    rest.a += done;
    rest.c += done * g.ldc;
    gemm(rest);
    return true;
  }
  // Below this the sums across lanes outweigh the products.
  if (g.k < 4 * kLanes && g.m > 1 && g.n > 1) return false;
  if (g.m <= kThin && g.transpose_b) {
    const float* a = transpose_a ? columns_as_rows(scratch, g.a, g.lda, g.k, g.m) : g.a;
    dot_products({g.m, g.n, g.k, a, transpose_a ? g.k : g.lda, g.b, g.ldb, g.c, g.ldc, 1, g.epilogue, 0, 1});
    return true;
  }
  if (g.n <= kThin && !transpose_a) {
    const float* b = g.transpose_b ? g.b : columns_as_rows(scratch, g.b, g.ldb, g.k, g.n);
    dot_products(
        {g.n, g.m, g.k, b, g.transpose_b ? g.ldb : g.k, g.a, g.lda, g.c, 1, g.ldc, g.epilogue, 1, 0});
    return true;
  }
  return false;
}

}  // namespace tfjs::TFJS_ISA

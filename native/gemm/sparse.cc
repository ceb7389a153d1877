#include "gemm/sparse.h"

#include "gemm/columns.h"

namespace tfjs::TFJS_ISA {
namespace {

// Steps of the common dimension at a time, a bit of a word each, so that their rows of b stay in the
// first-level cache. A multiple of the lanes.
constexpr int64_t kDepth = 64;
// Vectors of columns at a time, at most.
constexpr int64_t kWide = 8;

// Which of the first `depth` elements are not zero.
TFJS_INLINE uint64_t nonzeros(const float* a, int64_t depth) {
  uint64_t bits = 0;
  for (int64_t i = 0; i < depth; i += kLanes) {
    const int64_t left = depth - i;
    bits |= uint64_t{nonzero_lanes(left >= kLanes ? load(a + i) : load_first(a + i, left))} << i;
  }
  return bits;
}

// Rows of c by V vectors of columns, which begin at `column`.
template <int V>
void row_block(const SparseProduct& p, int64_t k, int64_t depth, const int64_t* column) {
  const float* b[V];
  TFJS_UNROLL for (int v = 0; v < V; v++) b[v] = p.b + k * p.ldb + column[v];
  for (int64_t r = 0; r < p.m; r++) {
    const float* a = p.a + r * p.lda + k;
    float* c = p.c + r * p.ldc;
    uint64_t bits = nonzeros(a, depth);
    if (bits == 0 && k > 0) continue;
    vf32 sum[V];
    TFJS_UNROLL for (int v = 0; v < V; v++) sum[v] = k > 0 ? load(c + column[v]) : zero();
    for (; bits != 0; bits &= bits - 1) {
      const int64_t i = lowest_bit(bits);
      const vf32 x = splat(a[i]);
      const int64_t at = i * p.ldb;
      TFJS_UNROLL for (int v = 0; v < V; v++) sum[v] = fma(x, load(b[v] + at), sum[v]);
    }
    TFJS_UNROLL for (int v = 0; v < V; v++) store(c + column[v], sum[v]);
  }
}

}  // namespace

void multiply_sparse(const SparseProduct& p) {
  constexpr void (*kBlocks[kWide])(const SparseProduct&, int64_t, int64_t, const int64_t*) = {
      row_block<1>, row_block<2>, row_block<3>, row_block<4>,
      row_block<5>, row_block<6>, row_block<7>, row_block<8>};
  const ColumnBlocks<kWide> blocks{p.n};
  const int64_t parts = p.k > kDepth ? (p.k + kDepth - 1) / kDepth : 1;
  for (int64_t part = 0; part < parts; part++) {
    const int64_t k = p.k * part / parts, depth = p.k * (part + 1) / parts - k;
    for (int64_t block = 0; block < blocks.count; block++) {
      int64_t column[kWide];
      const int64_t count = blocks.place(block, column);
      kBlocks[count - 1](p, k, depth, column);
    }
  }
}

}  // namespace tfjs::TFJS_ISA

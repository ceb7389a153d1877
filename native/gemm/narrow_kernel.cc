#include "gemm/narrow_kernel.h"

#include "simd/transpose.h"

namespace tfjs::TFJS_ISA {
namespace {

// totals[i] = the sum of the lanes of vector i, for as many vectors as a vector has lanes.
TFJS_INLINE void sum_lanes_of(const float* vectors, float* totals) {
  alignas(64) float turned[kLanes * kLanes];
  transpose_tile(vectors, kLanes, turned, kLanes, kLanes, kLanes);
  vf32 part[kLanes];
  TFJS_UNROLL for (int i = 0; i < kLanes; i++) part[i] = load(turned + i * kLanes);
  TFJS_UNROLL for (int width = kLanes / 2; width > 0; width /= 2) {
    TFJS_UNROLL for (int i = 0; i < width; i++) part[i] += part[i + width];
  }
  store(totals, part[0]);
}

template <int R, int N>
TFJS_FULL_REGISTERS void narrow_kernel(const NarrowTile& tile) {
  vf32 sum[R][N];
  TFJS_UNROLL for (int r = 0; r < R; r++) { TFJS_UNROLL for (int j = 0; j < N; j++) sum[r][j] = zero(); }
  const float* const* a = tile.a;
  const float* b = tile.b;
  for (int64_t taps = tile.taps; taps > 0; taps--, a += R) {
    int64_t k = 0;
    for (; k + kLanes <= tile.depth; k += kLanes, b += N * kLanes) {
      TFJS_UNROLL for (int r = 0; r < R; r++) {
        const vf32 x = load(a[r] + k);
        TFJS_UNROLL for (int j = 0; j < N; j++) sum[r][j] = fma(x, load(b + j * kLanes), sum[r][j]);
      }
    }
    if (k == tile.depth) continue;
    TFJS_UNROLL for (int r = 0; r < R; r++) {
      const vf32 x = load_first(a[r] + k, tile.depth - k);
      TFJS_UNROLL for (int j = 0; j < N; j++) sum[r][j] = fma(x, load(b + j * kLanes), sum[r][j]);
    }
    b += N * kLanes;
  }

  constexpr int kGroups = (R * N + kLanes - 1) / kLanes;
  alignas(64) float vectors[kGroups * kLanes * kLanes], totals[kGroups * kLanes];
  TFJS_UNROLL for (int r = 0; r < R; r++) {
    TFJS_UNROLL for (int j = 0; j < N; j++) store(vectors + (r * N + j) * kLanes, sum[r][j]);
  }
  for (int i = R * N; i < kGroups * kLanes; i++) store(vectors + i * kLanes, zero());
  for (int group = 0; group < kGroups; group++) {
    sum_lanes_of(vectors + group * kLanes * kLanes, totals + group * kLanes);
  }
  const Epilogue& e = *tile.epilogue;
  for (int r = 0; r < R; r++) {
    for (int j = 0; j < N; j++) {
      float y = totals[r * N + j];
      if (e.accumulate) {
        y += tile.c[r][j];
      } else if (e.bias != nullptr) {
        y += e.bias[j];
      }
      if (e.clamp) {
        y = e.low > y ? e.low : y;
        y = e.high < y ? e.high : y;
      }
      tile.c[r][j] = y;
    }
  }
}

}  // namespace

void multiply_narrow(const NarrowTile& tile) {
  switch (tile.columns) {
    case 1:
      return narrow_kernel<kMaxTileRows, 1>(tile);
    case 2:
      return narrow_kernel<kTileRows, 2>(tile);
    case 3:
      return narrow_kernel<kTileRows * 2 / 3, 3>(tile);
    default:
      return narrow_kernel<kTileRows / 2, 4>(tile);
  }
}

}  // namespace tfjs::TFJS_ISA

// Transposing tiles of four-byte elements in registers.
#pragma once
#include <utility>

#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace transposition {

// One half of exchanging the off-diagonal blocks of kWidth lanes between two rows that are kWidth apart.
template <int kWidth, bool kUpper, int... kLane>
TFJS_INLINE vf32 exchanged(vf32 a, vf32 b, std::integer_sequence<int, kLane...>) {
  return __builtin_shufflevector(a, b,
                                 (kUpper ? ((kLane & kWidth) ? kLanes + kLane : kLane + kWidth)
                                         : ((kLane & kWidth) ? kLanes + kLane - kWidth : kLane))...);
}

template <int kWidth>
TFJS_INLINE void exchange(vf32* row) {
  constexpr std::make_integer_sequence<int, kLanes> lanes{};
  TFJS_UNROLL for (int i = 0; i < kLanes; i++) {
    if ((i & kWidth) != 0) continue;
    const vf32 a = row[i], b = row[i + kWidth];
    row[i] = exchanged<kWidth, false>(a, b, lanes);
    row[i + kWidth] = exchanged<kWidth, true>(a, b, lanes);
  }
  if constexpr (kWidth > 1) exchange<kWidth / 2>(row);
}

}  // namespace transposition

// to[j * to_stride + i] = from[i * from_stride + j] for i < rows and j < columns, both at most kLanes.
// Values pass as bits, so int32 may travel as float.
TFJS_INLINE void transpose_tile(const float* from, int64_t from_stride, float* to, int64_t to_stride,
                                int64_t rows, int64_t columns) {
  if (rows == kLanes && columns == kLanes) {
    vf32 row[kLanes];
    TFJS_UNROLL for (int i = 0; i < kLanes; i++) row[i] = load(from + i * from_stride);
    transposition::exchange<kLanes / 2>(row);
    TFJS_UNROLL for (int j = 0; j < kLanes; j++) store(to + j * to_stride, row[j]);
  } else if constexpr (kLanes == 4) {
    // Without masked loads element by element is as fast.
    for (int64_t j = 0; j < columns; j++) {
      for (int64_t i = 0; i < rows; i++) std::memcpy(to + j * to_stride + i, from + i * from_stride + j, 4);
    }
  } else {
    vf32 row[kLanes];
    TFJS_UNROLL for (int i = 0; i < kLanes; i++) {
      row[i] = zero();
      if (i < rows) row[i] = load_first(from + i * from_stride, columns);
    }
    transposition::exchange<kLanes / 2>(row);
    TFJS_UNROLL for (int j = 0; j < kLanes; j++) {
      if (j < columns) store_first(to + j * to_stride, row[j], rows);
    }
  }
}

}  // namespace tfjs::TFJS_ISA

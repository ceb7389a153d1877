// Walks and sums along the last dimension: a row is a few whole vectors and the first lanes of one more.
#pragma once
#include <utility>

#include "simd/simd.h"

namespace tfjs::TFJS_ISA {

alignas(64) constexpr int32_t kLaneIndex[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// The first n lanes of `values`, the others replaced.
TFJS_INLINE vf32 first_or(vf32 values, int64_t n, float other) {
  return select(load(kLaneIndex) < splat(static_cast<int32_t>(n)), values, splat(other));
}

// The lanes in another order: lane i takes what lane i + kWidth has, round the end.
template <int kWidth, int... kLane>
TFJS_INLINE vf32 rotated(vf32 v, std::integer_sequence<int, kLane...>) {
  return __builtin_shufflevector(v, v, ((kLane + kWidth) % kLanes)...);
}

// All lanes combined, in every lane: halves, then halves of those.
template <int kWidth = kLanes / 2, class Combine>
TFJS_INLINE vf32 across(vf32 v, Combine combine) {
  v = combine(v, rotated<kWidth>(v, std::make_integer_sequence<int, kLanes>{}));
  if constexpr (kWidth > 1) return across<kWidth / 2>(v, combine);
  return v;
}
TFJS_INLINE vf32 lane_sum(vf32 v) {
  return across(v, [](vf32 a, vf32 b) { return a + b; });
}

constexpr int kChains = 4;  // hides the latency of max and of additions

// How a vector of a row is reached: whole, or its first n lanes.
struct Whole {
  template <class T>
  [[gnu::always_inline]] auto get(const T* p) const {
    return load(p);
  }
  [[gnu::always_inline]] void put(float* p, vf32 v) const { store(p, v); }
};
struct First {
  int64_t n;
  template <class T>
  [[gnu::always_inline]] auto get(const T* p) const {
    return load_first(p, n);
  }
  [[gnu::always_inline]] void put(float* p, vf32 v) const { store_first(p, v, n); }
};

// visit(access, i) for the vectors of a row from element i on.
template <class Visit>
TFJS_INLINE void each_vector(int64_t n, Visit visit) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) visit(Whole{}, i);
  if (i < n) visit(First{n - i}, i);
}

// The sum over a row of term(access, i), in every lane.
template <class Term>
TFJS_INLINE vf32 row_sum(int64_t n, Term term) {
  vf32 sum[kChains];
  for (int c = 0; c < kChains; c++) sum[c] = zero();
  int64_t i = 0;
  for (; i + kChains * kLanes <= n; i += kChains * kLanes) {
    for (int c = 0; c < kChains; c++) sum[c] += term(Whole{}, i + c * kLanes);
  }
  for (; i + kLanes <= n; i += kLanes) sum[0] += term(Whole{}, i);
  if (i < n) sum[1] += first_or(term(First{n - i}, i), n - i, 0);
  return lane_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

}  // namespace tfjs::TFJS_ISA

// The transforms of Winograd's minimal filtering F(kTile x kTile, 3 x 3), in one dimension; two-dimensional
// ones apply them to columns, then to rows. With M(x) = x (x - p)… over the points p: rows of B' are the
// coefficients of M without a factor, rows of G the powers of a point over the product of its distances to
// the others, rows of A the powers of a point.
#pragma once
#include "core/winograd.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {

template <int kTile>
struct WinogradTransform;

template <>
struct WinogradTransform<4> {
  static constexpr int kEdge = 6;
  static constexpr float a = kWinogradA, b = kWinogradB, a2 = a * a, b2 = b * b;
  static constexpr float kProduct = a2 * b2, kSum = a2 + b2;
  // Over the distances to the other points.
  static constexpr float n0 = static_cast<float>(1 / (double{a2} * b2)),
                         na = static_cast<float>(1 / (2 * double{a2} * (double{a2} - b2))),
                         nb = static_cast<float>(1 / (2 * double{b2} * (double{b2} - a2)));

  // to = B' from
  [[gnu::always_inline]] static void data(const vf32 (&d)[6], vf32 (&to)[6]) {
    to[0] = fma(splat(kProduct), d[0], fma(splat(-kSum), d[2], d[4]));
    to[5] = fma(splat(kProduct), d[1], fma(splat(-kSum), d[3], d[5]));
    const vf32 even_a = fma(splat(-b2), d[2], d[4]), odd_a = fma(splat(-b2), d[1], d[3]);
    to[1] = fma(splat(a), odd_a, even_a);
    to[2] = fma(splat(-a), odd_a, even_a);
    const vf32 even_b = fma(splat(-a2), d[2], d[4]), odd_b = fma(splat(-a2), d[1], d[3]);
    to[3] = fma(splat(b), odd_b, even_b);
    to[4] = fma(splat(-b), odd_b, even_b);
  }
  // to = G from
  [[gnu::always_inline]] static void filter(const vf32 (&g)[3], vf32 (&to)[6]) {
    to[0] = splat(n0) * g[0];
    const vf32 even_a = fma(splat(na * a2), g[2], splat(na) * g[0]), odd_a = splat(na * a) * g[1];
    to[1] = even_a + odd_a;
    to[2] = even_a - odd_a;
    const vf32 even_b = fma(splat(nb * b2), g[2], splat(nb) * g[0]), odd_b = splat(nb * b) * g[1];
    to[3] = even_b + odd_b;
    to[4] = even_b - odd_b;
    to[5] = g[2];
  }
  // to = A' from
  [[gnu::always_inline]] static void result(const vf32 (&m)[6], vf32 (&to)[4]) {
    const vf32 sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    const vf32 sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    to[0] = m[0] + sum_a + sum_b;
    to[1] = fma(splat(a), difference_a, splat(b) * difference_b);
    to[2] = fma(splat(a2), sum_a, splat(b2) * sum_b);
    to[3] = fma(splat(a * a2), difference_a, fma(splat(b * b2), difference_b, m[5]));
  }
  // to = A from
  [[gnu::always_inline]] static void result_gradient(const vf32 (&y)[4], vf32 (&to)[6]) {
    to[0] = y[0];
    const vf32 even_a = fma(splat(a2), y[2], y[0]), odd_a = fma(splat(a2), y[3], y[1]);
    to[1] = fma(splat(a), odd_a, even_a);
    to[2] = fma(splat(-a), odd_a, even_a);
    const vf32 even_b = fma(splat(b2), y[2], y[0]), odd_b = fma(splat(b2), y[3], y[1]);
    to[3] = fma(splat(b), odd_b, even_b);
    to[4] = fma(splat(-b), odd_b, even_b);
    to[5] = y[3];
  }
  // to = G' from
  [[gnu::always_inline]] static void filter_gradient(const vf32 (&u)[6], vf32 (&to)[3]) {
    const vf32 sum_a = u[1] + u[2], difference_a = u[1] - u[2];
    const vf32 sum_b = u[3] + u[4], difference_b = u[3] - u[4];
    to[0] = fma(splat(n0), u[0], fma(splat(na), sum_a, splat(nb) * sum_b));
    to[1] = fma(splat(na * a), difference_a, splat(nb * b) * difference_b);
    to[2] = fma(splat(na * a2), sum_a, fma(splat(nb * b2), sum_b, u[5]));
  }
};

// For forward passes only. Points a/2, a and b with both signs, and infinity: without 0 all rows come in
// pairs.
template <>
struct WinogradTransform<5> {
  static constexpr int kEdge = 7;
  static constexpr float p[3] = {kWinogradA / 2, kWinogradA, kWinogradB};
  static constexpr float p2[3] = {p[0] * p[0], p[1] * p[1], p[2] * p[2]};
  // The others of each.
  static constexpr int q[3] = {1, 0, 0}, r[3] = {2, 2, 1};

  static constexpr float over_distances(int i) {
    const double square = p2[i];
    return static_cast<float>(1 / (2 * double{p[i]} * (square - p2[q[i]]) * (square - p2[r[i]])));
  }

  // to = B' from
  [[gnu::always_inline]] static void data(const vf32 (&d)[7], vf32 (&to)[7]) {
    TFJS_UNROLL for (int i = 0; i < 3; i++) {
      const vf32 sum = splat(-(p2[q[i]] + p2[r[i]])), product = splat(p2[q[i]] * p2[r[i]]);
      const vf32 even = fma(product, d[0], fma(sum, d[2], d[4]));
      const vf32 odd = fma(product, d[1], fma(sum, d[3], d[5]));
      to[2 * i] = fma(splat(p[i]), even, odd);
      to[2 * i + 1] = fma(splat(-p[i]), even, odd);
    }
    constexpr float kSum = p2[0] + p2[1] + p2[2], kPairs = p2[0] * p2[1] + p2[0] * p2[2] + p2[1] * p2[2];
    to[6] = fma(splat(-p2[0] * p2[1] * p2[2]), d[0], fma(splat(kPairs), d[2], fma(splat(-kSum), d[4], d[6])));
  }
  // to = G from
  [[gnu::always_inline]] static void filter(const vf32 (&g)[3], vf32 (&to)[7]) {
    TFJS_UNROLL for (int i = 0; i < 3; i++) {
      const float n = over_distances(i);
      const vf32 even = fma(splat(n * p2[i]), g[2], splat(n) * g[0]), odd = splat(n * p[i]) * g[1];
      to[2 * i] = odd + even;
      to[2 * i + 1] = odd - even;
    }
    to[6] = g[2];
  }
  // to = A' from
  [[gnu::always_inline]] static void result(const vf32 (&m)[7], vf32 (&to)[5]) {
    vf32 sum[3], difference[3];
    TFJS_UNROLL for (int i = 0; i < 3; i++) {
      sum[i] = m[2 * i] + m[2 * i + 1];
      difference[i] = splat(p[i]) * (m[2 * i] - m[2 * i + 1]);
    }
    to[0] = sum[0] + sum[1] + sum[2];
    to[1] = difference[0] + difference[1] + difference[2];
    to[2] = fma(splat(p2[0]), sum[0], fma(splat(p2[1]), sum[1], splat(p2[2]) * sum[2]));
    to[3] = fma(splat(p2[0]), difference[0], fma(splat(p2[1]), difference[1], splat(p2[2]) * difference[2]));
    to[4] = fma(splat(p2[0] * p2[0]), sum[0],
                fma(splat(p2[1] * p2[1]), sum[1], fma(splat(p2[2] * p2[2]), sum[2], m[6])));
  }
};

// Points 0, 1, -1 and infinity.
template <>
struct WinogradTransform<2> {
  static constexpr int kEdge = 4;

  [[gnu::always_inline]] static void data(const vf32 (&d)[4], vf32 (&to)[4]) {
    to[0] = d[0] - d[2];
    to[1] = d[2] + d[1];
    to[2] = d[2] - d[1];
    to[3] = d[3] - d[1];
  }
  [[gnu::always_inline]] static void filter(const vf32 (&g)[3], vf32 (&to)[4]) {
    const vf32 even = splat(0.5f) * (g[0] + g[2]), odd = splat(0.5f) * g[1];
    to[0] = g[0];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = g[2];
  }
  [[gnu::always_inline]] static void result(const vf32 (&m)[4], vf32 (&to)[2]) {
    to[0] = m[0] + m[1] + m[2];
    to[1] = m[1] - m[2] + m[3];
  }
  [[gnu::always_inline]] static void result_gradient(const vf32 (&y)[2], vf32 (&to)[4]) {
    to[0] = y[0];
    to[1] = y[0] + y[1];
    to[2] = y[0] - y[1];
    to[3] = y[1];
  }
  [[gnu::always_inline]] static void filter_gradient(const vf32 (&u)[4], vf32 (&to)[3]) {
    const vf32 sum = splat(0.5f) * (u[1] + u[2]);
    to[0] = u[0] + sum;
    to[1] = splat(0.5f) * (u[1] - u[2]);
    to[2] = sum + u[3];
  }
};

// to = one(one(from)')' : a transform along columns, then along rows.
template <int kFrom, int kTo, class F>
TFJS_INLINE void transform_square(const vf32 (&from)[kFrom][kFrom], vf32 (&to)[kTo][kTo], F one) {
  vf32 half[kTo][kFrom];
  TFJS_UNROLL for (int x = 0; x < kFrom; x++) {
    vf32 column[kFrom], result[kTo];
    TFJS_UNROLL for (int y = 0; y < kFrom; y++) column[y] = from[y][x];
    one(column, result);
    TFJS_UNROLL for (int y = 0; y < kTo; y++) half[y][x] = result[y];
  }
  TFJS_UNROLL for (int y = 0; y < kTo; y++) one(half[y], to[y]);
}

// Floats from one position of a transformed block to the next: whole cache lines, and no multiple of a page,
// whose lines would fall on the same cache sets.
TFJS_INLINE int64_t winograd_pitch(int64_t floats) {
  const int64_t lines = (floats + 15) / 16;
  return (lines % 2 == 0 ? lines + 1 : lines) * 16;
}

}  // namespace tfjs::TFJS_ISA

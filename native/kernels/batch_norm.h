// Batch normalisation of the channels of x, its last dimension: x is seen as rows of channels.
//
// Sums over the rows go block by block, in float around a mean, so that little cancels and the second look
// at a block finds it in the cache; the blocks' sums are added in double. Narrow rows are laid side by side
// until they fill vectors ("wide rows"), with constants repeated for each.
//
// Bodies of parallel loops are not inlined: of two copies, one may keep another NaN's bits than the other.
#pragma once
#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA::batch_norm {

// How many numbers of x a block has; small enough to stay in the nearest caches.
constexpr int64_t kBlock = 8192;
// How many channels a block has at most where rows are not folded.
constexpr int64_t kStrip = 128;
// Vectors that are summed at once.
constexpr int kVectors = 4;
constexpr int64_t kMostWide = kVectors * kLanes * kLanes > kStrip ? kVectors* kLanes* kLanes : kStrip;

struct Layout {
  int64_t rows, channels;
  int64_t fold;   // rows in a wide row
  int64_t width;  // of a wide row
  int64_t strip, strips;
  int64_t block_rows, blocks;

  [[gnu::always_inline]] int64_t columns(int64_t s) const {
    return s + 1 < strips ? strip : channels - s * strip;
  }
  [[gnu::always_inline]] int64_t rows_of(int64_t block) const {
    return block + 1 < blocks ? block_rows : rows - block * block_rows;
  }
};

TFJS_INLINE bool lay_out(const Tensor& x, Layout& l) {
  if (x.rank < 1 || x.dtype != DType::Float32) return false;
  l.channels = x.dims[x.rank - 1];
  l.rows = 1;
  for (int i = 0; i + 1 < x.rank; i++) l.rows *= x.dims[i];
  l.fold = 1;
  if (l.channels > 0 && l.channels < kVectors * kLanes) {
    int64_t step = kLanes;  // the fewest rows that are whole vectors
    while (step > 1 && step / 2 * l.channels % kLanes == 0) step /= 2;
    for (l.fold = step; l.fold * l.channels < kVectors * kLanes;) l.fold += step;
  }
  l.width = l.fold * l.channels;
  l.strips = l.fold > 1 ? 1 : (l.channels + kStrip - 1) / kStrip;
  // Strips of about the same size, of whole vectors.
  l.strip =
      l.strips > 1 ? ((l.channels + l.strips - 1) / l.strips + kLanes - 1) / kLanes * kLanes : l.channels;
  if (l.strips > 1) l.strips = (l.channels + l.strip - 1) / l.strip;
  const int64_t wide = l.fold * l.strip;
  l.block_rows = (wide > 0 && kBlock / wide > 1 ? kBlock / wide : 1) * l.fold;
  l.blocks = (l.rows + l.block_rows - 1) / l.block_rows;
  return true;
}

// Whether a per-channel tensor has a value for each channel.
TFJS_INLINE bool per_channel(const Tensor& t, const Layout& l) {
  return t.dtype == DType::Float32 && t.size() == l.channels;
}

// How a vector of a row is reached: whole, or its first n lanes.
struct Whole {
  [[gnu::always_inline]] vf32 get(const float* p) const { return load(p); }
  [[gnu::always_inline]] void put(float* p, vf32 v) const { store(p, v); }
};
struct First {
  int64_t n;
  [[gnu::always_inline]] vf32 get(const float* p) const { return load_first(p, n); }
  [[gnu::always_inline]] void put(float* p, vf32 v) const { store_first(p, v, n); }
};

// visit(access, at, lane, sum) adds the vector at offset `at`, which has the constants of `lane`, to sum[k].
template <int kSums, int kCount, class Access, class Visit>
TFJS_INLINE void sum_vectors(Access access, int64_t at, int64_t rows, int64_t stride, int64_t lane,
                             float (*to)[kMostWide], Visit visit) {
  vf32 sum[kCount][kSums];
  for (int v = 0; v < kCount; v++) {
    for (int k = 0; k < kSums; k++) sum[v][k] = zero();
  }
  for (int64_t r = 0; r < rows; r++, at += stride) {
    TFJS_UNROLL for (int v = 0; v < kCount; v++) visit(access, at + v * kLanes, lane + v * kLanes, sum[v]);
  }
  for (int v = 0; v < kCount; v++) {
    for (int k = 0; k < kSums; k++) store(to[k] + lane + v * kLanes, sum[v][k]);
  }
}

template <int kSums, class Visit>
TFJS_INLINE void sum_rows(int64_t at, int64_t rows, int64_t stride, int64_t width, float (*to)[kMostWide],
                          Visit visit) {
  int64_t lane = 0;
  for (; lane + kVectors * kLanes <= width; lane += kVectors * kLanes)
    sum_vectors<kSums, kVectors>(Whole{}, at + lane, rows, stride, lane, to, visit);
  for (; lane + kLanes <= width; lane += kLanes)
    sum_vectors<kSums, 1>(Whole{}, at + lane, rows, stride, lane, to, visit);
  if (lane < width) sum_vectors<kSums, 1>(First{width - lane}, at + lane, rows, stride, lane, to, visit);
}

// sums[k][c] over `rows` rows from offset `at` on, for the channels of a strip.
template <int kSums, class Visit>
TFJS_INLINE void sum_block(const Layout& l, int64_t at, int64_t rows, int64_t columns, double (*sums)[kStrip],
                           Visit visit) {
  alignas(64) float lanes[kSums][kMostWide];
  const int64_t wide = rows / l.fold, rest = rows % l.fold;
  for (int k = 0; k < kSums; k++) {
    for (int64_t c = 0; c < columns; c++) sums[k][c] = 0;
  }
  const auto add = [&](int64_t parts) {
    for (int k = 0; k < kSums; k++) {
      for (int64_t p = 0; p < parts; p++) {
        for (int64_t c = 0; c < columns; c++) sums[k][c] += static_cast<double>(lanes[k][p * columns + c]);
      }
    }
  };
  const int64_t stride = l.fold > 1 ? l.width : l.channels;
  if (wide > 0) {
    sum_rows<kSums>(at, wide, stride, l.fold * columns, lanes, visit);
    add(l.fold);
  }
  if (rest > 0) {
    sum_rows<kSums>(at + wide * l.width, 1, 0, rest * columns, lanes, visit);
    add(rest);
  }
}

// Repeats what the first row of a wide row has.
TFJS_INLINE void repeat(float* wide, int64_t columns, int64_t width) {
  for (int64_t i = columns; i < width; i++) wide[i] = wide[i - columns];
}

// Of a block the mean of each channel, and the sum of squared distances to it.
TFJS_INLINE void block_moments(const Layout& l, const float* from, int64_t begin, int64_t rows,
                               int64_t columns, double (*sums)[kStrip]) {
  alignas(64) float centre[kMostWide];
  const double count = static_cast<double>(rows);
  sum_block<1>(l, begin, rows, columns, sums,
               [=](auto access, int64_t at, int64_t, vf32* sum) { sum[0] += access.get(from + at); });
  for (int64_t c = 0; c < columns; c++) centre[c] = static_cast<float>(sums[0][c] / count);
  repeat(centre, columns, l.fold * columns);
  const float* around = centre;
  sum_block<2>(l, begin, rows, columns, sums, [=](auto access, int64_t at, int64_t lane, vf32* sum) {
    const vf32 centred = access.get(from + at) - access.get(around + lane);
    sum[0] += centred;
    sum[1] += centred * centred;
  });
  for (int64_t c = 0; c < columns; c++) {
    // What rounding the mean lost.
    const double lost = sums[0][c] / count;
    sums[1][c] -= sums[0][c] * lost;
    const double rounded = static_cast<double>(centre[c]);
    sums[0][c] = __builtin_isfinite(centre[c]) ? rounded + lost : rounded;
  }
}

// parts[block][k][channel] = what visit_block(at, rows, channel, columns, sums) puts into sums[k][…] for the
// block that begins at offset `at`, channel `channel`.
template <int kSums, class VisitBlock>
TFJS_INLINE void each_block(const Layout& l, double nanoseconds, double* parts, VisitBlock visit_block) {
  const double cost = nanoseconds * static_cast<double>(l.block_rows * l.strip) + 50;
  parallel_for(
      l.blocks * l.strips, cost, [&](int64_t from, int64_t to) __attribute__((noinline)) {
        double sums[kSums][kStrip];
        for (int64_t i = from; i < to; i++) {
          const int64_t block = i / l.strips, s = i % l.strips, channel = s * l.strip, columns = l.columns(s);
          visit_block(block * l.block_rows * l.channels + channel, l.rows_of(block), channel, columns, sums);
          for (int k = 0; k < kSums; k++) {
            double* part = parts + (block * kSums + k) * l.channels + channel;
            for (int64_t c = 0; c < columns; c++) part[c] = sums[k][c];
          }
        }
      });
}

// visit(from, to): all channels, in parts of at most kStrip.
template <class Visit>
TFJS_INLINE void each_channel(const Layout& l, Visit visit) {
  parallel_for(
      (l.channels + kStrip - 1) / kStrip,
      2.0 * static_cast<double>(l.blocks * kStrip), [&](int64_t from, int64_t to) __attribute__((noinline)) {
        for (int64_t i = from; i < to; i++) {
          const int64_t end = (i + 1) * kStrip;
          visit(i * kStrip, end < l.channels ? end : l.channels);
        }
      });
}

// total[c] = the sum of sums number k of all blocks.
template <int kSums>
TFJS_INLINE void add_blocks(const Layout& l, const double* parts, int k, int64_t from, int64_t to,
                            double* total) {
  for (int64_t c = 0; c < to - from; c++) total[c] = 0;
  for (int64_t b = 0; b < l.blocks; b++) {
    const double* part = parts + (b * kSums + k) * l.channels + from;
    for (int64_t c = 0; c < to - from; c++) total[c] += part[c];
  }
}

// Of all blocks the means and the sums of squared distances to them, from those of each: parts(b) gives a
// block's means, with the sums `apart` numbers behind, rows(b) its rows.
template <class Parts, class Rows>
TFJS_INLINE void merge_moments(int64_t blocks, int64_t channels, int64_t apart, double count, Parts parts,
                               Rows rows, double* centre, double* squares) {
  for (int64_t c = 0; c < channels; c++) centre[c] = squares[c] = 0;
  for (int64_t b = 0; b < blocks; b++) {
    const double* part = parts(b);
    const double share = rows(b) / count;
    for (int64_t c = 0; c < channels; c++) centre[c] += share * part[c];
  }
  for (int64_t b = 0; b < blocks; b++) {
    const double* part = parts(b);
    for (int64_t c = 0; c < channels; c++) {
      const double away = part[c] - centre[c];
      squares[c] += part[apart + c] + rows(b) * away * away;
    }
  }
}

// Constants by channel and their repetition in a wide row.
template <int kCount>
struct Constants {
  float* wide[kCount];

  [[gnu::always_inline]] Constants(Scratch& scratch, const Layout& l) {
    for (int k = 0; k < kCount; k++) wide[k] = scratch.get<float>(l.width);
  }
  [[gnu::always_inline]] void complete(const Layout& l) {
    for (int k = 0; k < kCount; k++) repeat(wide[k], l.channels, l.width);
  }
};

// Asks for what a pass over p that goes down comes to 8 KB later: the way from memory is longer than the
// processor looks ahead.
TFJS_INLINE void fetch_below(const float* p) { __builtin_prefetch(p - 2048); }

// visit(access, at, constants) for each vector of x. The other way round than sums go, so that it begins with
// what they left in the cache.
template <int kConstants, class Visit>
TFJS_INLINE void each_vector(const Layout& l, double nanoseconds, const Constants<kConstants>& constants,
                             Visit visit) {
  if (l.width == 0) return;
  const auto visit_row = [=](int64_t at, int64_t width) {
    const auto visit_lane = [=](auto access, int64_t lane) {
      vf32 constant[kConstants];
      TFJS_UNROLL for (int k = 0; k < kConstants; k++) constant[k] = access.get(constants.wide[k] + lane);
      visit(access, at + lane, constant);
    };
    int64_t lane = width / kLanes * kLanes;
    if (lane < width) visit_lane(First{width - lane}, lane);
    while ((lane -= kLanes) >= 0) visit_lane(Whole{}, lane);
  };
  const int64_t wide_rows = l.rows / l.fold, rest = l.rows % l.fold;
  if (rest > 0) visit_row(wide_rows * l.width, rest * l.channels);
  parallel_for(
      wide_rows,
      nanoseconds * static_cast<double>(l.width), [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        for (int64_t row = wide_rows - begin; row-- > wide_rows - end;) visit_row(row * l.width, l.width);
      });
}

TFJS_INLINE double inverse_deviation(float variance, float epsilon) {
  return 1 / __builtin_sqrt(static_cast<double>(variance) + static_cast<double>(epsilon));
}

TFJS_INLINE float value_or(const Tensor& t, int64_t i, float other) { return t.data ? t.f32()[i] : other; }

TFJS_INLINE float moving_average(float average, float value, float decay) {
  return average - (average - value) * decay;
}

// constants: mean, factor, offset
TFJS_INLINE void normalise(const Layout& l, const float* x, const Constants<3>& constants, float* y) {
  each_vector(l, 0.1, constants, [=](auto access, int64_t at, const vf32* constant) {
    access.put(y + at, fma(access.get(x + at) - constant[0], constant[1], constant[2]));
  });
}

}  // namespace tfjs::TFJS_ISA::batch_norm

// depthwise_product(): runs of outputs that lie side by side in a row are made together, in tiles whose sums
// stay in registers while the taps go by, one vector of channels after the other: so that rows of x and y
// stream, and a value of x that several outputs need is loaded once.
#include "kernels/depthwise_conv2d.h"

namespace tfjs::TFJS_ISA {
namespace {

// Outputs of a row are shared out in pieces of this many.
constexpr int64_t kPieceOutputs = 256;
// The most outputs of a tile, in a row; with them the sums and a row of taps fill the registers.
constexpr int kTileOutputs = 8;
constexpr int kStridedTileOutputs = 6;

// On a lambda.
#define TFJS_INLINED __attribute__((always_inline))

// Outputs side by side.
struct Tile {
  // For each row of taps the place in x of tap 0 of the first output; null: outside.
  const float* const* x;
  int64_t row_taps, taps;
  int64_t tap_begin, tap_end;  // for AnyTaps: the taps that all outputs have inside
  int64_t begin, end;  // for the others: the pixels under the tile that lie inside, counted from its first
  int64_t step, tap_step;  // floats from an output, or a tap, to the next in x
  // If not zero: the next rows of outputs are the first to read what lies `ahead` floats behind the last
  // `fresh_rows` rows.
  int64_t ahead, fresh_rows;
  int64_t channels;
  int64_t channel_begin, channel_end;  // those to make; whole vectors, but for the last channels
  const float* filter;
  float* y;
  int64_t y_step, y_row;  // floats from an output to the next, and to the next row where a tile has two
  int64_t y_ahead;        // floats to the next rows of outputs, if y is in no cache, or 0
  Epilogue epilogue;
};

template <class Lanes>
TFJS_INLINE vf32 first_sum(const Tile& t, const Lanes& lanes, int64_t c) {
  return t.epilogue.bias == nullptr ? zero() : lanes.get(t.epilogue.bias + c);
}

// Ends the sums of a row and stores them to y.
template <int kOutputs, class Lanes>
TFJS_INLINE void put(const Tile& t, const Lanes& lanes, vf32 (&sums)[kOutputs], float* y) {
  if (t.epilogue.clamp) {
    const vf32 low = splat(t.epilogue.low), high = splat(t.epilogue.high);
    TFJS_UNROLL
    for (int o = 0; o < kOutputs; o++) {
      // The sum second, so that NaN wins.
      sums[o] = low > sums[o] ? low : sums[o];
      sums[o] = high < sums[o] ? high : sums[o];
    }
  }
  // Else stores wait for what they overwrite.
  if (t.y_ahead != 0) {
    TFJS_UNROLL
    for (int o = 0; o < kOutputs; o++) __builtin_prefetch(y + o * t.y_step + t.y_ahead, 1);
  }
  TFJS_UNROLL
  for (int o = 0; o < kOutputs; o++) lanes.put(y + o * t.y_step, sums[o]);
}

TFJS_INLINE void fetch_ahead(const Tile& t, int64_t rows, int64_t pixels, int64_t c) {
  if (t.ahead == 0 || !begins_line(c)) return;
  for (int64_t r = rows > t.fresh_rows ? rows - t.fresh_rows : 0; r < rows; r++) {
    if (t.x[r] != nullptr) fetch_pixels(t.x[r] + t.ahead + c, pixels, t.channels);
  }
}

// Any taps: a value of x for each product.
template <int kOutputs, class Lanes>
TFJS_INLINE void any_taps(const Tile& t, const Lanes& lanes, int64_t c) {
  vf32 sums[kOutputs];
  const vf32 first = first_sum(t, lanes, c);
  TFJS_UNROLL
  for (int o = 0; o < kOutputs; o++) sums[o] = first;
  for (int64_t r = 0; r < t.row_taps; r++) {
    if (t.x[r] == nullptr) continue;
    const float* x = t.x[r] + t.tap_begin * t.tap_step + c;
    const float* filter = t.filter + (r * t.taps + t.tap_begin) * t.channels + c;
    for (int64_t tap = t.tap_begin; tap < t.tap_end; tap++, x += t.tap_step, filter += t.channels) {
      const vf32 weight = lanes.get(filter);
      TFJS_UNROLL
      for (int o = 0; o < kOutputs; o++) sums[o] = fma(lanes.get(x + o * t.step), weight, sums[o]);
    }
  }
  put(t, lanes, sums, t.y + c);
}

// Vectors of channels. The last one begins earlier where it would not be full.
template <class F>
TFJS_INLINE void each_vector(const Tile& t, F f) {
  for (int64_t c = t.channel_begin; c < t.channel_end; c += kLanes) {
    f(c <= t.channels - kLanes ? c : t.channels - kLanes);
  }
}

template <int kOutputs>
struct AnyTaps {
  static void run(const Tile& tile) {
    const Tile t = tile;  // What is stored cannot change a copy.
    if (t.channels < kLanes) return any_taps<kOutputs>(t, FirstLanes{t.channels}, 0);
    each_vector(t, [&](int64_t c) TFJS_INLINED { any_taps<kOutputs>(t, AllLanes{}, c); });
  }
};

template <int kTaps>
TFJS_INLINE bool is_outside(const Tile& t, int pixel, int pixels) {
  return (pixel < slack(kTaps) && pixel < t.begin) || (pixel >= pixels - slack(kTaps) && pixel >= t.end);
}

// kTaps taps side by side in each row, outputs kStep pixels apart: the values of x under the tile are loaded
// once for each row of taps.
template <int kOutputs, int kTaps, int kStep>
struct RowTaps {
  static void run(const Tile& tile) {
    const Tile t = tile;  // What is stored cannot change a copy.
    each_vector(t, [&](int64_t c) TFJS_INLINED {
      fetch_ahead(t, t.row_taps, kOutputs * kStep, c);
      vf32 sums[kOutputs];
      const vf32 first = first_sum(t, AllLanes{}, c);
      TFJS_UNROLL
      for (int o = 0; o < kOutputs; o++) sums[o] = first;
      for (int64_t r = 0; r < t.row_taps; r++) {
        if (t.x[r] == nullptr) continue;
        const float* x = t.x[r] + c;
        vf32 weights[kTaps];
        TFJS_UNROLL
        for (int k = 0; k < kTaps; k++) weights[k] = load(t.filter + (r * kTaps + k) * t.channels + c);
        constexpr int kPixels = (kOutputs - 1) * kStep + kTaps;
        TFJS_UNROLL
        for (int i = 0; i < kPixels; i++) {
          if (is_outside<kTaps>(t, i, kPixels)) continue;
          const vf32 value = load(x + i * t.channels);
          TFJS_UNROLL
          for (int k = 0; k < kTaps; k++) {
            const int o = (i - k) / kStep;
            if (i >= k && o * kStep == i - k && o < kOutputs) sums[o] = fma(value, weights[k], sums[o]);
          }
        }
      }
      put(t, AllLanes{}, sums, t.y + c);
    });
  }
};

// Three by three taps, two rows of outputs: a row of x serves both. For 32 registers.
template <int kOutputs>
struct TwoRows {
  static void run(const Tile& tile) {
    const Tile t = tile;  // What is stored cannot change a copy.
    each_vector(t, [&](int64_t c) TFJS_INLINED {
      fetch_ahead(t, 4, kOutputs, c);
      vf32 sums[2][kOutputs], weights[9];
      const vf32 first = first_sum(t, AllLanes{}, c);
      TFJS_UNROLL
      for (int o = 0; o < kOutputs; o++) sums[0][o] = sums[1][o] = first;
      TFJS_UNROLL
      for (int k = 0; k < 9; k++) weights[k] = load(t.filter + k * t.channels + c);
      TFJS_UNROLL
      for (int r = 0; r < 4; r++) {
        if (t.x[r] == nullptr) continue;
        const float* x = t.x[r] + c;
        TFJS_UNROLL
        for (int i = 0; i < kOutputs + 2; i++) {
          if (is_outside<3>(t, i, kOutputs + 2)) continue;
          const vf32 value = load(x + i * t.channels);
          TFJS_UNROLL
          for (int k = 0; k < 3; k++) {
            const int o = i - k;
            if (o < 0 || o >= kOutputs) continue;
            if (r < 3) sums[0][o] = fma(value, weights[r * 3 + k], sums[0][o]);
            if (r > 0) sums[1][o] = fma(value, weights[(r - 1) * 3 + k], sums[1][o]);
          }
        }
      }
      put(t, AllLanes{}, sums[0], t.y + c);
      put(t, AllLanes{}, sums[1], t.y + t.y_row + c);
    });
  }
};

template <int kOutputs>
using ThreeTaps = RowTaps<kOutputs, 3, 1>;
template <int kOutputs>
using ThreeTapsStride2 = RowTaps<kOutputs, 3, 2>;
template <int kOutputs>
using FiveTaps = RowTaps<kOutputs, 5, 1>;
template <int kOutputs>
using FiveTapsStride2 = RowTaps<kOutputs, 5, 2>;

template <template <int> class Kind, int kMost>
void run_tile(int outputs, const Tile& tile) {
  if constexpr (kMost > 1) {
    if (outputs < kMost) return run_tile<Kind, kMost - 1>(outputs, tile);
  }
  Kind<kMost>::run(tile);
}

using RunTile = void (*)(int outputs, const Tile& tile);
struct TileKind {
  RunTile run;
  int outputs;  // at most
  int slack;
};

TileKind choose_tile(const TapAxis& cols, int64_t channels) {
  if (channels >= kLanes && cols.tap_step == 1) {
    if (cols.taps == 3 && cols.step == 1) return {run_tile<ThreeTaps, kTileOutputs>, kTileOutputs, slack(3)};
    if (cols.taps == 3 && cols.step == 2)
      return {run_tile<ThreeTapsStride2, kStridedTileOutputs>, kStridedTileOutputs, slack(3)};
    if (cols.taps == 5 && cols.step == 1) return {run_tile<FiveTaps, kTileOutputs>, kTileOutputs, slack(5)};
    if (cols.taps == 5 && cols.step == 2)
      return {run_tile<FiveTapsStride2, kStridedTileOutputs>, kStridedTileOutputs, slack(5)};
  }
  return {run_tile<AnyTaps, kTileOutputs>, kTileOutputs, 0};
}

// Whether epilogue and vectors do all of the activation.
bool is_clamped(const Fusion& fusion) {
  switch (fusion.activation) {
    case Activation::Linear:
    case Activation::Relu:
    case Activation::Relu6:
      return true;
    default:
      return false;
  }
}

// What is left to do where they have not: on each output of a run.
void activate(const Fusion& fusion, float* y, int64_t outputs, int64_t step, int64_t channels) {
  if (is_clamped(fusion)) return;
  for (int64_t o = 0; o < outputs; o++, y += step) activate_tile(fusion, &y, 1, 0, channels);
}

// Makes runs of outputs; each thread has one.
class Worker {
 public:
  explicit Worker(const DepthwiseProduct& p) : p_(p) {
    int64_t taps = 0;
    for (int64_t i = 0; i < p.row_phases; i++) taps = p.rows[i].taps > taps ? p.rows[i].taps : taps;
    x_ = scratch_.get<const float*>(taps + 1);
    at_ = scratch_.get<const float*>(taps + 1);
    const int64_t pixels = p.batch * (p.rows[0].in * p.cols[0].in + p.height * p.width);
    far_ = is_far(pixels * p.channels);
  }

  // Outputs [begin, end) of each phase of columns, in a row or in two rows of image n.
  void run(int64_t n, int64_t row, int64_t rows, int64_t begin, int64_t end, int64_t channel_begin,
           int64_t channel_end) {
    tile_.channel_begin = channel_begin;
    tile_.channel_end = channel_end;
    const TapAxis& down = p_.rows[row % p_.row_phases];
    const int64_t place = down.at(row / p_.row_phases), width = p_.cols[0].in;
    for (int64_t r = 0; r < down.taps + rows - 1; r++) {
      const int64_t in = place + r * down.tap_step;
      x_[r] = in >= 0 && in < down.in ? p_.x + (n * down.in + in) * width * p_.channels : nullptr;
    }
    float* y = p_.y + (n * p_.height + row) * p_.width * p_.channels;
    for (int64_t phase = 0; phase < p_.col_phases; phase++) {
      const TapAxis& cols = p_.cols[phase];
      run_phase(down, rows, cols, p_.filter_of(down, cols), begin, end < cols.out ? end : cols.out,
                y + phase * p_.channels);
    }
  }

 private:
  void run_phase(const TapAxis& down, int64_t rows, const TapAxis& cols, const float* filter, int64_t begin,
                 int64_t end, float* y) {
    tile_.row_taps = down.taps;
    tile_.taps = cols.taps;
    tile_.step = cols.step * p_.channels;
    tile_.tap_step = cols.tap_step * p_.channels;
    tile_.fresh_rows = rows * down.step;
    tile_.ahead = far_ ? tile_.fresh_rows * cols.in * p_.channels : 0;
    tile_.channels = p_.channels;
    tile_.filter = filter;
    tile_.y_step = p_.col_phases * p_.channels;
    tile_.y_row = p_.row_phases * p_.width * p_.channels;
    tile_.y_ahead = far_ || p_.far ? rows * tile_.y_row : 0;
    tile_.epilogue = epilogue_of(p_.fusion);

    const TileKind kind = rows == 2 ? TileKind{run_tile<TwoRows, kTileOutputs>, kTileOutputs, slack(3)}
                                    : choose_tile(cols, p_.channels);
    TapAxis reach = cols;
    reach.first += kind.slack;
    reach.in += 2 * kind.slack;
    int64_t inner_begin = reach.inner_begin(), inner_end = reach.inner_end();
    inner_begin = inner_begin < begin ? begin : inner_begin;
    inner_end = inner_end < end ? inner_end : end;
    if (inner_begin >= inner_end) inner_begin = inner_end = end;
    for (int64_t o = begin; o < inner_begin; o++) run_border(down, rows, cols, o, y);
    tile_.tap_begin = 0;
    tile_.tap_end = cols.taps;
    // Tiles of equal size, or nearly so.
    const int64_t inner = inner_end - inner_begin, tiles = (inner + kind.outputs - 1) / kind.outputs;
    for (int64_t i = 0; i < tiles; i++) {
      const int64_t from = inner * i / tiles, to = inner * (i + 1) / tiles;
      place(down.taps + rows - 1, cols, inner_begin + from, 0, y);
      const int64_t first = cols.at(inner_begin + from);
      tile_.begin = -first;
      tile_.end = cols.in - first;
      kind.run(static_cast<int>(to - from), tile_);
      for (int64_t row = 0; row < rows; row++) {
        activate(p_.fusion, tile_.y + row * tile_.y_row, to - from, tile_.y_step, p_.channels);
      }
    }
    for (int64_t o = inner_end; o < end; o++) run_border(down, rows, cols, o, y);
  }

  // An output that has not all taps of a row inside.
  void run_border(const TapAxis& down, int64_t rows, const TapAxis& cols, int64_t o, float* y) {
    tile_.tap_begin = cols.tap_begin(o);
    tile_.tap_end = cols.tap_end(o);
    for (int64_t row = 0; row < rows; row++) {
      place(down.taps, cols, o, row, y);
      AnyTaps<1>::run(tile_);
      activate(p_.fusion, tile_.y, 1, 0, p_.channels);
    }
  }

  // Points the tile to output o of a row.
  void place(int64_t row_taps, const TapAxis& cols, int64_t o, int64_t row, float* y) {
    const int64_t in = cols.at(o) * p_.channels;
    for (int64_t r = 0; r < row_taps; r++) at_[r] = x_[row + r] == nullptr ? nullptr : x_[row + r] + in;
    tile_.x = at_;
    tile_.y = y + o * tile_.y_step + row * tile_.y_row;
  }

  const DepthwiseProduct& p_;
  Scratch scratch_;
  const float** x_;   // the rows of x under the rows of taps
  const float** at_;  // the same, at the tile's first output
  bool far_;
  Tile tile_;
};

}  // namespace

[[gnu::noinline]] void fetch_pixels(const float* first, int64_t pixels, int64_t channels) {
  for (int64_t i = 0; i < pixels; i++) __builtin_prefetch(first + i * channels);
  asm volatile("");  // Else calls are left out, having no effect.
}

void depthwise_product(const DepthwiseProduct& p) {
  if (p.batch == 0 || p.height == 0 || p.width == 0 || p.channels == 0) return;
  const TapAxis &rows = p.rows[0], &cols = p.cols[0];
  const bool two_rows = kRegisters == 32 && p.channels >= kLanes && p.row_phases == 1 && p.col_phases == 1 &&
                        rows.taps == 3 && rows.step == 1 && rows.tap_step == 1 && cols.taps == 3 &&
                        cols.step == 1 && cols.tap_step == 1;
  const int64_t unit_rows = two_rows ? 2 : 1;
  const int64_t units = (p.height + unit_rows - 1) / unit_rows;
  const int64_t pieces = (cols.out + kPieceOutputs - 1) / kPieceOutputs;
  // What activate() does is not to be done twice.
  const int64_t block = is_clamped(p.fusion) ? channels_at_a_time(p.channels) : p.channels;
  const double vectors =
      static_cast<double>(p.width) * static_cast<double>((p.channels + kLanes - 1) / kLanes);
  const double cost = vectors * (0.5 + 0.15 * static_cast<double>(rows.taps * cols.taps));
  parallel_for(p.batch * units * pieces, cost * static_cast<double>(unit_rows) / static_cast<double>(pieces),
               [&](int64_t begin, int64_t end) {
                 Worker worker(p);
                 for (int64_t from = begin, to; from < end; from = to) {
                   // Rows of a piece of an image.
                   to = (from / units + 1) * units;
                   to = to < end ? to : end;
                   const int64_t piece = from / units % pieces, n = from / units / pieces;
                   for (int64_t c = 0; c < p.channels; c += block) {
                     for (int64_t i = from; i < to; i++) {
                       const int64_t row = i % units * unit_rows, left = p.height - row;
                       worker.run(n, row, left < unit_rows ? left : unit_rows, cols.out * piece / pieces,
                                  cols.out * (piece + 1) / pieces, c,
                                  c + block < p.channels ? c + block : p.channels);
                     }
                   }
                 }
               });
}

}  // namespace tfjs::TFJS_ISA

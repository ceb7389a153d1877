// DepthwiseConv2dNativeBackpropFilter: the products of x and dy, summed over all pixels. Filters of three by
// three and five by five take tiles of pixels, one vector of channels after the other, so that rows of x and
// dy stream while the sums of all channels stay in the cache. Other filters keep the sums of a vector of
// channels in registers while some rows go by.
#include "kernels/depthwise_conv2d.h"
#include "simd/unfused.h"

namespace tfjs::TFJS_ISA {
namespace {

// Slices of the pixels have sums of their own, added up at the end. Their number depends on the shape alone.
constexpr int64_t kSlicePixels = 192;
constexpr int64_t kMaxSlices = 64;
// Rows of dy are shared out in pieces of this many pixels.
constexpr int64_t kPiecePixels = 256;
// Any taps: bytes of x and dy, of a vector of channels, that go by before the next vector of channels, and
// the taps of a row whose sums stay in registers meanwhile.
constexpr int64_t kBandBytes = 48 << 10;
constexpr int kGroupTaps = 4;

// Pixels of rows of dy, and what their taps reach.
struct Band {
  const float* x;       // the image
  const float* dy;      // pixel 0 of the first row
  int64_t row, rows;    // of dy
  const int64_t* from;  // from[t] … to[t]: the pixels of a row for which tap t lies inside of x
  const int64_t* to;
  int64_t begin, end;  // pixels of a row
  bool far;            // is_far()
  const DepthwiseShape* shape;
  float* sums;  // [taps, channels]
};

// Any taps: adds to the sums of kTaps taps from (row_tap, tap) on.
template <int kTaps, class Lanes>
TFJS_INLINE void add_taps(const Band& band, const Lanes& lanes, int64_t row_tap, int64_t tap, int64_t c) {
  const TapAxis &rows = band.shape->rows, &cols = band.shape->cols;
  const int64_t channels = band.shape->channels;
  const int64_t step = cols.step * channels, tap_step = cols.tap_step * channels;
  // The pixels that have all of the taps inside.
  int64_t inner_begin = band.from[tap], inner_end = band.to[tap];
  for (int k = 1; k < kTaps; k++) {
    inner_begin = inner_begin > band.from[tap + k] ? inner_begin : band.from[tap + k];
    inner_end = inner_end < band.to[tap + k] ? inner_end : band.to[tap + k];
  }
  if (inner_end < inner_begin) inner_end = inner_begin;

  float* const at = band.sums + (row_tap * cols.taps + tap) * channels + c;
  vf32 sums[kTaps];
  TFJS_UNROLL
  for (int k = 0; k < kTaps; k++) sums[k] = lanes.get(at + k * channels);
  for (int64_t row = 0; row < band.rows; row++) {
    const int64_t in = rows.at(band.row + row) + row_tap * rows.tap_step;
    if (in < 0 || in >= rows.in) continue;
    const float* dy = band.dy + row * cols.out * channels + c;
    // What the first tap of pixel 0 would read.
    const float* x = band.x + (in * cols.in + cols.first + tap * cols.tap_step) * channels + c;
    auto add_border = [&](int64_t begin, int64_t end) __attribute__((always_inline)) {
      TFJS_UNROLL
      for (int k = 0; k < kTaps; k++) {
        const int64_t from = begin > band.from[tap + k] ? begin : band.from[tap + k];
        const int64_t to = end < band.to[tap + k] ? end : band.to[tap + k];
        for (int64_t o = from; o < to; o++) {
          sums[k] = fma(lanes.get(x + o * step + k * tap_step), lanes.get(dy + o * channels), sums[k]);
        }
      }
    };
    add_border(band.begin, inner_begin);
    for (int64_t o = inner_begin; o < inner_end; o++) {
      const vf32 value = lanes.get(dy + o * channels);
      TFJS_UNROLL
      for (int k = 0; k < kTaps; k++) {
        sums[k] = fma(lanes.get(x + o * step + k * tap_step), value, sums[k]);
      }
    }
    add_border(inner_end, band.end);
  }
  TFJS_UNROLL
  for (int k = 0; k < kTaps; k++) lanes.put(at + k * channels, sums[k]);
}

template <class Lanes>
TFJS_INLINE void add_all_taps(const Band& band, const Lanes& lanes, int64_t c) {
  const int64_t taps = band.shape->cols.taps;
  for (int64_t r = 0; r < band.shape->rows.taps; r++) {
    int64_t tap = 0;
    for (; tap + kGroupTaps <= taps; tap += kGroupTaps) add_taps<kGroupTaps>(band, lanes, r, tap, c);
    for (; tap < taps; tap++) add_taps<1>(band, lanes, r, tap, c);
  }
}

// Channels from c on.
void add_any(const Band& band, int64_t c) {
  const int64_t channels = band.shape->channels;
  for (; c + kLanes <= channels; c += kLanes) add_all_taps(band, AllLanes{}, c);
  if (c < channels) add_all_taps(band, FirstLanes{channels - c}, c);
}

// Pixels side by side, in one or two rows of dy.
struct Tile {
  const float* const*
      x;  // the rows of x under the rows of taps, at the first pixel's first tap; null: outside
  const float* dy;
  int64_t row;         // floats from a row of dy to the next
  int64_t begin, end;  // the pixels of x under the tile that lie inside, counted from its first
  int64_t channels;
  // If not zero: the next rows are the first to read what lies these floats behind dy and behind the last
  // `fresh_rows` rows of x.
  int64_t dy_ahead, x_ahead, fresh_rows;
  float* sums;
};

// Adds to the sums of kRowTaps by kTaps taps, side by side, of pixels of dy that are kStep pixels of x apart:
// a value of x that several products need is loaded once. Channels [from, to), whole vectors.
template <int kRows, int kRowTaps, int kTaps, int kStep, int kPixels>
void add_tile(const Tile& tile, int64_t from, int64_t to) {
  const Tile t = tile;  // What is stored cannot change a copy.
  constexpr int kWidth = (kPixels - 1) * kStep + kTaps;
  for (int64_t c = from; c < to; c += kLanes) {
    if (t.dy_ahead != 0 && begins_line(c)) {
      for (int q = 0; q < kRows; q++) fetch_pixels(t.dy + c + q * t.row + t.dy_ahead, kPixels, t.channels);
      constexpr int64_t kXRows = kRowTaps + kRows - 1;
      for (int64_t j = kXRows > t.fresh_rows ? kXRows - t.fresh_rows : 0; j < kXRows; j++) {
        if (t.x[j] != nullptr) fetch_pixels(t.x[j] + c + t.x_ahead, kPixels * kStep, t.channels);
      }
    }
    float* at = t.sums + c;
    const float* dy = t.dy + c;
    vf32 sums[kRowTaps][kTaps], values[kRows][kPixels];
    TFJS_UNROLL
    for (int r = 0; r < kRowTaps; r++) {
      TFJS_UNROLL
      for (int k = 0; k < kTaps; k++) sums[r][k] = load(at + (r * kTaps + k) * t.channels);
    }
    TFJS_UNROLL
    for (int q = 0; q < kRows; q++) {
      TFJS_UNROLL
      for (int p = 0; p < kPixels; p++) values[q][p] = load(dy + q * t.row + p * t.channels);
    }
    TFJS_UNROLL
    for (int j = 0; j < kRowTaps + kRows - 1; j++) {
      if (t.x[j] == nullptr) continue;
      const float* x = t.x[j] + c;
      TFJS_UNROLL
      for (int i = 0; i < kWidth; i++) {
        if (i < slack(kTaps) && i < t.begin) continue;
        if (i >= kWidth - slack(kTaps) && i >= t.end) continue;
        vf32 value = load(x + i * t.channels);
        TFJS_OPAQUE(value);  // Else it is loaded for each product.
        TFJS_UNROLL
        for (int k = 0; k < kTaps; k++) {
          const int p = (i - k) / kStep;
          if (i < k || p * kStep != i - k || p >= kPixels) continue;
          TFJS_UNROLL
          for (int q = 0; q < kRows; q++) {
            const int r = j - q;
            if (r >= 0 && r < kRowTaps) sums[r][k] = fma(value, values[q][p], sums[r][k]);
          }
        }
      }
    }
    TFJS_UNROLL
    for (int r = 0; r < kRowTaps; r++) {
      TFJS_UNROLL
      for (int k = 0; k < kTaps; k++) store(at + (r * kTaps + k) * t.channels, sums[r][k]);
    }
  }
}

// A square filter of kTaps by kTaps. kRowTaps rows of taps are taken at a time: all, or one.
template <int kTaps, int kStep>
struct Square {
  static constexpr bool kMany = kRegisters == 32;
  static constexpr int kRowTaps = kTaps == 3 || kMany ? kTaps : 1;
  static constexpr int kRows = kMany && kTaps == 3 && kStep == 1 ? 2 : 1;
  static constexpr int kPixels = kRowTaps == 1 ? 8 : kTaps == 3 && kMany ? 6 : 4;

  template <int kTileRows>
  static void add_row(const Band& band, const float* const* x, const float* dy, int64_t from, int64_t to) {
    const TapAxis& cols = band.shape->cols;
    const int64_t channels = band.shape->channels;
    const float* at[kTaps + 1];
    Tile tile;
    tile.row = cols.out * channels;
    tile.channels = channels;
    tile.fresh_rows = kTileRows * band.shape->rows.step;
    tile.x_ahead = tile.fresh_rows * cols.in * channels;
    for (int64_t o = band.begin, next; o < band.end; o = next) {
      const int64_t first = cols.at(o);
      for (int j = 0; j < kTaps + kTileRows - 1; j++)
        at[j] = x[j] == nullptr ? nullptr : x[j] + first * channels;
      tile.dy = dy + o * channels;
      tile.begin = -first;
      tile.end = cols.in - first;
      for (int r = 0; r < kTaps; r += kRowTaps) {
        tile.x = at + r;
        tile.dy_ahead = band.far && r + kRowTaps == kTaps ? kTileRows * tile.row : 0;
        tile.sums = band.sums + r * kTaps * channels;
        if (o + kPixels <= band.end) {
          next = o + kPixels;
          add_tile<kTileRows, kRowTaps, kTaps, kStep, kPixels>(tile, from, to);
        } else if (o + 2 <= band.end) {
          next = o + 2;
          add_tile<kTileRows, kRowTaps, kTaps, kStep, 2>(tile, from, to);
        } else {
          next = o + 1;
          add_tile<kTileRows, kRowTaps, kTaps, kStep, 1>(tile, from, to);
        }
      }
    }
  }

  static void add(const Band& band) {
    const TapAxis &rows = band.shape->rows, &cols = band.shape->cols;
    const int64_t channels = band.shape->channels, whole = channels - channels % kLanes;
    const int64_t block = channels_at_a_time(channels);
    for (int64_t from = 0; from < whole; from += block) {
      const int64_t to = from + block < whole ? from + block : whole;
      for (int64_t row = 0, taken; row < band.rows; row += taken) {
        taken = kRows == 2 && rows.step == 1 && rows.tap_step == 1 && row + 2 <= band.rows ? 2 : 1;
        const float* x[kTaps + 1];
        for (int64_t j = 0; j < kTaps + taken - 1; j++) {
          const int64_t in = rows.at(band.row + row) + j * rows.tap_step;
          x[j] = in >= 0 && in < rows.in ? band.x + in * cols.in * channels : nullptr;
        }
        const float* dy = band.dy + row * cols.out * channels;
        if (taken == 2) {
          add_row<2>(band, x, dy, from, to);
        } else {
          add_row<1>(band, x, dy, from, to);
        }
      }
    }
    if (whole < channels) add_any(band, whole);
  }
};

using AddBand = void (*)(const Band& band);
AddBand choose_add(const DepthwiseShape& s, int64_t begin, int64_t end) {
  // Only with at most the padding of "same".
  TapAxis reach = s.cols;
  reach.first += slack(static_cast<int>(s.cols.taps));
  reach.in += 2 * slack(static_cast<int>(s.cols.taps));
  const int64_t taps = s.cols.taps, step = s.cols.step;
  if (taps == s.rows.taps && s.cols.tap_step == 1 && reach.inner_begin() <= begin &&
      end <= reach.inner_end()) {
    if (taps == 3 && step == 1) return Square<3, 1>::add;
    if (taps == 3 && step == 2) return Square<3, 2>::add;
    if (taps == 5 && step == 1) return Square<5, 1>::add;
    if (taps == 5 && step == 2) return Square<5, 2>::add;
  }
  return [](const Band& band) { add_any(band, 0); };
}

// Rows of dy of some images, in pieces, counted row after row of a piece, piece after piece, image after
// image.
struct Rows {
  const float* x;
  const float* dy;
  int64_t batch, pieces;

  int64_t count(const DepthwiseShape& s) const { return batch * pieces * s.rows.out; }
};

// Adds those numbered [begin, end) to sums.
void add_rows(const DepthwiseShape& s, const Rows& all, int64_t begin, int64_t end, float* sums) {
  // Without pixels rows have no bytes to divide by.
  if (begin == end) return;
  Scratch scratch;
  int64_t* from = scratch.get<int64_t>(s.cols.taps);
  int64_t* to = scratch.get<int64_t>(s.cols.taps);
  const bool far = is_far(all.batch * (s.in_pixels() + s.out_pixels()) * s.channels);
  const int64_t row_bytes =
      (s.rows.step * s.cols.in + s.cols.out) * kLanes * static_cast<int64_t>(sizeof(float));
  // Even, since two rows may be taken at a time.
  const int64_t band_rows = row_bytes < kBandBytes / 2 ? kBandBytes / 2 / row_bytes * 2 : 2;
  for (int64_t at = begin, next; at < end; at = next) {
    const int64_t row = at % s.rows.out, piece = at / s.rows.out % all.pieces,
                  n = at / s.rows.out / all.pieces;
    const int64_t left = end - at < s.rows.out - row ? end - at : s.rows.out - row;
    next = at + (left < band_rows ? left : band_rows);
    const int64_t first = s.cols.out * piece / all.pieces, last = s.cols.out * (piece + 1) / all.pieces;
    for (int64_t t = 0; t < s.cols.taps; t++) {
      TapAxis tap = s.cols;
      tap.first += t * tap.tap_step;
      tap.taps = 1;
      from[t] = tap.inner_begin() > first ? tap.inner_begin() : first;
      to[t] = tap.inner_end() < last ? tap.inner_end() : last;
    }
    choose_add(s, first, last)({.x = all.x + n * s.in_pixels() * s.channels,
                                .dy = all.dy + (n * s.rows.out + row) * s.cols.out * s.channels,
                                .row = row,
                                .rows = next - at,
                                .from = from,
                                .to = to,
                                .begin = first,
                                .end = last,
                                .far = far,
                                .shape = &s,
                                .sums = sums});
  }
}

// to[i] = sum over slices of sums[slice * size + i].
void add_slices(const float* sums, int64_t slices, int64_t size, float* to) {
  parallel_for((size + kLanes - 1) / kLanes, 0.5 * static_cast<double>(slices),
               [&](int64_t begin, int64_t end) {
                 for (int64_t v = begin; v < end; v++) {
                   const int64_t i = v * kLanes, left = size - i < kLanes ? size - i : kLanes;
                   vf32 sum = zero();
                   // A slice's last vector may read into the next slice, or behind the last one where memory
                   // is readable.
                   for (int64_t slice = 0; slice < slices; slice++) sum += load(sums + slice * size + i);
                   if (left == kLanes) {
                     store(to + i, sum);
                   } else {
                     store_first(to + i, sum, left);
                   }
                 }
               });
}

}  // namespace

Status DepthwiseConv2dNativeBackpropFilter(const Args& args) {
  const Tensor &x = args.inputs[0], &dy = args.inputs[1], &dw = args.outputs[0];
  DepthwiseShape s;
  if (!depthwise_shape(x, dw, dy, Conv2DParams::decode(args.params), &s)) return Status::InvalidArgument;
  const int64_t size = s.taps() * s.channels, pixels = s.batch * s.out_pixels();
  if (size == 0) return Status::Ok;

  Scratch scratch;
  const int64_t images = images_at_a_time(s);
  Rows all{x.f32(), dy.f32(), images, (s.cols.out + kPiecePixels - 1) / kPiecePixels};
  int64_t slices = pixels / kSlicePixels < kMaxSlices ? pixels / kSlicePixels : kMaxSlices;
  if (slices > all.count(s)) slices = all.count(s);
  if (slices < 1) slices = 1;
  float* repeated = s.multiplier == 1 ? nullptr : scratch.get<float>(images * s.in_pixels() * s.channels);
  float* sums = slices == 1 ? dw.f32() : scratch.get<float>(slices * size);
  std::memset(sums, 0, static_cast<size_t>(slices * size) * sizeof(float));

  for (int64_t n = 0; n < s.batch; n += images) {
    all.batch = s.batch - n < images ? s.batch - n : images;
    all.x = x.f32() + n * s.in_pixels() * s.in_channels;
    all.dy = dy.f32() + n * s.out_pixels() * s.channels;
    if (repeated != nullptr) {
      repeat_channels(all.x, all.batch * s.in_pixels(), s.in_channels, s.multiplier, repeated);
      all.x = repeated;
    }
    const int64_t count = all.count(s);
    const double vectors =
        static_cast<double>(all.batch * s.out_pixels() * ((s.channels + kLanes - 1) / kLanes));
    const double cost = vectors * (0.5 + 0.15 * static_cast<double>(s.taps()));
    parallel_for(slices, cost / static_cast<double>(slices), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        add_rows(s, all, count * i / slices, count * (i + 1) / slices, sums + i * size);
      }
    });
  }
  if (slices > 1) add_slices(sums, slices, size, dw.f32());
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

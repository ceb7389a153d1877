// DepthwiseConv2dNativeBackpropFilter: the products of x and dy, summed over all pixels. The sums of a vector
// of channels stay in registers, for all taps where they fit, while a few rows of dy go by.
#include "kernels/depthwise_conv2d.h"
#include "simd/unfused.h"

namespace tfjs::TFJS_ISA {
namespace {

// Slices of the pixels have sums of their own, added up at the end. Their number depends on the shape alone.
constexpr int64_t kSlicePixels = 192;
constexpr int64_t kMaxSlices = 64;
// Rows of dy are shared out in pieces of this many pixels.
constexpr int64_t kPiecePixels = 256;
// Bytes of x and dy, of a vector of channels, that go by before the next vector of channels.
constexpr int64_t kBandBytes = 48 << 10;
// Pixels of dy that are loaded at a time, and taps of a row where those of the whole filter have no room.
constexpr int kTilePixels = 4;
constexpr int kGroupTaps = 4;

// Pixels [begin, end) of rows of dy, and what their taps reach.
struct Band {
  const float* x;       // the image
  const float* dy;      // pixel 0 of the first row
  int64_t row, rows;    // of dy
  const int64_t* from;  // from[t] … to[t]: the pixels of a row for which tap t lies inside of x
  const int64_t* to;
  int64_t inner_begin, inner_end;  // the pixels whose taps have no more than slack() pixels outside on a side
  const DepthwiseShape* shape;
  float* sums;  // [taps, channels]
};

// Adds to the sums of kRows by kTaps taps from (row_tap, tap) on. With kStep > 0 outputs are that many pixels
// of x apart, and taps one: a value of x that several products need is loaded once.
template <int kRows, int kTaps, int kStep, class Lanes>
TFJS_INLINE void add_taps(const Band& band, const Lanes& lanes, int64_t row_tap, int64_t tap, int64_t c) {
  const TapAxis &rows = band.shape->rows, &cols = band.shape->cols;
  const int64_t channels = band.shape->channels, step = cols.step * channels,
                tap_step = cols.tap_step * channels;
  int64_t inner_begin = band.inner_begin, inner_end = band.inner_end;
  if (kStep == 0) {
    inner_begin = band.from[tap];
    inner_end = band.to[tap];
    for (int k = 1; k < kTaps; k++) {
      inner_begin = inner_begin > band.from[tap + k] ? inner_begin : band.from[tap + k];
      inner_end = inner_end < band.to[tap + k] ? inner_end : band.to[tap + k];
    }
    if (inner_end < inner_begin) inner_end = inner_begin;
  }

  float* const at = band.sums + (row_tap * cols.taps + tap) * channels + c;
  vf32 sums[kRows][kTaps];
  TFJS_UNROLL
  for (int r = 0; r < kRows; r++) {
    TFJS_UNROLL
    for (int k = 0; k < kTaps; k++) sums[r][k] = lanes.get(at + (r * cols.taps + k) * channels);
  }
  for (int64_t row = 0; row < band.rows; row++) {
    const float* dy = band.dy + row * cols.out * channels + c;
    // The rows of x at tap 0 of pixel 0, which may lie outside of it.
    const float* x[kRows];
    const int64_t place = rows.at(band.row + row) + row_tap * rows.tap_step;
    TFJS_UNROLL
    for (int r = 0; r < kRows; r++) {
      const int64_t in = place + r * rows.tap_step;
      const bool inside = in >= 0 && in < rows.in;
      x[r] = inside ? band.x + (in * cols.in + cols.first + tap * cols.tap_step) * channels + c : nullptr;
    }
    auto add_pixels = [&](auto pixels, int64_t o) __attribute__((always_inline)) {
      constexpr int kPixels = decltype(pixels)::value;
      // The pixels of x under those of dy that lie inside, counted from the first.
      [[maybe_unused]] const int64_t begin = -cols.at(o), end = cols.in + begin;
      const float* pixel = dy + o * channels;
      int64_t under = o * step;
      // Hidden from the compiler, which else keeps a pointer, in memory, for each of the loads below, and
      // loads values again for each product.
      asm("" : "+r"(pixel), "+r"(under));
      vf32 values[kPixels];
      TFJS_UNROLL
      for (int i = 0; i < kPixels; i++) values[i] = lanes.get(pixel + i * channels);
      TFJS_UNROLL
      for (int r = 0; r < kRows; r++) {
        if (x[r] == nullptr) continue;
        const float* from = x[r] + under;
        asm("" : "+r"(from));
        if constexpr (kStep > 0) {
          constexpr int kWidth = (kPixels - 1) * kStep + kTaps;
          TFJS_UNROLL
          for (int i = 0; i < kWidth; i++) {
            if (i < slack(kTaps) && i < begin) continue;
            if (i >= kWidth - slack(kTaps) && i >= end) continue;
            vf32 value = lanes.get(from + i * channels);
            TFJS_OPAQUE(value);
            TFJS_UNROLL
            for (int k = 0; k < kTaps; k++) {
              const int p = (i - k) / kStep;
              if (i >= k && p * kStep == i - k && p < kPixels) sums[r][k] = fma(value, values[p], sums[r][k]);
            }
          }
        } else {
          TFJS_UNROLL
          for (int i = 0; i < kPixels; i++) {
            TFJS_UNROLL
            for (int k = 0; k < kTaps; k++) {
              sums[r][k] = fma(lanes.get(from + i * step + k * tap_step), values[i], sums[r][k]);
            }
          }
        }
      }
    };
    auto add_border = [&](int64_t begin, int64_t end) __attribute__((always_inline)) {
      TFJS_UNROLL
      for (int k = 0; k < kTaps; k++) {
        const int64_t from = begin > band.from[tap + k] ? begin : band.from[tap + k];
        const int64_t to = end < band.to[tap + k] ? end : band.to[tap + k];
        for (int64_t o = from; o < to; o++) {
          const vf32 value = lanes.get(dy + o * channels);
          TFJS_UNROLL
          for (int r = 0; r < kRows; r++) {
            if (x[r] != nullptr)
              sums[r][k] = fma(lanes.get(x[r] + o * step + k * tap_step), value, sums[r][k]);
          }
        }
      }
    };
    add_border(0, inner_begin);
    int64_t o = inner_begin;
    for (; o + kTilePixels <= inner_end; o += kTilePixels) {
      add_pixels(std::integral_constant<int, kTilePixels>{}, o);
    }
    for (; o < inner_end; o++) add_pixels(std::integral_constant<int, 1>{}, o);
    add_border(inner_end, cols.out);
  }
  TFJS_UNROLL
  for (int r = 0; r < kRows; r++) {
    TFJS_UNROLL
    for (int k = 0; k < kTaps; k++) lanes.put(at + (r * cols.taps + k) * channels, sums[r][k]);
  }
}

template <class F>
TFJS_INLINE void each_vector(int64_t channels, F f) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) f(AllLanes{}, c);
  if (c < channels) f(FirstLanes{channels - c}, c);
}

// kTaps taps side by side in each row of the filter, as many rows at a time as registers allow.
template <int kTaps, int kStep>
void add_row_taps(const Band& band) {
  constexpr int kRows = kTaps == 3 ? 3 : kRegisters == 32 ? 5 : 2;
  const int64_t rows = band.shape->rows.taps;
  each_vector(band.shape->channels, [&](const auto& lanes, int64_t c) {
    int64_t r = 0;
    for (; r + kRows <= rows; r += kRows) add_taps<kRows, kTaps, kStep>(band, lanes, r, 0, c);
    for (; r < rows; r++) add_taps<1, kTaps, kStep>(band, lanes, r, 0, c);
  });
}

void add_any(const Band& band) {
  const TapAxis &rows = band.shape->rows, &cols = band.shape->cols;
  each_vector(band.shape->channels, [&](const auto& lanes, int64_t c) {
    for (int64_t r = 0; r < rows.taps; r++) {
      for (int64_t tap = 0; tap < cols.taps; tap += kGroupTaps) {
        switch (cols.taps - tap) {
          case 1:
            add_taps<1, 1, 0>(band, lanes, r, tap, c);
            break;
          case 2:
            add_taps<1, 2, 0>(band, lanes, r, tap, c);
            break;
          case 3:
            add_taps<1, 3, 0>(band, lanes, r, tap, c);
            break;
          default:
            add_taps<1, kGroupTaps, 0>(band, lanes, r, tap, c);
            break;
        }
      }
    }
  });
}

struct BandKind {
  void (*add)(const Band& band);
  int slack;
};
BandKind choose_kind(const TapAxis& cols) {
  if (cols.tap_step == 1) {
    if (cols.taps == 3 && cols.step == 1) return {add_row_taps<3, 1>, slack(3)};
    if (cols.taps == 3 && cols.step == 2) return {add_row_taps<3, 2>, slack(3)};
    if (cols.taps == 5 && cols.step == 1) return {add_row_taps<5, 1>, slack(5)};
    if (cols.taps == 5 && cols.step == 2) return {add_row_taps<5, 2>, slack(5)};
  }
  return {add_any, 0};
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
  const BandKind kind = choose_kind(s.cols);
  TapAxis reach = s.cols;
  reach.first += kind.slack;
  reach.in += 2 * kind.slack;
  const int64_t row_bytes =
      (s.rows.step * s.cols.in + s.cols.out) * kLanes * static_cast<int64_t>(sizeof(float));
  const int64_t band_rows = row_bytes < kBandBytes ? kBandBytes / row_bytes : 1;
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
    const int64_t inner_begin = reach.inner_begin() > first ? reach.inner_begin() : first;
    const int64_t inner_end = reach.inner_end() < last ? reach.inner_end() : last;
    kind.add({.x = all.x + n * s.in_pixels() * s.channels,
              .dy = all.dy + (n * s.rows.out + row) * s.cols.out * s.channels,
              .row = row,
              .rows = next - at,
              .from = from,
              .to = to,
              .inner_begin = inner_begin,
              .inner_end = inner_end > inner_begin ? inner_end : inner_begin,
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

// Convolutions of few input channels that are pooled by windows of 2x2: pixels are broadcast, vectors run
// over output channels, and the sums of some windows' cells stay in registers until they are pooled there.
#include "kernels/conv2d_max_pool.h"

namespace tfjs::TFJS_ISA {
namespace {

constexpr int kMostChannels = 4;
// Windows side by side whose sums are in registers, as measured.
constexpr int kWindows = kRegisters == 32 ? 2 : 1;

struct FewChannels {
  const float* x;              // with its padding written out
  int64_t row;                 // floats of a row
  int64_t filter_height, run;  // the filter: rows, and floats that one reads side by side
};

// Whether all that some windows read is zero, as it often is around a drawing. Only looked for in images of
// one channel: those of several are photographs.
template <int kChannels>
TFJS_INLINE bool is_empty(const FewChannels& p, const float* x, int64_t floats) {
  if constexpr (kChannels > 1) return false;
  vi32 found{};
  for (int64_t y = 0; y <= p.filter_height; y++, x += p.row) {
    for (int64_t i = 0; i < floats; i += kLanes) {
      found |= bits(floats - i >= kLanes ? load(x + i) : load_first(x + i, floats - i));
    }
  }
  return !any(found);
}

// W windows beside each other from x on, V vectors of columns.
template <int kChannels, int kRun, int V, int W>
TFJS_INLINE void windows(const FewChannels& p, const float* x, const float* panel, const PooledResult& result,
                         int64_t at, int64_t pitch, int64_t column, int64_t n) {
  vf32 sum[2][2 * W][V];
  TFJS_UNROLL for (int y = 0; y < 2; y++) {
    TFJS_UNROLL for (int i = 0; i < 2 * W; i++) {
      TFJS_UNROLL for (int v = 0; v < V; v++) sum[y][i][v] = zero();
    }
  }
  const int64_t filter_height =
      is_empty<kChannels>(p, x, (2 * W - 1) * kChannels + p.run) ? 0 : p.filter_height;
  for (int64_t ky = 0; ky < filter_height; ky++, x += p.row) {
    const float* below = x + p.row;
    auto step = [&](int64_t j) __attribute__((always_inline)) {
      vf32 weight[V];
      TFJS_UNROLL for (int v = 0; v < V; v++) weight[v] = load(panel + v * kLanes);
      panel += V * kLanes;
      TFJS_UNROLL for (int i = 0; i < 2 * W; i++) {
        const vf32 upper = splat(x[j + i * kChannels]), lower = splat(below[j + i * kChannels]);
        TFJS_UNROLL for (int v = 0; v < V; v++) {
          sum[0][i][v] = fma(upper, weight[v], sum[0][i][v]);
          sum[1][i][v] = fma(lower, weight[v], sum[1][i][v]);
        }
      }
    };
    if constexpr (kRun > 0) {
      TFJS_UNROLL for (int j = 0; j < kRun; j++) step(j);
    } else {
      for (int64_t j = 0; j < p.run; j++) step(j);
    }
  }
  TFJS_UNROLL for (int w = 0; w < W; w++) {
    TFJS_UNROLL for (int v = 0; v < V; v++) {
      put_largest(result, at + w * pitch + v * kLanes, column + v * kLanes, sum[0][2 * w][v],
                  sum[0][2 * w + 1][v], sum[1][2 * w][v], sum[1][2 * w + 1][v], n - v * kLanes);
    }
  }
}

// All windows of an image, the columns of a panel.
template <int kChannels, int kRun, int V>
TFJS_FULL_REGISTERS void image(const PooledConv2D& s, const FewChannels& p, const float* panel,
                               const PooledResult& to, int64_t at, int64_t column, int64_t n) {
  // A copy, which stores of bytes cannot alias.
  const PooledResult result = to;
  const int64_t pitch = s.conv.out_channels;
  for (int64_t y = 0; y < s.height; y++) {
    const float* x = p.x + 2 * y * p.row;
    int64_t i = 0;
    for (; i + kWindows <= s.width; i += kWindows, at += kWindows * pitch) {
      windows<kChannels, kRun, V, kWindows>(p, x + 2 * i * kChannels, panel, result, at, pitch, column, n);
    }
    for (; i < s.width; i++, at += pitch) {
      windows<kChannels, kRun, V, 1>(p, x + 2 * i * kChannels, panel, result, at, pitch, column, n);
    }
  }
}

template <int kChannels, int kRun>
void all_images(const PooledConv2D& s, FewChannels p, int64_t image_floats, const float* panels,
                const PooledResult& result) {
  const int64_t columns = s.conv.out_channels;
  for (int64_t i = 0; i < s.conv.batch; i++, p.x += image_floats) {
    for (int64_t column = 0; column < columns; column += kPanel) {
      const float* panel = panels + column * s.conv.depth();
      const int64_t at = i * s.image_windows() * columns + column, n = columns - column;
      if (panel_vectors(n) == 2) {
        image<kChannels, kRun, 2>(s, p, panel, result, at, column, n);
      } else {
        image<kChannels, kRun, 1>(s, p, panel, result, at, column, n);
      }
    }
  }
}

using AllImages = void (*)(const PooledConv2D&, FewChannels, int64_t, const float*, const PooledResult&);
// By channels - 1; for filters of any width and for those of 3.
constexpr AllImages kAnyWidth[kMostChannels] = {all_images<1, 0>, all_images<2, 0>, all_images<3, 0>,
                                                all_images<4, 0>};
constexpr AllImages kWidth3[kMostChannels] = {all_images<1, 3>, all_images<2, 6>, all_images<3, 9>,
                                              all_images<4, 12>};

}  // namespace

bool conv2d_max_pool_few(const PooledConv2D& s, const float* x, const float* filter,
                         const PooledResult& result) {
  const Conv2DShape& c = s.conv;
  if (c.in_channels < 1 || c.in_channels > kMostChannels || !s.halves() || !s.plain()) return false;
  const bool padded = c.padded();
  Scratch scratch;
  if (padded) x = pad_images(scratch, x, c);
  if (x == nullptr) return false;
  const int64_t height = padded ? c.reach_height() : c.in_height;
  const int64_t row = (padded ? c.reach_width() : c.in_width) * c.in_channels;
  // Padding below zero crops.
  const float* first = padded ? x : x - c.at.padTop * row - c.at.padLeft * c.in_channels;
  float* panels = scratch.get<float>(panels_size(c.depth(), c.out_channels));
  for (int64_t column = 0; column < c.out_channels; column += kPanel) {
    pack_panel(filter + column, c.out_channels, c.depth(), panel_columns(c.out_channels - column),
               panels + column * c.depth());
  }
  const AllImages run = (c.filter_width == 3 ? kWidth3 : kAnyWidth)[c.in_channels - 1];
  run(s, {first, row, c.filter_height, c.filter_width * c.in_channels}, height * row, panels, result);
  return true;
}

}  // namespace tfjs::TFJS_ISA

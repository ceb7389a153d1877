// The gradient of a pooled convolution's filter where there are few input channels: vectors run over output
// channels, the gradients of whole windows are spread over their cells by argmax, and the sums of some rows
// of the filter stay in registers while all windows of an image go by.
#include "kernels/conv2d_max_pool.h"

namespace tfjs::TFJS_ISA {
namespace {

constexpr int64_t kMostChannels = 7;
constexpr int kVectors = kRegisters == 32 ? 2 : 1;

// What one image's windows add to some rows of the filter: R rows of taps, C floats that each reads.
struct FilterPass {
  const PooledConv2D* shape;
  const float* x;  // where the first tap reads for the first window
  int64_t row;     // floats from a row of x to the next
  const float* g;
  const uint8_t* argmax;
  float* sums;        // of the first row of the filter
  int64_t sums_step;  // from a row of taps to the next
  int64_t column, n;
  bool finite;  // all of g
};

template <int R, int C, int V>
TFJS_INLINE void add_windows(const FilterPass& p) {
  const PooledConv2D& s = *p.shape;
  const Conv2DShape& c = s.conv;
  const int64_t columns = c.out_channels, channels = c.in_channels;
  const int64_t tap_row = c.at.dilationHeight * p.row, cell_row = c.at.strideHeight * p.row,
                cell_column = c.at.strideWidth * channels;
  vf32 sum[R][C][V];
  TFJS_UNROLL for (int r = 0; r < R; r++) {
    TFJS_UNROLL for (int j = 0; j < C; j++) {
      TFJS_UNROLL for (int v = 0; v < V; v++) {
        sum[r][j][v] =
            read_lanes(p.sums + r * p.sums_step + j * columns + p.column + v * kLanes, p.n - v * kLanes);
      }
    }
  }
  int64_t at = p.column;
  for (int64_t y = 0; y < s.height; y++) {
    const float* corner = p.x + y * s.step_y * cell_row;
    for (int64_t i = 0; i < s.width; i++, at += columns, corner += s.step_x * cell_column) {
      vf32 g[V];
      vi32 cell[V];
      TFJS_UNROLL for (int v = 0; v < V; v++) {
        g[v] = read_lanes(p.g + at + v * kLanes, p.n - v * kLanes);
        cell[v] = load_bytes(p.argmax + at + v * kLanes, p.n - v * kLanes);
      }
      int32_t number = 0;
      for (int64_t a = 0; a < s.window_height; a++) {
        const float* x = corner + a * cell_row;
        for (int64_t b = 0; b < s.window_width; b++, number++, x += cell_column) {
          vf32 here[V];
          TFJS_UNROLL for (int v = 0; v < V; v++) here[v] = select(cell[v] == splat(number), g[v], zero());
          TFJS_UNROLL for (int r = 0; r < R; r++) {
            TFJS_UNROLL for (int j = 0; j < C; j++) {
              const vf32 value = splat(x[r * tap_row + j]);
              TFJS_UNROLL for (int v = 0; v < V; v++) sum[r][j][v] = fma(value, here[v], sum[r][j][v]);
            }
          }
        }
      }
    }
  }
  TFJS_UNROLL for (int r = 0; r < R; r++) {
    TFJS_UNROLL for (int j = 0; j < C; j++) {
      TFJS_UNROLL for (int v = 0; v < V; v++) {
        write_lanes(p.sums + r * p.sums_step + j * columns + p.column + v * kLanes, sum[r][j][v],
                    p.n - v * kLanes);
      }
    }
  }
}

#if defined(__AVX512F__)
// Windows of 2x2 that see a patch of at most two registers: x is picked by argmax, so that a window costs one
// product for each row of the filter. Patches of 4x4 (3x3 taps of one channel) lie in one register, others
// are two rows of up to 16 floats.
template <int R, int C, int V>
TFJS_INLINE void pick_windows(const FilterPass& p) {
  constexpr bool kSquare = R == 3 && C == 3;
  static_assert(kSquare || R == 1);
  const PooledConv2D& s = *p.shape;
  const int64_t columns = s.conv.out_channels, channels = s.conv.in_channels;
  const int32_t right = static_cast<int32_t>(channels), below = kSquare ? 4 : kLanes;
  const vi32 cell_at = {0, right, below, below + right};
  const __mmask16 patch = lane_mask(right + C);
  vf32 sum[R * C][V];
  float* at_sum[R * C];
  for (int t = 0; t < R * C; t++) at_sum[t] = p.sums + t / C * p.sums_step + t % C * columns + p.column;
  TFJS_UNROLL for (int t = 0; t < R * C; t++) {
    TFJS_UNROLL for (int v = 0; v < V; v++) {
      sum[t][v] = read_lanes(at_sum[t] + v * kLanes, p.n - v * kLanes);
    }
  }
  int64_t at = p.column;
  for (int64_t y = 0; y < s.height; y++) {
    const float* x = p.x + y * s.step_y * p.row;
    for (int64_t i = 0; i < s.width; i++, at += columns, x += s.step_x * channels) {
      __m512 upper, lower;
      if constexpr (kSquare) {
        const __m256 top = _mm256_set_m128(_mm_loadu_ps(x + p.row), _mm_loadu_ps(x));
        const __m256 bottom = _mm256_set_m128(_mm_loadu_ps(x + 3 * p.row), _mm_loadu_ps(x + 2 * p.row));
        upper = _mm512_insertf32x8(_mm512_castps256_ps512(top), bottom, 1);
        // Around a drawing most patches are empty.
        if (!any(bits((vf32)upper))) continue;
      } else {
        upper = _mm512_maskz_loadu_ps(patch, x);
        lower = _mm512_maskz_loadu_ps(patch, x + p.row);
      }
      TFJS_UNROLL for (int v = 0; v < V; v++) {
        const vf32 g = read_lanes(p.g + at + v * kLanes, p.n - v * kLanes);
        const vi32 cell = load_bytes(p.argmax + at + v * kLanes, p.n - v * kLanes);
        const vi32 from = (vi32)_mm512_maskz_permutexvar_epi32(0xffff, (__m512i)cell, (__m512i)cell_at);
        TFJS_UNROLL for (int t = 0; t < R * C; t++) {
          const __m512i lane = (__m512i)(from + splat(int32_t{kSquare ? t / 3 * 4 + t % 3 : t}));
          vf32 value;
          if constexpr (kSquare) {
            value = (vf32)_mm512_maskz_permutexvar_ps(0xffff, lane, upper);
          } else {
            value = (vf32)_mm512_permutex2var_ps(upper, lane, lower);
          }
          sum[t][v] = fma(value, g, sum[t][v]);
        }
      }
    }
  }
  TFJS_UNROLL for (int t = 0; t < R * C; t++) {
    TFJS_UNROLL for (int v = 0; v < V; v++) {
      write_lanes(at_sum[t] + v * kLanes, sum[t][v], p.n - v * kLanes);
    }
  }
}

TFJS_INLINE bool can_pick(const FilterPass& p, int rows, int floats) {
  const PooledConv2D& s = *p.shape;
  return p.finite && s.window_height == 2 && s.window_width == 2 && s.plain() &&
         (rows == 3 ? s.conv.in_channels == 1 : s.conv.in_channels + floats <= kLanes);
}
#elif defined(__AVX2__)
// The same for 3x3 taps of one channel: two rows of a patch of 4x4 lie in a register.
template <int R, int C, int V>
TFJS_INLINE void pick_windows(const FilterPass& p) {
  const PooledConv2D& s = *p.shape;
  const int64_t columns = s.conv.out_channels;
  const vi32 cell_at = {0, 1, 4, 5};
  vf32 sum[R][C];
  TFJS_UNROLL for (int r = 0; r < R; r++) {
    TFJS_UNROLL for (int j = 0; j < C; j++) {
      sum[r][j] = read_lanes(p.sums + r * p.sums_step + j * columns + p.column, p.n);
    }
  }
  int64_t at = p.column;
  for (int64_t y = 0; y < s.height; y++) {
    const float* x = p.x + y * s.step_y * p.row;
    for (int64_t i = 0; i < s.width; i++, at += columns, x += s.step_x) {
      const auto two_rows = [&](int64_t r) {
        return _mm256_set_m128(_mm_loadu_ps(x + (r + 1) * p.row), _mm_loadu_ps(x + r * p.row));
      };
      if (!any(bits((vf32)_mm256_or_ps(two_rows(0), two_rows(2))))) continue;
      const vf32 g = read_lanes(p.g + at, p.n);
      const vi32 from =
          (vi32)_mm256_permutevar8x32_epi32((__m256i)cell_at, (__m256i)load_bytes(p.argmax + at, p.n));
      TFJS_UNROLL for (int r = 0; r < R; r++) {
        const __m256 rows = two_rows(r);
        TFJS_UNROLL for (int j = 0; j < C; j++) {
          const vf32 value = (vf32)_mm256_permutevar8x32_ps(rows, (__m256i)(from + splat(int32_t{j})));
          sum[r][j] = fma(value, g, sum[r][j]);
        }
      }
    }
  }
  TFJS_UNROLL for (int r = 0; r < R; r++) {
    TFJS_UNROLL for (int j = 0; j < C; j++) {
      write_lanes(p.sums + r * p.sums_step + j * columns + p.column, sum[r][j], p.n);
    }
  }
}

TFJS_INLINE bool can_pick(const FilterPass& p, int rows, int) {
  const PooledConv2D& s = *p.shape;
  return p.finite && s.window_height == 2 && s.window_width == 2 && s.plain() && rows == 3 &&
         s.conv.in_channels == 1;
}
#endif

template <int R, int C, int V>
TFJS_INLINE void add_columns(const FilterPass& p) {
#if defined(__AVX2__)
  if (can_pick(p, R, C)) return pick_windows<R, C, V>(p);
#endif
  add_windows<R, C, V>(p);
}

template <int R, int C>
TFJS_FULL_REGISTERS void all_columns(FilterPass p) {
  const int64_t columns = p.shape->conv.out_channels;
  while (p.column < columns) {
    p.n = columns - p.column;
    if (kVectors == 2 && p.n > kLanes) {
      add_columns<R, C, kVectors>(p);
      p.column += kVectors * kLanes;
    } else {
      add_columns<R, C, 1>(p);
      p.column += kLanes;
    }
  }
}

using PassKernel = void (*)(FilterPass);
// Rows of a filter by the floats that they read.
constexpr int kMostFloats = 9;
constexpr PassKernel kOneRow[kMostFloats] = {all_columns<1, 1>, all_columns<1, 2>, all_columns<1, 3>,
                                             all_columns<1, 4>, all_columns<1, 5>, all_columns<1, 6>,
                                             all_columns<1, 7>, all_columns<1, 8>, all_columns<1, 9>};

}  // namespace

bool conv2d_max_pool_grad_few(const PooledConv2D& s, const PooledGradient& to) {
  const Conv2DShape& c = s.conv;
  if (to.dx != nullptr || c.in_channels < 1 || c.in_channels > kMostChannels || s.cells() > 9) return false;
  // What is not finite must not meet the zeros of a window's other cells.
  if (!is_moderate(to.x, c.batch * c.in_height * c.in_width * c.in_channels)) return false;
  const bool padded = c.padded();
  Scratch scratch;
  const float* x = padded ? pad_images(scratch, to.x, c) : to.x;
  if (x == nullptr) return false;
  const int64_t height = padded ? c.reach_height() : c.in_height;
  const int64_t row = (padded ? c.reach_width() : c.in_width) * c.in_channels;
  // Padding below zero crops.
  if (!padded) x -= c.at.padTop * row + c.at.padLeft * c.in_channels;
  // Taps of a row read side by side, or else each its channels.
  const bool neighbours = c.at.dilationWidth == 1;
  const int64_t run = neighbours ? c.filter_width * c.in_channels : c.in_channels;
  const int64_t line = c.filter_width * c.in_channels * c.out_channels;
  const int64_t image = s.image_windows() * c.out_channels;

  float* g = scratch.get<float>(image);
  std::memset(to.dfilter, 0, static_cast<size_t>(c.filter_height * line) * sizeof(float));
  for (int64_t n = 0; n < c.batch; n++, x += height * row) {
    pooled_gradient(s, to.dy + n * image, to.y + n * image, s.image_windows(), g, to.dbias);
    // Zeros that such numbers would meet are passed over elsewhere.
    const bool finite = is_moderate(g, image);
    auto add = [&](PassKernel kernel, int64_t ky, int64_t kx, int64_t j) {
      kernel({&s, x + ky * c.at.dilationHeight * row + kx * c.at.dilationWidth * c.in_channels + j, row, g,
              to.argmax + n * image, to.dfilter + ky * line + (kx * c.in_channels + j) * c.out_channels, line,
              0, 0, finite});
    };
    if (c.filter_height == 3 && run == 3 && neighbours) {
      add(all_columns<3, 3>, 0, 0, 0);
      continue;
    }
    for (int64_t ky = 0; ky < c.filter_height; ky++) {
      for (int64_t kx = 0; kx < (neighbours ? 1 : c.filter_width); kx++) {
        for (int64_t j = 0, count; j < run; j += count) {
          count = run - j < kMostFloats ? run - j : kMostFloats;
          add(kOneRow[count - 1], ky, kx, j);
        }
      }
    }
  }
  return true;
}

}  // namespace tfjs::TFJS_ISA

// Max and average pooling of images [batch, height, width, channels], and their gradients.
#include <algorithm>

#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

// On a lambda that is called at several places.
#define TFJS_INLINED __attribute__((always_inline))

constexpr float kMinusInfinity = -__builtin_inff();

// a where it is larger, else b: also where one is NaN. One instruction on x86, which compilers do not find.
TFJS_INLINE vf32 larger_or_second(vf32 a, vf32 b) {
#if defined(__AVX512F__)
  return (vf32)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b);  // Without maskz_ gcc 12 warns.
#elif defined(__AVX2__)
  return (vf32)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__) || defined(_M_X64)
  return (vf32)_mm_max_ps((__m128)a, (__m128)b);
#else
  return a > b ? a : b;
#endif
}

// floor(a / b) for b > 0.
TFJS_INLINE int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// One axis of the image and the windows that slide over it.
struct Axis {
  int64_t length, out, window, stride, pad;

  // The input cells under window number o: [begin, end).
  [[gnu::always_inline]] int64_t begin(int64_t o) const {
    return std::min<int64_t>(std::max<int64_t>(o * stride - pad, 0), length);
  }
  [[gnu::always_inline]] int64_t end(int64_t o) const {
    return std::max<int64_t>(std::min<int64_t>(o * stride - pad + window, length), begin(o));
  }
  // The most input cells that a window may have.
  [[gnu::always_inline]] int64_t most() const { return std::min<int64_t>(window, length); }
  // The cells, of the input and of padding, from the first window's begin to the last one's end.
  [[gnu::always_inline]] int64_t reach() const { return (out - 1) * stride + window; }
  // The windows that input cell i lies under: [first, behind_last).
  [[gnu::always_inline]] int64_t first(int64_t i) const {
    return std::max<int64_t>(floor_div(i + pad - window, stride) + 1, 0);
  }
  [[gnu::always_inline]] int64_t behind_last(int64_t i) const {
    return std::min<int64_t>(floor_div(i + pad, stride) + 1, out);
  }
};

struct Geometry {
  int64_t batch, channels;
  Axis rows, cols;

  [[gnu::always_inline]] int64_t image() const { return rows.length * row(); }
  [[gnu::always_inline]] int64_t row() const { return cols.length * channels; }
  [[gnu::always_inline]] int64_t out_image() const { return rows.out * out_row(); }
  [[gnu::always_inline]] int64_t out_row() const { return cols.out * channels; }
};

// False for parameters or shapes that do not fit together.
TFJS_INLINE bool read_geometry(const Tensor& x, const Tensor& y, const double* params, Geometry& g) {
  const PoolParams p = PoolParams::decode(params);
  if (x.rank != 4 || y.rank != 4 || x.dims[0] != y.dims[0] || x.dims[3] != y.dims[3]) return false;
  if (p.windowHeight < 1 || p.windowWidth < 1 || p.strideHeight < 1 || p.strideWidth < 1) return false;
  g.batch = x.dims[0];
  g.channels = x.dims[3];
  g.rows = {x.dims[1], y.dims[1], p.windowHeight, p.strideHeight, p.padTop};
  g.cols = {x.dims[2], y.dims[2], p.windowWidth, p.strideWidth, p.padLeft};
  return true;
}

// The largest of the numbers in a window; NaN is passed over, as the JavaScript kernel does.
struct MaxPooling {
  static constexpr float kStart = kMinusInfinity;
  [[gnu::always_inline]] float combine(float so_far, float next) const {
    return next > so_far ? next : so_far;
  }
  [[gnu::always_inline]] vf32 combine(vf32 so_far, vf32 next) const { return larger_or_second(next, so_far); }
  template <class V>
  [[gnu::always_inline]] V add(V so_far, V next) const {
    return combine(so_far, next);
  }
  template <class V>
  [[gnu::always_inline]] V finish(V value, int64_t) const {
    return value;
  }
};

// The mean of the cells in a window, those of the padding not counted. Cells are scaled by a power of two
// first: that changes no digit, and a sum of huge numbers cannot overflow.
struct AvgPooling {
  static constexpr float kStart = 0;
  float scale;

  explicit AvgPooling(int64_t cells) : scale(1) {
    for (int64_t n = 1; n < cells; n *= 2) scale /= 2;
  }
  template <class V>
  [[gnu::always_inline]] V combine(V so_far, V next) const {
    return so_far + next;
  }
  template <class V>
  [[gnu::always_inline]] V add(V so_far, V next) const {
    return so_far + next * scale;
  }
  template <class V>
  [[gnu::always_inline]] V finish(V value, int64_t cells) const {
    return value / (static_cast<float>(cells) * scale);
  }
};

// One window, kVectors vectors of channels.
template <int kVectors, class Pooling>
TFJS_INLINE void pool_window(const Pooling& pooling, const float* x, int64_t row_stride, int64_t channels,
                             int64_t rows, int64_t cols, float* y) {
  vf32 value[kVectors];
  for (int v = 0; v < kVectors; v++) value[v] = splat(Pooling::kStart);
  for (int64_t r = 0; r < rows; r++, x += row_stride) {
    const float* cell = x;
    for (int64_t c = 0; c < cols; c++, cell += channels) {
      for (int v = 0; v < kVectors; v++) value[v] = pooling.add(value[v], load(cell + v * kLanes));
    }
  }
  for (int v = 0; v < kVectors; v++) store(y + v * kLanes, pooling.finish(value[v], rows * cols));
}

// All channels, at least kLanes of them, of one window.
template <class Pooling>
TFJS_INLINE void pool_cell(const Pooling& pooling, const float* x, int64_t row_stride, int64_t channels,
                           int64_t rows, int64_t cols, float* y) {
  int64_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) {
    pool_window<4>(pooling, x + c, row_stride, channels, rows, cols, y + c);
  }
  for (; c + 2 * kLanes <= channels; c += 2 * kLanes) {
    pool_window<2>(pooling, x + c, row_stride, channels, rows, cols, y + c);
  }
  for (; c < channels; c += kLanes) {
    // The last vector may overlap the one before: the same values are stored twice.
    const int64_t at = std::min<int64_t>(c, channels - kLanes);
    pool_window<1>(pooling, x + at, row_stride, channels, rows, cols, y + at);
  }
}

template <class Pooling>
TFJS_INLINE void pool_row(const Pooling& pooling, const Geometry& g, const float* image, int64_t out,
                          float* y) {
  const int64_t begin = g.rows.begin(out), rows = g.rows.end(out) - begin;
  for (int64_t o = 0; o < g.cols.out; o++, y += g.channels) {
    const int64_t from = g.cols.begin(o), cols = g.cols.end(o) - from;
    const float* x = image + begin * g.row() + from * g.channels;
    if (rows == 2 && cols == 2) {
      pool_cell(pooling, x, g.row(), g.channels, 2, 2, y);
    } else {
      pool_cell(pooling, x, g.row(), g.channels, rows, cols, y);
    }
  }
}

// The same for fewer channels than a vector has lanes: first the rows under the window into one row with its
// padding, all columns and channels in a stretch, then along that.
template <class Pooling>
TFJS_INLINE void pool_row_few_channels(const Pooling& pooling, const Geometry& g, const float* image,
                                       int64_t out, float* y) {
  const int64_t begin = g.rows.begin(out), rows = g.rows.end(out) - begin;
  const int64_t corner = -g.cols.pad, behind = corner + g.cols.reach();
  const int64_t from = std::min<int64_t>(std::max<int64_t>(corner, 0), g.cols.length);
  const int64_t to = std::max<int64_t>(std::min<int64_t>(behind, g.cols.length), from);
  Scratch scratch;
  const int64_t width = (behind - corner) * g.channels;
  float* across = scratch.get<float>(width);
  const int64_t left = std::min<int64_t>((from - corner) * g.channels, width);
  const int64_t right = std::min<int64_t>((to - corner) * g.channels, width);
  for (int64_t i = 0; i < left; i++) across[i] = Pooling::kStart;
  for (int64_t i = right; i < width; i++) across[i] = Pooling::kStart;
  const float* x = image + begin * g.row() + from * g.channels - left;
  int64_t i = left;
  for (; i + kLanes <= right; i += kLanes) {
    vf32 value = splat(Pooling::kStart);
    for (int64_t r = 0; r < rows; r++) value = pooling.add(value, load(x + r * g.row() + i));
    store(across + i, value);
  }
  for (; i < right; i++) {
    float value = Pooling::kStart;
    for (int64_t r = 0; r < rows; r++) value = pooling.add(value, x[r * g.row() + i]);
    across[i] = value;
  }

  const int64_t step = g.cols.stride * g.channels;
  i = 0;
  if (g.cols.stride == 1) {
    for (; i + kLanes <= g.out_row(); i += kLanes) {
      vf32 value = load(across + i);
      for (int64_t c = 1; c < g.cols.window; c++)
        value = pooling.combine(value, load(across + i + c * g.channels));
      store(y + i, value);
    }
  }
  for (int64_t o = i / g.channels; o < g.cols.out; o++) {
    for (int64_t c = 0; c < g.channels; c++) {
      const float* cell = across + o * step + c;
      float value = *cell;
      for (int64_t w = 1; w < g.cols.window; w++) value = pooling.combine(value, cell[w * g.channels]);
      y[o * g.channels + c] = value;
    }
  }
  for (int64_t o = 0; o < g.cols.out; o++, y += g.channels) {
    const int64_t cells = rows * (g.cols.end(o) - g.cols.begin(o));
    for (int64_t c = 0; c < g.channels; c++) y[c] = pooling.finish(y[c], cells);
  }
}

// The same for windows so large or far apart that their row with its padding would be mostly padding.
template <class Pooling>
TFJS_INLINE void pool_row_sparse(const Pooling& pooling, const Geometry& g, const float* image, int64_t out,
                                 float* y) {
  const int64_t begin = g.rows.begin(out), rows = g.rows.end(out) - begin;
  for (int64_t o = 0; o < g.cols.out; o++, y += g.channels) {
    const int64_t from = g.cols.begin(o), cols = g.cols.end(o) - from;
    for (int64_t c = 0; c < g.channels; c++) {
      const float* x = image + begin * g.row() + from * g.channels + c;
      float value = Pooling::kStart;
      for (int64_t r = 0; r < rows; r++, x += g.row()) {
        for (int64_t w = 0; w < cols; w++) value = pooling.add(value, x[w * g.channels]);
      }
      y[c] = pooling.finish(value, rows * cols);
    }
  }
}

template <class Pooling>
TFJS_INLINE Status pool(const Args& args, const Geometry& g, const Pooling& pooling) {
  const float* x = args.inputs[0].f32();
  float* y = args.outputs[0].f32();
  if (args.outputs[0].size() == 0) return Status::Ok;
  const double cells = static_cast<double>(g.rows.most() * g.cols.most() * g.out_row());
  const bool sparse = g.cols.reach() > 16 * (g.cols.length + g.cols.out);
  parallel_for(g.batch * g.rows.out, 20 + 0.1 * cells, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      const float* image = x + i / g.rows.out * g.image();
      if (g.channels >= kLanes) {
        pool_row(pooling, g, image, i % g.rows.out, y + i * g.out_row());
      } else if (sparse) {
        pool_row_sparse(pooling, g, image, i % g.rows.out, y + i * g.out_row());
      } else {
        pool_row_few_channels(pooling, g, image, i % g.rows.out, y + i * g.out_row());
      }
    }
  });
  return Status::Ok;
}

// What a piece of code works on at once: kLanes channels, the last few of them, or one.
struct WholeVector {
  using Value = vf32;
  [[gnu::always_inline]] vf32 get(const float* p) const { return load(p); }
  [[gnu::always_inline]] void put(float* p, vf32 v) const { store(p, v); }
};
struct FirstLanes {
  using Value = vf32;
  int64_t n;
  [[gnu::always_inline]] vf32 get(const float* p) const { return load_first(p, n); }
  [[gnu::always_inline]] void put(float* p, vf32 v) const { store_first(p, v, n); }
};
struct OneLane {
  using Value = float;
  [[gnu::always_inline]] float get(const float* p) const { return *p; }
  [[gnu::always_inline]] void put(float* p, float v) const { *p = v; }
};

// f(lanes, c) for pieces of channels that cover all once.
template <class F>
TFJS_INLINE void each_piece(int64_t channels, F&& f) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) f(WholeVector{}, c);
  // Masked loads and stores take as long as two single numbers, where there are any.
  if (kLanes > 4 && channels - c > 2) {
    f(FirstLanes{channels - c}, c);
  } else {
    for (; c < channels; c++) f(OneLane{}, c);
  }
}

// Adds dy to dx where x has the first of its largest values in the window. x and dx are at the window's first
// cell; only its rows [own_from, own_to) are written.
template <class Lanes>
TFJS_INLINE void max_pool_grad_window(const Lanes& lanes, const Geometry& g, const float* x, const float* dy,
                                      int64_t rows, int64_t cols, int64_t own_from, int64_t own_to,
                                      float* dx) {
  using Value = typename Lanes::Value;
  Value best = Value{} + kMinusInfinity;
  for (int64_t r = 0; r < rows; r++) {
    const float* cell = x + r * g.row();
    for (int64_t c = 0; c < cols; c++, cell += g.channels) best = MaxPooling{}.combine(best, lanes.get(cell));
  }
  // Nothing is larger than minus infinity in a window of NaN.
  Value rest = best > Value{} + kMinusInfinity ? lanes.get(dy) : Value{};
  for (int64_t r = 0; r < own_to; r++) {
    const float* cell = x + r * g.row();
    float* to = dx + r * g.row();
    for (int64_t c = 0; c < cols; c++, cell += g.channels, to += g.channels) {
      const auto here = lanes.get(cell) == best;
      if (r >= own_from) lanes.put(to, lanes.get(to) + (here ? rest : Value{}));
      rest = here ? Value{} : rest;
    }
  }
}

// The rows [own_from, own_to) of one image's gradient, from the windows [out_from, out_to) of rows.
TFJS_INLINE void max_pool_grad_rows(const Geometry& g, const float* x, const float* dy, int64_t out_from,
                                    int64_t out_to, int64_t own_from, int64_t own_to, float* dx) {
  int64_t cleared = own_from;
  auto clear_to = [&](int64_t row) {
    if (row <= cleared) return;
    __builtin_memset(dx + cleared * g.row(), 0, static_cast<size_t>((row - cleared) * g.row()) * 4);
    cleared = row;
  };
  for (int64_t out = out_from; out < out_to; out++) {
    const int64_t row = g.rows.begin(out), rows = g.rows.end(out) - row;
    const int64_t first = std::max<int64_t>(own_from - row, 0), last = std::min<int64_t>(own_to - row, rows);
    clear_to(row + last);
    for (int64_t o = 0; o < g.cols.out; o++) {
      const int64_t col = g.cols.begin(o), cols = g.cols.end(o) - col;
      const int64_t corner = row * g.row() + col * g.channels;
      const float* at = dy + (out * g.cols.out + o) * g.channels;
      each_piece(g.channels, [&](const auto& lanes, int64_t c) TFJS_INLINED {
        max_pool_grad_window(lanes, g, x + corner + c, at + c, rows, cols, first, last, dx + corner + c);
      });
    }
  }
  clear_to(own_to);
}

// Windows of 2x2 cells that neither overlap nor leave a gap, channels c to c + kLanes: every cell is written
// once, nothing is read back.
TFJS_INLINE void max_pool_grad_2x2(const float* x, const float* dy, float* dx, int64_t row, int64_t channels,
                                   int64_t c) {
  const int64_t cell[4] = {c, channels + c, row + c, row + channels + c};
  vf32 best = splat(kMinusInfinity);
  vi32 larger_one[4];
  for (int i = 0; i < 4; i++) {
    const vf32 value = load(x + cell[i]);
    larger_one[i] = value > best;
    best = select(larger_one[i], value, best);
  }
  // The last cell that was larger than all before it is the first of the largest.
  vf32 rest = load(dy + c);
  for (int i = 3; i >= 0; i--) {
    store(dx + cell[i], select(larger_one[i], rest, zero()));
    rest = select(larger_one[i], zero(), rest);
  }
}

TFJS_INLINE void max_pool_grad_rows_2x2(const Geometry& g, const float* x, const float* dy, int64_t out_from,
                                        int64_t out_to, int64_t own_to, float* dx) {
  const int64_t channels = g.channels, pooled = 2 * g.out_row();
  for (int64_t out = out_from; out < out_to; out++) {
    const int64_t row = 2 * out * g.row();
    for (int64_t o = 0; o < g.cols.out; o++) {
      const int64_t corner = row + 2 * o * channels;
      const float* at = dy + (out * g.cols.out + o) * channels;
      for (int64_t c = 0; c < channels; c += kLanes) {
        max_pool_grad_2x2(x + corner, at, dx + corner, g.row(), channels,
                          std::min<int64_t>(c, channels - kLanes));
      }
    }
    const size_t unpooled = static_cast<size_t>(g.row() - pooled) * 4;
    __builtin_memset(dx + row + pooled, 0, unpooled);
    __builtin_memset(dx + row + g.row() + pooled, 0, unpooled);
  }
  __builtin_memset(dx + 2 * out_to * g.row(), 0, static_cast<size_t>((own_to - 2 * out_to) * g.row()) * 4);
}

// Where the windows of a row, three cells each way and two apart, have the first of their largest numbers:
// 0 to 8, row after row of the unclamped window, or -1 where nothing is larger than minus infinity.
TFJS_INLINE void max_pool_places_3x3(const Geometry& g, const float* x, int64_t out, int32_t* place) {
  const int64_t first_row = out * 2 - g.rows.pad;
  const int64_t row_from = g.rows.begin(out) - first_row, row_to = g.rows.end(out) - first_row;
  for (int64_t o = 0; o < g.cols.out; o++, place += g.channels) {
    const int64_t first_col = o * 2 - g.cols.pad;
    const int64_t col_from = g.cols.begin(o) - first_col, col_to = g.cols.end(o) - first_col;
    const int64_t corner = first_row * g.row() + first_col * g.channels;
    const bool whole = row_from == 0 && row_to == 3 && col_from == 0 && col_to == 3;
    for (int64_t each = 0; each < g.channels; each += kLanes) {
      const int64_t c = std::min<int64_t>(each, g.channels - kLanes);
      vf32 best = splat(kMinusInfinity);
      vi32 at = splat(int32_t{-1});
      const auto cell = [&](int64_t r, int64_t k)
                            TFJS_INLINED { return load(x + (corner + r * g.row() + k * g.channels + c)); };
      const auto look = [&](int64_t r, int64_t k) TFJS_INLINED {
        at = cell(r, k) == best ? splat(static_cast<int32_t>(r * 3 + k)) : at;
      };
      if (whole) {
        // The rows that the next row of windows brings, which the processor does not foresee.
        for (int64_t i = 0; i < 4; i++)
          __builtin_prefetch(x + (corner + (3 + i / 2) * g.row() + i % 2 * g.channels + c));
        vf32 best_of[3];
        TFJS_UNROLL for (int r = 0; r < 3; r++) best_of[r] =
            larger_or_second(cell(r, 2), larger_or_second(cell(r, 1), larger_or_second(cell(r, 0), best)));
        best = larger_or_second(best_of[2], larger_or_second(best_of[1], best_of[0]));
        TFJS_UNROLL for (int64_t i = 8; i >= 0; i--) look(i / 3, i % 3);
      } else {
        for (int64_t r = row_from; r < row_to; r++) {
          for (int64_t k = col_from; k < col_to; k++) best = larger_or_second(cell(r, k), best);
        }
        for (int64_t r = row_to - 1; r >= row_from; r--) {
          for (int64_t k = col_to - 1; k >= col_from; k--) look(r, k);
        }
      }
      store(place + c, best > splat(kMinusInfinity) ? at : splat(int32_t{-1}));
    }
  }
}

// A row of windows over a row of cells: their places and gradients, and the place of the first of the cells.
struct WindowRow {
  const int32_t* place;
  const float* dy;
  int32_t first;

  // What the cell `offset` behind the window's first one in this row gets of it.
  [[gnu::always_inline]] vf32 share(int64_t at, int32_t offset) const {
    return select(load(place + at) == splat(first + offset), load(dy + at), zero());
  }
};

// Two cells beside each other: the left one is the first of window `at` and the last of the window before it,
// where there are these (kRight, kLeft); the right one is in the middle of `at`.
template <int kRows, bool kLeft, bool kRight>
TFJS_INLINE void max_pool_grad_pair_3x3(const WindowRow* windows, int64_t channels, int64_t at,
                                        bool left_cell, bool right_cell, float* dx) {
  for (int64_t each = 0; each < channels; each += kLanes) {
    const int64_t c = std::min<int64_t>(each, channels - kLanes);
    vf32 left = zero(), right = zero();
    TFJS_UNROLL for (int r = 0; r < kRows; r++) {
      if constexpr (kLeft) left += windows[r].share(at - channels + c, 2);
      if constexpr (kRight) left += windows[r].share(at + c, 0);
      if constexpr (kRight) right += windows[r].share(at + c, 1);
    }
    if (left_cell) store(dx + c, left);
    if (right_cell) store(dx + channels + c, right);
  }
}

// The gradient of a row of cells from kRows rows of windows, which are three cells wide and two apart.
template <int kRows>
TFJS_INLINE void max_pool_grad_row_3x3(const Geometry& g, const WindowRow* rows, float* dx) {
  const int64_t channels = g.channels, length = g.cols.length, out = g.cols.out;
  WindowRow windows[kRows];
  for (int r = 0; r < kRows; r++) windows[r] = rows[r];
  const auto inside = [&](int64_t col) TFJS_INLINED { return col >= 0 && col < length; };
  for (int64_t o = 0; o <= out; o++) {
    const int64_t col = o * 2 - g.cols.pad, at = o * channels;
    const bool left = inside(col), right = o < out && inside(col + 1);
    float* to = dx + col * channels;
    if (o == 0) {
      max_pool_grad_pair_3x3<kRows, false, true>(windows, channels, at, left, right, to);
    } else if (o == out) {
      max_pool_grad_pair_3x3<kRows, true, false>(windows, channels, at, left, right, to);
    } else if (left && right) {
      max_pool_grad_pair_3x3<kRows, true, true>(windows, channels, at, true, true, to);
    } else {
      max_pool_grad_pair_3x3<kRows, true, true>(windows, channels, at, left, right, to);
    }
  }
  const int64_t behind = std::max<int64_t>(std::min<int64_t>(g.cols.reach() - g.cols.pad, length), 0);
  __builtin_memset(dx + behind * channels, 0, static_cast<size_t>((length - behind) * channels) * 4);
}

// As max_pool_grad_rows, for windows of 3x3 two apart: every cell is written once, and gathers from the up to
// four windows over it what they have for it.
TFJS_INLINE void max_pool_grad_rows_3x3(const Geometry& g, const float* x, const float* dy, int64_t own_from,
                                        int64_t own_to, float* dx) {
  Scratch scratch;
  int32_t* places[2] = {scratch.get<int32_t>(g.out_row()), scratch.get<int32_t>(g.out_row())};
  int64_t known = -1;  // the last row of windows whose places are known
  const auto row_of = [&](int64_t out, int32_t first) TFJS_INLINED {
    if (out > known) {
      max_pool_places_3x3(g, x, out, places[out % 2]);
      known = out;
    }
    return WindowRow{places[out % 2], dy + out * g.out_row(), first};
  };
  for (int64_t row = own_from; row < own_to; row++) {
    // Numbers of windows whose rows the cells' row is the first (or second) and the third of.
    const int64_t from_corner = row + g.rows.pad, out = from_corner / 2;
    WindowRow windows[2];
    int count = 0;
    if (from_corner % 2 == 0 && out >= 1 && out <= g.rows.out) windows[count++] = row_of(out - 1, 6);
    if (out < g.rows.out) windows[count++] = row_of(out, from_corner % 2 == 0 ? 0 : 3);
    float* to = dx + row * g.row();
    if (count == 2) {
      max_pool_grad_row_3x3<2>(g, windows, to);
    } else if (count == 1) {
      max_pool_grad_row_3x3<1>(g, windows, to);
    } else {
      __builtin_memset(to, 0, static_cast<size_t>(g.row()) * 4);
    }
  }
}

}  // namespace

Status MaxPool(const Args& args) {
  Geometry g;
  if (!read_geometry(args.inputs[0], args.outputs[0], args.params, g)) return Status::InvalidArgument;
  return pool(args, g, MaxPooling{});
}

Status AvgPool(const Args& args) {
  Geometry g;
  if (!read_geometry(args.inputs[0], args.outputs[0], args.params, g)) return Status::InvalidArgument;
  return pool(args, g, AvgPooling(g.rows.most() * g.cols.most()));
}

// Inputs dy, x; output dx. Ties go to the first of the largest in a window; NaN is passed over.
Status MaxPoolGrad(const Args& args) {
  const float* dy = args.inputs[0].f32();
  const float* x = args.inputs[1].f32();
  float* dx = args.outputs[0].f32();
  Geometry g;
  if (!read_geometry(args.inputs[1], args.inputs[0], args.params, g)) return Status::InvalidArgument;
  if (args.outputs[0].size() == 0) return Status::Ok;
  const Axis &rows = g.rows, &cols = g.cols;
  const bool two_by_two = rows.window == 2 && rows.stride == 2 && rows.pad == 0 && cols.window == 2 &&
                          cols.stride == 2 && cols.pad == 0 && rows.length >= 2 * rows.out &&
                          cols.length >= 2 * cols.out && g.channels >= kLanes;
  const bool three_by_three = rows.window == 3 && rows.stride == 2 && rows.pad < 3 && cols.window == 3 &&
                              cols.stride == 2 && cols.pad < 3 && g.channels >= kLanes;
  // A task owns the image rows under a band of window rows, so that no two add into the same place. Windows
  // that reach in from the band before are looked at twice, hence bands of several windows' height, and large
  // enough to be worth a task.
  const int64_t overlap = (rows.window - 1) / rows.stride;
  const int64_t band = std::max<int64_t>(
      std::max<int64_t>(8192 / std::max<int64_t>(rows.stride * g.row(), 1), 8 * overlap), 1);
  const int64_t bands = std::max<int64_t>((rows.out + band - 1) / band, 1);
  const double cells =
      static_cast<double>(std::min<int64_t>(band, rows.out) * g.out_row() * rows.most() * cols.most());
  parallel_for(g.batch * bands, 50 + 0.3 * cells, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      const int64_t n = i / bands, b = i % bands;
      const int64_t out_from = b * band, out_to = std::min<int64_t>(out_from + band, rows.out);
      const int64_t own_from = b == 0 ? 0 : rows.begin(out_from);
      const int64_t own_to = b == bands - 1 ? rows.length : rows.begin(out_to);
      const float* image = x + n * g.image();
      const float* gradient = dy + n * g.out_image();
      float* to_image = dx + n * g.image();
      if (two_by_two) {
        max_pool_grad_rows_2x2(g, image, gradient, out_from, out_to, own_to, to_image);
      } else if (three_by_three) {
        max_pool_grad_rows_3x3(g, image, gradient, own_from, own_to, to_image);
      } else {
        max_pool_grad_rows(g, image, gradient, std::min<int64_t>(rows.first(own_from), out_from), out_to,
                           own_from, own_to, to_image);
      }
    }
  });
  return Status::Ok;
}

// Input dy; output dx. The JavaScript kernel divides by all cells of the window, those of the padding too.
Status AvgPoolGrad(const Args& args) {
  const float* dy = args.inputs[0].f32();
  float* dx = args.outputs[0].f32();
  Geometry g;
  if (!read_geometry(args.outputs[0], args.inputs[0], args.params, g)) return Status::InvalidArgument;
  if (args.outputs[0].size() == 0) return Status::Ok;
  const double area = static_cast<double>(g.rows.window) * static_cast<double>(g.cols.window);
  const float share = static_cast<float>(1 / area);
  const double cells = static_cast<double>(g.row() * (1 + g.cols.window / g.cols.stride) +
                                           g.out_row() * (1 + g.rows.window / g.rows.stride));
  parallel_for(g.batch * g.rows.length, 20 + 0.1 * cells, [&](int64_t from, int64_t to) {
    Scratch scratch;
    float* down = scratch.get<float>(g.out_row());
    // The windows of each column.
    int64_t* first = scratch.get<int64_t>(g.cols.length);
    int64_t* behind_last = scratch.get<int64_t>(g.cols.length);
    for (int64_t col = 0; col < g.cols.length; col++) {
      first[col] = g.cols.first(col);
      behind_last[col] = g.cols.behind_last(col);
    }
    for (int64_t i = from; i < to; i++) {
      const int64_t row = g.rows.first(i % g.rows.length), image = i / g.rows.length * g.rows.out;
      const int64_t rows = std::max<int64_t>(g.rows.behind_last(i % g.rows.length) - row, 0);
      const float* in = dy + (image + row) * g.out_row();
      each_piece(g.out_row(), [&](const auto& lanes, int64_t at) TFJS_INLINED {
        typename std::remove_reference_t<decltype(lanes)>::Value sum{};
        for (int64_t r = 0; r < rows; r++) sum += lanes.get(in + r * g.out_row() + at) * share;
        lanes.put(down + at, sum);
      });
      float* out = dx + i * g.row();
      for (int64_t col = 0; col < g.cols.length; col++, out += g.channels) {
        each_piece(g.channels, [&](const auto& lanes, int64_t c) TFJS_INLINED {
          typename std::remove_reference_t<decltype(lanes)>::Value sum{};
          for (int64_t o = first[col]; o < behind_last[col]; o++) sum += lanes.get(down + o * g.channels + c);
          lanes.put(out + c, sum);
        });
      }
    }
  });
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

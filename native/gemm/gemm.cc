#include "gemm/gemm.h"

#include "core/scratch.h"
#include "gemm/columns.h"
#include "gemm/pack.h"
#include "gemm/thin.h"
#include "parallel/parallel.h"

namespace tfjs::TFJS_ISA {
namespace {

// Of the common dimension at a time, so that a tile's rows of a stay in the first-level cache.
constexpr int64_t kDepth = 320;
// Panels at a time, so that kDepth steps of them stay in the second-level cache.
constexpr int64_t kPanels = 256 / kPanel;
// Rows of c at a time, so that their sums stay there too from block to block.
constexpr int64_t kRows = 96;
// Rows of a transposed a that are copied at a time: whole cache lines.
constexpr int64_t kCopyRows = 48;
// Floats of b that are packed at a time.
constexpr int64_t kSlab = int64_t{4} << 20;
// Rows that come this many floats apart fall on the same few cache sets.
constexpr int64_t kAliasing = 1024;

TFJS_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
TFJS_INLINE int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }

// Panels [first, end) of b. Whole ones may be read in place; `packed` holds those from `first_packed` on.
struct Panels {
  int64_t first, end;
  int64_t first_packed;
  const float* packed;
};

TFJS_INLINE void pack(const Gemm& g, int64_t p, float* to) {
  const int64_t column = p * kPanel, columns = panel_columns(g.n - column);
  if (g.transpose_b)
    pack_panel_transposed(g.b + column * g.ldb, g.ldb, g.k, columns, to);
  else
    pack_panel(g.b + column, g.ldb, g.k, columns, to);
}

// Where the rows of a that a tile multiplies lie.
struct Rows {
  const float* first;
  int64_t row_step, k_step;
};

// Copies rows [row, row + rows) of a, `depth` steps of the common dimension from `k` on; rows <= kCopyRows.
Rows copy_rows(const Gemm& g, int64_t row, int64_t rows, int64_t k, int64_t depth, float* copy) {
  if (g.transpose_a) {
    for (int64_t i = 0; i < depth; i++) {
      const float* from = g.a + (k + i) * g.lda + row;
      int64_t r = 0;
      for (; r + kLanes <= rows; r += kLanes) store(copy + i * kCopyRows + r, load(from + r));
      if (r < rows) store_first(copy + i * kCopyRows + r, load_first(from + r, rows - r), rows - r);
    }
    return {copy, 1, kCopyRows};
  }
  constexpr int64_t kStride = kDepth + kLanes;
  for (int64_t r = 0; r < rows; r++) {
    const float* from = g.a + (row + r) * g.lda + k;
    int64_t i = 0;
    for (; i + kLanes <= depth; i += kLanes) store(copy + r * kStride + i, load(from + i));
    if (i < depth) store(copy + r * kStride + i, load_first(from + i, depth - i));
  }
  return {copy, kStride, 1};
}
constexpr int64_t kCopy = kCopyRows * (kDepth + kLanes);

// Part `part` of `parts` of what copy_rows() will read, towards the caches.
TFJS_INLINE void prefetch_rows(const Gemm& g, int64_t row, int64_t rows, int64_t k, int64_t depth,
                               int64_t part, int64_t parts) {
  constexpr int64_t kLine = 16;
  const int64_t outer = g.transpose_a ? depth : rows, inner = g.transpose_a ? rows : depth;
  const float* from = g.transpose_a ? g.a + k * g.lda + row : g.a + row * g.lda + k;
  for (int64_t i = outer * part / parts; i < outer * (part + 1) / parts; i++) {
    for (int64_t j = 0; j < inner; j += kLine) __builtin_prefetch(from + i * g.lda + j);
  }
}

// The rows of a that are wanted next.
struct Next {
  int64_t row, rows;
};

// A tile of `rows` rows of c from `row` on against all panels, over `depth` steps from `k` on. Meanwhile part
// `tile` of `tiles` of the next rows is fetched.
void multiply_tile(const Gemm& g, const Rows& a, const Panels& panels, int64_t row, int rows, int64_t k,
                   int64_t depth, const Next& next, int64_t tile, int64_t tiles) {
  Epilogue epilogue = g.epilogue;
  epilogue.accumulate = k > 0;
  epilogue.clamp = g.epilogue.clamp && k + depth == g.k;
  const float* a_row[kMaxTileRows];
  int64_t offset[kMaxTileRows];
  float* c_row[kMaxTileRows];
  for (int r = 0; r < rows; r++) {
    offset[r] = r * a.row_step;
    a_row[r] = a.first + offset[r];
    c_row[r] = g.c + (row + r) * g.ldc;
  }
  const int64_t count = panels.end - panels.first;
  for (int64_t p = panels.first; p < panels.end; p++) {
    if (next.rows > 0) {
      prefetch_rows(g, next.row, next.rows, k, depth, tile * count + p - panels.first, tiles * count);
    }
    const int64_t column = p * kPanel, columns = panel_columns(g.n - column);
    const bool in_place = p < panels.first_packed;
    const int64_t width = in_place ? g.ldb : panel_width(columns);
    const float* b =
        (in_place ? g.b + column : panels.packed + (p - panels.first_packed) * kPanel * g.k) + k * width;
    if (a.k_step != 1 || in_place) {
      const Segment segment{a.first, b, depth};
      multiply_columns(rows,
                       {offset, &segment, 1, a.k_step, width, c_row[0], g.ldc, column, columns, &epilogue});
    } else {
      multiply_rows(rows, {a_row, 1, depth, b, c_row, column, columns, &epilogue});
    }
  }
}

// Rows [begin, end) of c against the panels.
void multiply_rows_of(const Gemm& g, const Panels& panels, int64_t begin, int64_t end) {
  const int64_t most = tile_rows(panel_vectors(smaller(g.n - panels.first * kPanel, kPanel)));
  // Rows are copied where they are read often, or would push each other out of the cache.
  const bool copies = panels.end - panels.first >= 3 || g.lda % kAliasing == 0;
  Scratch scratch;
  float* copy = copies ? scratch.get<float>(kCopy) : nullptr;
  // Blocks and tiles of equal size, as far as possible.
  const int64_t block = parts(parts(g.k, parts(g.k, kDepth)), 8) * 8;
  const int64_t tiles = parts(end - begin, most);
  const int64_t group = g.transpose_a ? kCopyRows / most : 1, groups = kRows / most / group;
  auto tile_row = [&](int64_t tile) { return begin + (end - begin) * smaller(tile, tiles) / tiles; };
  for (int64_t top = 0; top < tiles; top += groups * group) {
    const int64_t last = smaller(top + groups * group, tiles);
    for (int64_t k = 0; k < g.k; k += block) {
      const int64_t depth = smaller(block, g.k - k);
      for (int64_t first = top; first < last; first += group) {
        const int64_t first_row = tile_row(first), group_end = tile_row(first + group);
        Rows rows{g.transpose_a ? g.a + k * g.lda + first_row : g.a + first_row * g.lda + k,
                  g.transpose_a ? 1 : g.lda, g.transpose_a ? g.lda : 1};
        if (copies) rows = copy_rows(g, first_row, group_end - first_row, k, depth, copy);
        const Next next{group_end, copies ? tile_row(first + 2 * group) - group_end : 0};
        for (int64_t tile = first; tile < smaller(first + group, last); tile++) {
          const int64_t row = tile_row(tile);
          const Rows of_tile{rows.first + (row - first_row) * rows.row_step, rows.row_step, rows.k_step};
          multiply_tile(g, of_tile, panels, row, static_cast<int>(tile_row(tile + 1) - row), k, depth, next,
                        tile - first, group);
        }
      }
    }
  }
}

void empty_sums(const Gemm& g) {
  const Epilogue& e = g.epilogue;
  for (int64_t i = 0; i < g.m; i++) {
    for (int64_t j = 0; j < g.n; j++) {
      float y = e.bias == nullptr ? 0 : e.bias[j];
      if (e.clamp) y = e.low > y ? e.low : e.high < y ? e.high : y;
      g.c[i * g.ldc + j] = y;
    }
  }
}

// How many tasks are worth having.
TFJS_INLINE int64_t wanted_tasks(const Gemm& g) {
  const double total =
      gemm_nanoseconds(static_cast<double>(g.m), static_cast<double>(g.n), static_cast<double>(g.k));
  const int64_t most = thread_count() > 1 ? 4 * thread_count() : 1;
  return larger(total < detail::kWorthATask * static_cast<double>(most)
                    ? static_cast<int64_t>(total / detail::kWorthATask)
                    : most,
                1);
}

template <class F>
TFJS_INLINE void run(int64_t tasks, F&& task) {
  if (tasks == 1)
    task(int64_t{0});
  else
    parallel_tasks(tasks, task);
}

// Few rows: tasks take panels, and pack what they use themselves.
void multiply_by_columns(const Gemm& g, int64_t tasks) {
  const int64_t count = panel_count(g.n);
  // Packing pays once its panels are read several times.
  const bool in_place = !g.transpose_b && g.m <= 3 * kTileRows;
  run(tasks, [&](int64_t task) {
    Scratch scratch;
    const int64_t end = count * (task + 1) / tasks;
    float* packed = nullptr;
    for (int64_t first = count * task / tasks; first < end; first += kPanels) {
      Panels panels{first, smaller(first + kPanels, end), first, nullptr};
      if (in_place) panels.first_packed = larger(first, smaller(panels.end, g.n / kPanel));
      if (packed == nullptr && panels.first_packed < panels.end) {
        packed = scratch.get<float>(
            panels_size(g.k, smaller(g.n - panels.first_packed * kPanel, kPanels * kPanel)));
      }
      for (int64_t p = panels.first_packed; p < panels.end; p++) {
        pack(g, p, packed + (p - panels.first_packed) * kPanel * g.k);
      }
      panels.packed = packed;
      multiply_rows_of(g, panels, 0, g.m);
    }
  });
}

// Many rows: all panels are packed first, then tasks take rows.
void multiply_by_rows(const Gemm& g, int64_t tasks) {
  const int64_t count = panel_count(g.n);
  const int64_t slab = larger(kSlab / (g.k * kPanel), kPanels);
  Scratch scratch;
  float* packed = scratch.get<float>(panels_size(g.k, smaller(g.n, slab * kPanel)));
  for (int64_t first = 0; first < count; first += slab) {
    const int64_t end = smaller(first + slab, count);
    parallel_for(end - first, 0.15 * static_cast<double>(g.k * kPanel),
                 [&](int64_t begin_panel, int64_t end_panel) {
                   for (int64_t p = begin_panel; p < end_panel; p++)
                     pack(g, first + p, packed + p * kPanel * g.k);
                 });
    run(tasks, [&](int64_t task) {
      for (int64_t p = first; p < end; p += kPanels) {
        const Panels panels{p, smaller(p + kPanels, end), p, packed + (p - first) * kPanel * g.k};
        multiply_rows_of(g, panels, g.m * task / tasks, g.m * (task + 1) / tasks);
      }
    });
  }
}

}  // namespace

void gemm(const Gemm& g) {
  if (g.m == 0 || g.n == 0) return;
  if (g.k == 0) return empty_sums(g);
  if (thin_gemm(g)) return;
  const int64_t tasks = wanted_tasks(g);
  const int64_t tiles = parts(g.m, kTileRows), panels = panel_count(g.n);
  if (panels >= tiles)
    multiply_by_columns(g, smaller(tasks, panels));
  else
    multiply_by_rows(g, smaller(tasks, parts(g.m, kTileRows / 2)));
}

}  // namespace tfjs::TFJS_ISA

#include "gemm/gemm.h"

#include "core/scratch.h"
#include "gemm/pack.h"
#include "gemm/thin.h"
#include "parallel/parallel.h"

namespace tfjs::TFJS_ISA {
namespace {

// Of the common dimension at a time, so that a tile's rows of a stay in the first-level cache.
constexpr int64_t kDepth = 320;
// Panels at a time, so that kDepth steps of them stay in the second-level cache.
constexpr int64_t kPanels = 256 / kPanel;
// Floats of b that are packed at a time.
constexpr int64_t kSlab = int64_t{4} << 20;
// Rows that come this many floats apart fall on the same few cache sets.
constexpr int64_t kAliasing = 1024;

TFJS_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
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

// One tile of rows against all panels, over `depth` steps of the common dimension from `k` on.
void multiply_tile(const Gemm& g, const Panels& panels, int64_t row, int rows, int64_t k, int64_t depth,
                   float* copy) {
  const float* a = g.transpose_a ? g.a + k * g.lda + row : g.a + row * g.lda + k;
  int64_t row_step = g.transpose_a ? 1 : g.lda, k_step = g.transpose_a ? g.lda : 1;
  if (copy != nullptr) {
    if (g.transpose_a) {
      for (int64_t i = 0; i < depth; i++) {
        for (int r = 0; r < rows; r += kLanes) {
          store(copy + i * kMaxTileRows + r, load_first(a + i * g.lda + r, smaller(rows - r, kLanes)));
        }
      }
      k_step = kMaxTileRows;
    } else {
      constexpr int64_t kStride = kDepth + kLanes;
      for (int r = 0; r < rows; r++) {
        int64_t i = 0;
        for (; i + kLanes <= depth; i += kLanes) store(copy + r * kStride + i, load(a + r * g.lda + i));
        store(copy + r * kStride + i, load_first(a + r * g.lda + i, depth - i));
      }
      row_step = kStride;
    }
    a = copy;
  }
  const float* a_row[kMaxTileRows];
  int64_t offset[kMaxTileRows];
  float* c_row[kMaxTileRows];
  for (int r = 0; r < rows; r++) {
    a_row[r] = a + r * row_step;
    offset[r] = r * row_step;
    c_row[r] = g.c + (row + r) * g.ldc;
  }
  Epilogue epilogue = g.epilogue;
  epilogue.accumulate = k > 0;
  epilogue.clamp = g.epilogue.clamp && k + depth == g.k;
  for (int64_t p = panels.first; p < panels.end; p++) {
    const int64_t column = p * kPanel, columns = panel_columns(g.n - column);
    const bool in_place = p < panels.first_packed;
    const int64_t width = in_place ? g.ldb : panel_width(columns);
    const float* b =
        (in_place ? g.b + column : panels.packed + (p - panels.first_packed) * kPanel * g.k) + k * width;
    if (g.transpose_a || in_place) {
      const Segment segment{a, b, depth};
      multiply_columns(rows,
                       {offset, &segment, 1, k_step, width, c_row[0], g.ldc, column, columns, &epilogue});
    } else {
      multiply_rows(rows, {a_row, 1, depth, b, c_row, column, columns, &epilogue});
    }
  }
}

// Rows [begin, end) of c against the panels.
void multiply_rows_of(const Gemm& g, const Panels& panels, int64_t begin, int64_t end) {
  const int64_t most = tile_rows(panel_vectors(smaller(g.n - panels.first * kPanel, kPanel)));
  const int64_t tiles = parts(end - begin, most);
  // Each tile's rows are copied where they are read often, or would push each other out of the cache.
  const bool copies = panels.end - panels.first >= 3 || g.lda % kAliasing == 0;
  Scratch scratch;
  float* copy = copies ? scratch.get<float>(kMaxTileRows * (kDepth + kLanes) + kLanes) : nullptr;
  const int64_t depth = parts(parts(g.k, parts(g.k, kDepth)), 8) * 8;
  for (int64_t k = 0; k < g.k; k += depth) {
    for (int64_t tile = 0; tile < tiles; tile++) {
      const int64_t row = begin + (end - begin) * tile / tiles;
      const int64_t row_end = begin + (end - begin) * (tile + 1) / tiles;
      multiply_tile(g, panels, row, static_cast<int>(row_end - row), k, smaller(depth, g.k - k), copy);
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
  const bool in_place = !g.transpose_b && g.m <= kTileRows;
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

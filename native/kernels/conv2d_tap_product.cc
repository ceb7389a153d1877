#include "kernels/conv2d.h"

namespace tfjs::TFJS_ISA {
namespace {

// Tiles that one panel serves before the next one is fetched.
constexpr int64_t kGroupTiles = 8;
// Taps are taken in blocks, to bound the table of pointers and the part of a panel that is in use.
constexpr int64_t kBlockTaps = 64;
constexpr int64_t kBlockBytes = 256 * 1024;

struct Range {
  int64_t low = 0, high = 0;  // both included
};
Range range_of(const int64_t* values, int64_t n) {
  Range range;
  for (int64_t i = 0; i < n; i++) {
    if (i == 0 || values[i] < range.low) range.low = values[i];
    if (i == 0 || values[i] > range.high) range.high = values[i];
  }
  return range;
}

// Some pixels of the grid that are computed together.
struct Tile {
  int rows;
  bool outside;  // whether some taps fall outside of x
  // Where a tap at (0, 0) reads: the offset in x, and its row and column.
  int64_t offset[kMaxTileRows], y[kMaxTileRows], x[kMaxTileRows];
  float* c[kMaxTileRows];
  const float** table;  // what each tap reads, by tap and row
  // The taps of the table's block that read x for some row.
  int64_t tap_begin, tap_end;
};

template <int R>
TFJS_INLINE void fill_rows(const float** table, const float* x, const int64_t* offset, int64_t tap_offset) {
  for (int r = 0; r < R; r++) table[r] = x + (offset[r] + tap_offset);
}

// Computes groups of tiles; each thread has one.
class Worker {
 public:
  Worker(const TapProduct& product, int rows, const float* zeros)
      : p_(product), rows_(rows), zeros_(zeros), epilogue_(epilogue_of(product.fusion)) {
    reach_y_ = range_of(p_.tap_y, p_.taps);
    reach_x_ = range_of(p_.tap_x, p_.taps);
    const int64_t tap_bytes = p_.depth * kPanel * static_cast<int64_t>(sizeof(float));
    block_ = tap_bytes * kBlockTaps > kBlockBytes ? kBlockBytes / tap_bytes : kBlockTaps;
    if (block_ < 1) block_ = 1;
    if (block_ > p_.taps) block_ = p_.taps;
    const float** tables = scratch_.get<const float*>(kGroupTiles * rows * block_);
    for (int i = 0; i < kGroupTiles; i++) tiles_[i].table = tables + i * rows * block_;
  }

  // Pixels [first, end), at most kGroupTiles tiles; panels [panel_begin, panel_end).
  void run(int64_t first, int64_t end, int64_t panel_begin, int64_t panel_end) {
    const int tiles = static_cast<int>(ceil_div(end - first, rows_));
    const int64_t line = first / p_.width;
    Position at{line / p_.height, line % p_.height, first % p_.width};
    for (int i = 0; i < tiles; i++) {
      const int64_t left = end - first - i * rows_;
      locate(at, static_cast<int>(left < rows_ ? left : rows_), tiles_[i]);
      if (p_.narrow != nullptr) fill_up(tiles_[i]);
    }
    // Without taps the result is the bias.
    for (int64_t tap = 0; tap == 0 || tap < p_.taps; tap += block_) {
      const int64_t taps = p_.taps - tap < block_ ? p_.taps - tap : block_;
      const bool is_first = tap == 0, is_last = tap + taps >= p_.taps;
      for (int i = 0; i < tiles; i++) fill(tiles_[i], tap, taps);
      if (p_.narrow != nullptr) {
        for (int i = 0; i < tiles; i++) multiply_tile_narrow(tiles_[i], tap, is_first, is_last);
        continue;
      }
      for (int64_t panel = panel_begin; panel < panel_end; panel++) {
        const int64_t column = panel * kPanel, columns = panel_columns(p_.columns - column);
        const int64_t tap_floats = p_.depth * panel_width(columns);
        const float* weights = p_.panels + column * p_.taps * p_.depth + tap * tap_floats;
        for (int i = 0; i < tiles; i++) {
          const Tile& tile = tiles_[i];
          const RowsTile product{tile.table + tile.tap_begin * tile.rows,
                                 tile.tap_end - tile.tap_begin,
                                 p_.depth,
                                 weights + tile.tap_begin * tap_floats,
                                 tile.c,
                                 column,
                                 columns,
                                 nullptr};
          if (tile.outside && p_.skip_padding) {
            multiply_inside(tile.rows, product, is_first, is_last);
          } else {
            multiply(tile.rows, product, is_first, is_last);
          }
          if (is_last) activate_tile(p_.fusion, tile.c, tile.rows, column, columns);
        }
      }
    }
  }

 private:
  struct Position {
    int64_t n, j, i;
  };

  // Finds the pixels of a tile, from `at` on, and moves it behind them.
  void locate(Position& at, int rows, Tile& tile) const {
    tile.rows = rows;
    tile.outside = false;
    for (int r = 0; r < rows;) {
      const int64_t rest = p_.width - at.i;
      const int count = static_cast<int>(rest < rows - r ? rest : rows - r);
      const int64_t y = at.j * p_.step_y, x = at.i * p_.step_x;
      const int64_t offset = ((at.n * p_.in_height + y) * p_.in_width + x) * p_.in_pixel;
      float* const c = p_.y + at.n * p_.image_pitch + at.j * p_.row_pitch + at.i * p_.pixel_pitch;
      for (int k = 0; k < count; k++) {
        tile.offset[r + k] = offset + k * p_.step_x * p_.in_pixel;
        tile.y[r + k] = y;
        tile.x[r + k] = x + k * p_.step_x;
        tile.c[r + k] = c + k * p_.pixel_pitch;
      }
      tile.outside |= y + reach_y_.low < 0 || y + reach_y_.high >= p_.in_height || x + reach_x_.low < 0 ||
                      x + (count - 1) * p_.step_x + reach_x_.high >= p_.in_width;
      r += count;
      at.i += count;
      if (at.i < p_.width) continue;
      at.i = 0;
      if (++at.j < p_.height) continue;
      at.j = 0;
      at.n++;
    }
  }

  // The narrow kernel knows no smaller tiles: repeats the first pixel, its results going nowhere.
  void fill_up(Tile& tile) {
    for (; tile.rows < rows_; tile.rows++) {
      tile.offset[tile.rows] = tile.offset[0];
      tile.y[tile.rows] = tile.y[0];
      tile.x[tile.rows] = tile.x[0];
      tile.c[tile.rows] = nowhere_;
    }
  }

  // Writes a tile's table for a block of taps.
  void fill(Tile& tile, int64_t first_tap, int64_t taps) const {
    tile.tap_begin = tile.outside ? taps : 0;
    tile.tap_end = tile.outside ? 0 : taps;
    const float** table = tile.table;
    for (int64_t t = 0; t < taps; t++, table += tile.rows) {
      const int64_t tap_y = p_.tap_y[first_tap + t], tap_x = p_.tap_x[first_tap + t];
      const int64_t tap_offset = (tap_y * p_.in_width + tap_x) * p_.in_pixel;
      if (!tile.outside) {
        switch (tile.rows) {
          case kMaxTileRows:
            fill_rows<kMaxTileRows>(table, p_.x, tile.offset, tap_offset);
            break;
          case kMaxTileRows / 2:
            fill_rows<kMaxTileRows / 2>(table, p_.x, tile.offset, tap_offset);
            break;
          default:
            for (int r = 0; r < tile.rows; r++) table[r] = p_.x + (tile.offset[r] + tap_offset);
        }
        continue;
      }
      for (int r = 0; r < tile.rows; r++) {
        const int64_t y = tile.y[r] + tap_y, x = tile.x[r] + tap_x;
        const bool inside = y >= 0 && y < p_.in_height && x >= 0 && x < p_.in_width;
        table[r] = inside ? p_.x + (tile.offset[r] + tap_offset) : zeros_;
        if (inside && t < tile.tap_begin) tile.tap_begin = t;
        if (inside) tile.tap_end = t + 1;
      }
    }
    if (tile.tap_begin > tile.tap_end) tile.tap_begin = tile.tap_end;
  }

  // For the first or the last block of taps, or none of these.
  Epilogue epilogue_of_block(bool is_first, bool is_last) const {
    Epilogue epilogue = epilogue_;
    epilogue.accumulate = !is_first;
    epilogue.clamp = epilogue_.clamp && is_last;
    return epilogue;
  }

  void multiply(int rows, RowsTile product, bool is_first, bool is_last) const {
    const Epilogue epilogue = epilogue_of_block(is_first, is_last);
    product.epilogue = &epilogue;
    multiply_rows(rows, product);
  }

  void multiply_tile_narrow(const Tile& tile, int64_t first_tap, bool is_first, bool is_last) const {
    const Epilogue epilogue = epilogue_of_block(is_first, is_last);
    multiply_narrow({tile.table + tile.tap_begin * tile.rows, tile.tap_end - tile.tap_begin, p_.depth,
                     p_.narrow + (first_tap + tile.tap_begin) * narrow_tap_size(p_.depth, p_.columns), tile.c,
                     p_.columns, &epilogue});
    if (is_last) activate_tile(p_.fusion, tile.c, tile.rows, 0, p_.columns);
  }

  // The same pixel by pixel and tap by tap, leaving out what lies outside of x.
  void multiply_inside(int rows, const RowsTile& product, bool is_first, bool is_last) const {
    const int64_t tap_floats = product.depth * panel_width(product.columns);
    for (int r = 0; r < rows; r++) {
      RowsTile one = product;
      one.c = product.c + r;
      one.taps = 0;
      if (is_first) multiply(1, one, true, false);
      one.taps = 1;
      for (int64_t t = 0; t < product.taps; t++) {
        one.a = product.a + t * rows + r;
        one.panel = product.panel + t * tap_floats;
        if (*one.a != zeros_) multiply(1, one, false, false);
      }
      one.taps = 0;
      if (is_last) multiply(1, one, false, true);
    }
  }

  const TapProduct& p_;
  const int64_t rows_;
  const float* const zeros_;
  const Epilogue epilogue_;
  Range reach_y_, reach_x_;
  Scratch scratch_;
  int64_t block_;
  Tile tiles_[kGroupTiles];
  float nowhere_[kMaxNarrowColumns];
};

}  // namespace

void tap_product(const TapProduct& p) {
  const int64_t pixels = p.batch * p.height * p.width;
  if (pixels == 0 || p.columns == 0) return;
  const int rows = p.narrow != nullptr ? narrow_tile_rows(p.columns) : tile_rows(panel_vectors(p.columns));
  const int64_t group = rows * kGroupTiles, groups = ceil_div(pixels, group);
  const int64_t panels = panel_count(p.columns);
  // With few pixels the panels are shared out as well.
  int64_t splits = ceil_div(4 * thread_count(), groups);
  if (splits > panels) splits = panels;

  Scratch scratch;
  float* zeros = scratch.get<float>(p.depth);
  for (int64_t k = 0; k < p.depth; k++) zeros[k] = 0;
  // Five vectors of products a nanosecond is what a core reaches.
  const double cost =
      static_cast<double>(group * panels * 2 / splits) * static_cast<double>(p.taps * p.depth + 8) / 5;
  parallel_for(groups * splits, cost, [&](int64_t begin, int64_t end) {
    Worker worker(p, rows, zeros);
    for (int64_t item = begin; item < end; item++) {
      const int64_t first = item / splits * group, split = item % splits;
      worker.run(first, first + group < pixels ? first + group : pixels, panels * split / splits,
                 panels * (split + 1) / splits);
    }
  });
}

const float* pad_images(Scratch& scratch, const float* x, const Conv2DShape& s) {
  const int64_t height = s.reach_height(), width = s.reach_width(), top = s.at.padTop, left = s.at.padLeft;
  if (top < 0 || left < 0 || height * width > 4 * (s.in_height * s.in_width + 64)) return nullptr;
  const int64_t row = width * s.in_channels;
  float* padded = scratch.get<float>(s.batch * height * row);
  const int64_t kept_width = s.in_width < width - left ? s.in_width : width - left;
  parallel_for(s.batch * height, static_cast<double>(row) * 0.2 + 5, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; at++) {
      float* to = padded + at * row;
      const int64_t y = at % height - top;
      const bool inside = y >= 0 && y < s.in_height && kept_width > 0;
      const int64_t before = inside ? left * s.in_channels : row,
                    kept = inside ? kept_width * s.in_channels : 0;
      std::memset(to, 0, static_cast<size_t>(before) * sizeof(float));
      if (!inside) continue;
      std::memcpy(to + before, x + (at / height * s.in_height + y) * s.in_width * s.in_channels,
                  static_cast<size_t>(kept) * sizeof(float));
      std::memset(to + before + kept, 0, static_cast<size_t>(row - before - kept) * sizeof(float));
    }
  });
  return padded;
}

bool all_finite(const float* values, int64_t n) {
  // Zero times a finite number is zero, anything else NaN, and NaN stays.
  vf32 sum = zero();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) sum += load(values + i) * 0.0f;
  if (i < n) sum += load_first(values + i, n - i) * 0.0f;
  const float total = sum_lanes(sum);
  return total == total;
}

}  // namespace tfjs::TFJS_ISA

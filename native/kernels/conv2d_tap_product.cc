#include "kernels/conv2d.h"
#include "kernels/winograd.h"

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
  Worker(const TapProduct& product, int rows, const float* zeros) : p_(product), rows_(rows), zeros_(zeros) {
    reach_y_ = range_of(p_.tap_y, p_.taps);
    reach_x_ = range_of(p_.tap_x, p_.taps);
    padded_ = reach_y_.low < 0 || (p_.height - 1) * p_.step_y + reach_y_.high >= p_.in_height ||
              reach_x_.low < 0 || (p_.width - 1) * p_.step_x + reach_x_.high >= p_.in_width;
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
    Pixel at{line / p_.height, line % p_.height, first % p_.width, 0, 0, 0, nullptr};
    start_line(at);
    for (int i = 0; i < tiles; i++) {
      const int64_t left = end - first - i * rows_;
      locate(at, static_cast<int>(left < rows_ ? left : rows_), tiles_[i]);
      if (p_.narrow != nullptr) fill_up(tiles_[i]);
    }
    // Without taps the result is the bias.
    for (int64_t tap = 0; tap == 0 || tap < p_.taps; tap += block_) {
      const int64_t taps = p_.taps - tap < block_ ? p_.taps - tap : block_;
      const bool is_last = tap + taps >= p_.taps;
      for (int i = 0; i < tiles; i++) fill(tiles_[i], tap, taps);
      Epilogue epilogue = epilogue_of(p_.fusion);
      epilogue.accumulate = tap > 0;
      epilogue.clamp = epilogue.clamp && is_last;
      if (p_.narrow != nullptr) {
        const int64_t tap_floats = narrow_tap_size(p_.depth, p_.columns);
        for (int i = 0; i < tiles; i++) {
          const Tile& tile = tiles_[i];
          multiply_narrow({tile.table + tile.tap_begin * tile.rows, tile.tap_end - tile.tap_begin, p_.depth,
                           p_.narrow + (tap + tile.tap_begin) * tap_floats, tile.c, p_.columns, &epilogue});
          if (is_last) activate_tile(p_.fusion, tile.c, tile.rows, 0, p_.columns);
        }
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
                                 &epilogue};
          if (tile.outside && p_.skip_padding) {
            multiply_inside(tile.rows, product);
          } else {
            multiply_rows(tile.rows, product);
          }
          if (is_last) activate_tile(p_.fusion, tile.c, tile.rows, column, columns);
        }
      }
    }
  }

 private:
  // A pixel of the grid, and where a tap at (0, 0) reads for it.
  struct Pixel {
    int64_t n, j, i;
    int64_t y, x, offset;
    float* c;
  };

  void start_line(Pixel& pixel) const {
    pixel.y = pixel.j * p_.step_y;
    pixel.x = pixel.i * p_.step_x;
    pixel.offset = ((pixel.n * p_.in_height + pixel.y) * p_.in_width + pixel.x) * p_.in_pixel;
    pixel.c = p_.y + pixel.n * p_.image_pitch + pixel.j * p_.row_pitch + pixel.i * p_.pixel_pitch;
  }

  // Takes the pixels of a tile from `at` on, and moves it behind them. Pixel by pixel: short inner loops of
  // changing length cost more, as their ends are mispredicted.
  void locate(Pixel& at, int rows, Tile& tile) const {
    const int64_t offset_step = p_.step_x * p_.in_pixel;
    for (int r = 0; r < rows; r++) {
      tile.offset[r] = at.offset;
      tile.y[r] = at.y;
      tile.x[r] = at.x;
      tile.c[r] = at.c;
      at.x += p_.step_x;
      at.offset += offset_step;
      at.c += p_.pixel_pitch;
      if (++at.i < p_.width) continue;
      at.i = 0;
      if (++at.j == p_.height) {
        at.j = 0;
        at.n++;
      }
      start_line(at);
    }
    tile.rows = rows;
    tile.outside = false;
    for (int r = 0; padded_ && r < rows; r++) {
      tile.outside |= tile.y[r] + reach_y_.low < 0 || tile.y[r] + reach_y_.high >= p_.in_height ||
                      tile.x[r] + reach_x_.low < 0 || tile.x[r] + reach_x_.high >= p_.in_width;
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

  // multiply_rows() pixel by pixel and tap by tap, leaving out what lies outside of x.
  void multiply_inside(int rows, const RowsTile& product) const {
    const int64_t tap_floats = product.depth * panel_width(product.columns);
    Epilogue begin = *product.epilogue, add, end;
    begin.clamp = false;
    add.accumulate = true;
    end = *product.epilogue;
    end.accumulate = true;
    for (int r = 0; r < rows; r++) {
      auto multiply = [&](int64_t tap, int64_t taps, const Epilogue& epilogue) {
        multiply_rows(1, {product.a + tap * rows + r, taps, product.depth, product.panel + tap * tap_floats,
                          product.c + r, product.column, product.columns, &epilogue});
      };
      multiply(0, 0, begin);
      for (int64_t t = 0; t < product.taps; t++) {
        if (product.a[t * rows + r] != zeros_) multiply(t, 1, add);
      }
      multiply(0, 0, end);
    }
  }

  const TapProduct& p_;
  const int64_t rows_;
  const float* const zeros_;
  Range reach_y_, reach_x_;
  bool padded_;  // whether some tap of some pixel falls outside of x
  Scratch scratch_;
  int64_t block_;
  Tile tiles_[kGroupTiles];
  float nowhere_[kMaxNarrowColumns];
};

}  // namespace

void tap_product(const TapProduct& p) {
  const int64_t pixels = p.batch * p.height * p.width;
  if (pixels == 0 || p.columns == 0 || winograd_product(p)) return;
  const int rows = p.narrow != nullptr ? narrow_tile_rows(p.columns) : tile_rows(panel_vectors(p.columns));
  const int64_t tiles = ceil_div(pixels, rows), groups = ceil_div(tiles, kGroupTiles);
  const int64_t panels = panel_count(p.columns);
  // With few pixels the panels are shared out as well, evenly if possible.
  const int64_t threads = thread_count();
  int64_t splits = ceil_div(4 * threads, groups);
  while (splits > 1 && splits < panels && groups * splits % threads != 0) splits++;
  if (splits > panels) splits = panels;

  Scratch scratch;
  float* zeros = scratch.get<float>(p.depth);
  for (int64_t k = 0; k < p.depth; k++) zeros[k] = 0;
  // Five vectors of products a nanosecond is what a core reaches.
  const double tile_cost =
      static_cast<double>(rows * panels * 2) * static_cast<double>(p.taps * p.depth + 8) / 5;
  if (splits > 1) {
    const double cost = tile_cost * static_cast<double>(tiles) / static_cast<double>(groups * splits);
    parallel_for(groups * splits, cost, [&](int64_t begin, int64_t end) {
      Worker worker(p, rows, zeros);
      for (int64_t item = begin; item < end; item++) {
        const int64_t group = item / splits, split = item % splits;
        const int64_t last = tiles * (group + 1) / groups * rows;
        worker.run(tiles * group / groups * rows, last < pixels ? last : pixels, panels * split / splits,
                   panels * (split + 1) / splits);
      }
    });
    return;
  }
  parallel_for(tiles, tile_cost, [&](int64_t begin, int64_t end) {
    Worker worker(p, rows, zeros);
    const int64_t count = ceil_div(end - begin, kGroupTiles);
    for (int64_t group = 0; group < count; group++) {
      const int64_t first = begin + (end - begin) * group / count;
      const int64_t last = (begin + (end - begin) * (group + 1) / count) * rows;
      worker.run(first * rows, last < pixels ? last : pixels, 0, panels);
    }
  });
}

const float* pad_images(Scratch& scratch, const float* x, const Conv2DShape& s) {
  const int64_t height = s.reach_height(), width = s.reach_width(), top = s.at.padTop, left = s.at.padLeft;
  // In double, as padding and strides may be huge.
  const double area = static_cast<double>(height) * static_cast<double>(width);
  const double worth = 4 * static_cast<double>(s.in_height * s.in_width + 64);
  if (top < 0 || left < 0 || area > worth) return nullptr;
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

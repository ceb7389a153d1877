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
    table_ = scratch_.get<const float*>(kGroupTiles * rows * block_);
    offsets_ = scratch_.get<int64_t>(block_);
  }

  // Tiles from the pixel `first` on, up to the pixel `end`; panels [panel_begin, panel_end).
  void run(int64_t first, int64_t end, int64_t panel_begin, int64_t panel_end) {
    const int64_t pixels = end - first;
    locate(first, pixels);
    const int64_t tiles = ceil_div(pixels, rows_);
    // Without taps the result is the bias.
    for (int64_t tap = 0; tap == 0 || tap < p_.taps; tap += block_) {
      const int64_t taps = p_.taps - tap < block_ ? p_.taps - tap : block_;
      bool outside[kGroupTiles];
      for (int64_t i = 0; i < tiles; i++) outside[i] = fill(i, tile_size(i, pixels), tap, taps);
      for (int64_t panel = panel_begin; panel < panel_end; panel++) {
        const int64_t column = panel * kPanel, columns = panel_columns(p_.columns - column);
        const float* rows = p_.panels + p_.depth * (column * p_.taps + panel_width(columns) * tap);
        for (int64_t i = 0; i < tiles; i++) {
          const int size = tile_size(i, pixels);
          float* const* c = c_ + i * rows_;
          const RowsTile tile{table_ + i * rows_ * block_, taps, p_.depth, rows, c, column, columns, nullptr};
          const bool last = tap + taps >= p_.taps;
          if (outside[i] && p_.skip_padding) {
            multiply_inside(size, tile, tap == 0, last);
          } else {
            multiply(size, tile, tap == 0, last);
          }
          if (last) activate_tile(p_.fusion, c, size, column, columns);
        }
      }
    }
  }

 private:
  int tile_size(int64_t tile, int64_t pixels) const {
    const int64_t left = pixels - tile * rows_;
    return static_cast<int>(left < rows_ ? left : rows_);
  }

  // Where the pixels of a group are.
  void locate(int64_t first, int64_t pixels) {
    const int64_t image = p_.height * p_.width;
    int64_t n = first / image, j = first % image / p_.width, i = first % p_.width;
    for (int64_t at = 0; at < pixels; at++) {
      const int64_t y = j * p_.step_y, x = i * p_.step_x;
      pixel_[at] = {((n * p_.in_height + y) * p_.in_width + x) * p_.in_pixel, y, x};
      c_[at] = p_.y + n * p_.image_pitch + j * p_.row_pitch + i * p_.pixel_pitch;
      if (++i == p_.width) {
        i = 0;
        if (++j == p_.height) {
          j = 0;
          n++;
        }
      }
    }
  }

  // Writes the pointers of a tile; returns whether some lie outside of x.
  bool fill(int64_t tile, int size, int64_t tap, int64_t taps) {
    const Pixel* pixel = pixel_ + tile * rows_;
    const float** table = table_ + tile * rows_ * block_;
    for (int64_t t = 0; t < taps; t++) {
      offsets_[t] = (p_.tap_y[tap + t] * p_.in_width + p_.tap_x[tap + t]) * p_.in_pixel;
    }
    bool outside = false;
    for (int r = 0; r < size; r++) {
      outside |= pixel[r].y + reach_y_.low < 0 || pixel[r].y + reach_y_.high >= p_.in_height ||
                 pixel[r].x + reach_x_.low < 0 || pixel[r].x + reach_x_.high >= p_.in_width;
    }
    for (int64_t t = 0; t < taps; t++, table += size) {
      for (int r = 0; r < size; r++) {
        bool inside = true;
        if (outside) {
          const int64_t y = pixel[r].y + p_.tap_y[tap + t], x = pixel[r].x + p_.tap_x[tap + t];
          inside = y >= 0 && y < p_.in_height && x >= 0 && x < p_.in_width;
        }
        table[r] = inside ? p_.x + (pixel[r].offset + offsets_[t]) : zeros_;
      }
    }
    return outside;
  }

  void multiply(int size, RowsTile tile, bool first, bool last) const {
    Epilogue epilogue = epilogue_;
    epilogue.accumulate = !first;
    epilogue.clamp = epilogue_.clamp && last;
    tile.epilogue = &epilogue;
    multiply_rows(size, tile);
  }

  // The same pixel by pixel and tap by tap, leaving out what lies outside of x.
  void multiply_inside(int size, const RowsTile& tile, bool first, bool last) const {
    const int64_t tap_rows = tile.depth * panel_width(tile.columns);
    for (int r = 0; r < size; r++) {
      RowsTile one = tile;
      one.c = tile.c + r;
      one.taps = 0;
      if (first) multiply(1, one, true, false);
      one.taps = 1;
      for (int64_t t = 0; t < tile.taps; t++) {
        one.a = tile.a + t * size + r;
        one.panel = tile.panel + t * tap_rows;
        if (*one.a != zeros_) multiply(1, one, false, false);
      }
      one.taps = 0;
      if (last) multiply(1, one, false, true);
    }
  }

  struct Pixel {
    int64_t offset, y, x;  // in x, of a tap at (0, 0)
  };

  const TapProduct& p_;
  const int64_t rows_;
  const float* const zeros_;
  const Epilogue epilogue_;
  Range reach_y_, reach_x_;
  Scratch scratch_;
  int64_t block_;
  const float** table_;
  int64_t* offsets_;
  Pixel pixel_[kGroupTiles * kMaxTileRows];
  float* c_[kGroupTiles * kMaxTileRows];
};

}  // namespace

void tap_product(const TapProduct& p) {
  const int64_t pixels = p.batch * p.height * p.width;
  if (pixels == 0 || p.columns == 0) return;
  const int rows = tile_rows(panel_vectors(p.columns));
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

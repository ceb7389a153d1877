#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace tfjs::TFJS_ISA {
namespace {

// Transformed data and products of a block of tiles are to stay in the second-level cache.
constexpr int64_t kBlockBytes = 448 * 1024;
constexpr int64_t kMostTiles = 96;

// The order in which the nine taps come, if they are neighbours; false if they are not.
bool sort_taps(const TapProduct& p, int64_t* low_y, int64_t* low_x, int (&order)[9]) {
  if (p.taps != 9 || p.step_y != 1 || p.step_x != 1) return false;
  *low_y = p.tap_y[0];
  *low_x = p.tap_x[0];
  for (int t = 0; t < 9; t++) {
    if (p.tap_y[t] < *low_y) *low_y = p.tap_y[t];
    if (p.tap_x[t] < *low_x) *low_x = p.tap_x[t];
    order[t] = -1;
  }
  for (int t = 0; t < 9; t++) {
    const int64_t y = p.tap_y[t] - *low_y, x = p.tap_x[t] - *low_x;
    if (y > 2 || x > 2) return false;
    order[y * 3 + x] = t;
  }
  for (int t : order) {
    if (t < 0) return false;
  }
  return true;
}

template <int kTile>
class Product {
 public:
  using Transform = WinogradTransform<kTile>;
  static constexpr int kEdge = Transform::kEdge, kPositions = kEdge * kEdge;

  Product(const TapProduct& p, int64_t low_y, int64_t low_x, const int (&order)[9])
      : p_(p), low_y_(low_y), low_x_(low_x), order_(order) {
    tile_rows_ = ceil_div(p.height, kTile);
    tile_columns_ = ceil_div(p.width, kTile);
    tiles_ = p.batch * tile_rows_ * tile_columns_;
    depth_pitch_ = ceil_div(p.depth, kLanes) * kLanes;
    column_pitch_ = ceil_div(p.columns, kLanes) * kLanes;
    weights_pitch_ = winograd_pitch(panels_size(p.depth, p.columns));
    rows_ = tile_rows(panel_vectors(p.columns));
    block_ =
        kBlockBytes / (kPositions * (depth_pitch_ + column_pitch_) * static_cast<int64_t>(sizeof(float)));
    block_ = block_ / rows_ * rows_;
    if (block_ > kMostTiles) block_ = kMostTiles;
    if (block_ < 2 * rows_) block_ = 2 * rows_;
    // Few tiles are shared out evenly; how does not change the bits of a result.
    const int64_t share = ceil_div(ceil_div(tiles_, 4 * thread_count()), rows_) * rows_;
    if (block_ > share) block_ = share;
  }

  bool run() {
    Scratch scratch;
    weights_ = scratch.get<float>(kPositions * weights_pitch_);
    float* zeros = scratch.get<float>(depth_pitch_);
    std::memset(zeros, 0, static_cast<size_t>(depth_pitch_) * sizeof(float));
    zeros_ = zeros;
    const double weight_cost = static_cast<double>(kPositions * kPanel / kLanes) * 0.5;
    parallel_for(panel_count(p_.columns) * p_.depth, weight_cost,
                 [&](int64_t begin, int64_t end) { transform_weights(begin, end); });
    const double tile_cost = static_cast<double>(kPositions) * static_cast<double>(p_.depth + 16) *
                             static_cast<double>(column_pitch_) / (5.0 * kLanes);
    parallel_for(ceil_div(tiles_, block_), tile_cost * static_cast<double>(block_),
                 [&](int64_t begin, int64_t end) {
                   Scratch own;
                   const int64_t data_pitch = winograd_pitch(block_ * depth_pitch_);
                   const int64_t product_pitch = winograd_pitch(block_ * column_pitch_);
                   const Block block{own.get<float>(kPositions * data_pitch), data_pitch,
                                     own.get<float>(kPositions * product_pitch), product_pitch};
                   for (int64_t b = begin; b < end; b++) {
                     const int64_t last = (b + 1) * block_;
                     compute(block, b * block_, last < tiles_ ? last : tiles_);
                   }
                 });
    return finite_;
  }

 private:
  struct Block {
    float* data;  // [position][tile][depth_pitch_]
    int64_t data_pitch;
    float* products;  // [position][tile][column_pitch_]
    int64_t product_pitch;
  };
  struct Place {
    int64_t n, y, x;  // image, first row and column of the result
  };
  Place place(int64_t tile) const {
    const int64_t row = tile / tile_columns_;
    return {row / tile_rows_, row % tile_rows_ * kTile, tile % tile_columns_ * kTile};
  }

  // Rows of the panels: item i is row i % depth of panel i / depth.
  void transform_weights(int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t panel = i / p_.depth, k = i % p_.depth, column = panel * kPanel;
      const int64_t width = panel_width(panel_columns(p_.columns - column));
      const float* from = p_.panels + column * 9 * p_.depth + k * width;
      float* to = weights_ + column * p_.depth + k * width;
      for (int64_t j = 0; j < width; j += kLanes) {
        vf32 g[3][3], u[kEdge][kEdge];
        TFJS_UNROLL for (int t = 0; t < 9; t++) {
          g[t / 3][t % 3] = load(from + order_[t] * p_.depth * width + j);
        }
        transform_square<3, kEdge>(g, u, [](const vf32(&a)[3], vf32(&b)[kEdge]) { Transform::filter(a, b); });
        TFJS_UNROLL for (int y = 0; y < kEdge; y++) {
          TFJS_UNROLL for (int x = 0; x < kEdge; x++)
              store(to + (y * kEdge + x) * weights_pitch_ + j, u[y][x]);
        }
      }
    }
  }

  void compute(const Block& block, int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; tile++) {
      transform_data(place(tile), block.data + (tile - begin) * depth_pitch_, block.data_pitch);
    }
    multiply(block, end - begin);
    bool finite = true;
    for (int64_t tile = begin; tile < end; tile++) {
      finite &= transform_products(place(tile), block.products + (tile - begin) * column_pitch_,
                                   block.product_pitch);
    }
    if (!finite) __atomic_store_n(&finite_, false, __ATOMIC_RELAXED);
  }

  void transform_data(const Place& at, float* to, int64_t pitch) const {
    const float* pixel[kEdge][kEdge];
    const int64_t y = at.y + low_y_, x = at.x + low_x_;
    for (int j = 0; j < kEdge; j++) {
      const bool inside_row = y + j >= 0 && y + j < p_.in_height;
      const float* row = p_.x + ((at.n * p_.in_height + y + j) * p_.in_width + x) * p_.in_pixel;
      for (int i = 0; i < kEdge; i++) {
        pixel[j][i] = inside_row && x + i >= 0 && x + i < p_.in_width ? row + i * p_.in_pixel : zeros_;
      }
    }
    for (int64_t k = 0; k < p_.depth; k += kLanes) {
      vf32 d[kEdge][kEdge], v[kEdge][kEdge];
      const int64_t left = p_.depth - k;
      if (left >= kLanes) {
        TFJS_UNROLL for (int j = 0; j < kEdge; j++) {
          TFJS_UNROLL for (int i = 0; i < kEdge; i++) d[j][i] = load(pixel[j][i] + k);
        }
      } else {
        for (int j = 0; j < kEdge; j++) {
          for (int i = 0; i < kEdge; i++) d[j][i] = load_first(pixel[j][i] + k, left);
        }
      }
      transform_square<kEdge, kEdge>(d, v,
                                     [](const vf32(&a)[kEdge], vf32(&b)[kEdge]) { Transform::data(a, b); });
      TFJS_UNROLL for (int j = 0; j < kEdge; j++) {
        TFJS_UNROLL for (int i = 0; i < kEdge; i++) store(to + (j * kEdge + i) * pitch + k, v[j][i]);
      }
    }
  }

  void multiply(const Block& block, int64_t tiles) const {
    const Epilogue none;
    const int64_t parts = ceil_div(tiles, rows_);
    for (int position = 0; position < kPositions; position++) {
      const float* data = block.data + position * block.data_pitch;
      float* products = block.products + position * block.product_pitch;
      for (int64_t column = 0; column < p_.columns; column += kPanel) {
        const int64_t width = panel_width(panel_columns(p_.columns - column));
        const float* panel = weights_ + position * weights_pitch_ + column * p_.depth;
        for (int64_t part = 0; part < parts; part++) {
          const int64_t first = tiles * part / parts, last = tiles * (part + 1) / parts;
          const float* a[kMaxTileRows];
          float* c[kMaxTileRows];
          for (int64_t r = first; r < last; r++) {
            a[r - first] = data + r * depth_pitch_;
            c[r - first] = products + r * column_pitch_;
          }
          multiply_rows(static_cast<int>(last - first), {a, 1, p_.depth, panel, c, column, width, &none});
        }
      }
    }
  }

  // Returns whether the results are finite.
  bool transform_products(const Place& at, const float* from, int64_t pitch) const {
    const int64_t rows = p_.height - at.y < kTile ? p_.height - at.y : kTile;
    const int64_t columns = p_.width - at.x < kTile ? p_.width - at.x : kTile;
    const Epilogue epilogue = epilogue_of(p_.fusion);
    float* y = p_.y + at.n * p_.image_pitch + at.y * p_.row_pitch + at.x * p_.pixel_pitch;
    vf32 check = zero();
    for (int64_t column = 0; column < p_.columns; column += kLanes) {
      vf32 m[kEdge][kEdge], result[kTile][kTile];
      TFJS_UNROLL for (int j = 0; j < kEdge; j++) {
        TFJS_UNROLL for (int i = 0; i < kEdge; i++) m[j][i] = load(from + (j * kEdge + i) * pitch + column);
      }
      transform_square<kEdge, kTile>(m, result,
                                     [](const vf32(&a)[kEdge], vf32(&b)[kTile]) { Transform::result(a, b); });
      const int64_t left = p_.columns - column;
      vf32 bias = zero();
      if (epilogue.bias != nullptr) {
        bias = left >= kLanes ? load(epilogue.bias + column) : load_first(epilogue.bias + column, left);
      }
      TFJS_UNROLL for (int j = 0; j < kTile; j++) {
        TFJS_UNROLL for (int i = 0; i < kTile; i++) {
          vf32 sum = result[j][i] + bias;
          check = fma(sum, zero(), check);
          if (epilogue.clamp) {
            sum = splat(epilogue.low) > sum ? splat(epilogue.low) : sum;
            sum = splat(epilogue.high) < sum ? splat(epilogue.high) : sum;
          }
          if (j >= rows || i >= columns) continue;
          float* to = y + j * p_.row_pitch + i * p_.pixel_pitch + column;
          if (left >= kLanes) {
            store(to, sum);
          } else {
            store_first(to, sum, left);
          }
        }
      }
    }
    float* pixels[kTile * kTile];
    int64_t count = 0;
    for (int64_t j = 0; j < rows; j++) {
      for (int64_t i = 0; i < columns; i++) pixels[count++] = y + j * p_.row_pitch + i * p_.pixel_pitch;
    }
    activate_tile(p_.fusion, pixels, count, 0, p_.columns);
    const float total = sum_lanes(check);
    return total == total;
  }

  const TapProduct& p_;
  const int64_t low_y_, low_x_;
  const int (&order_)[9];
  int64_t tile_rows_, tile_columns_, tiles_;
  int64_t depth_pitch_, column_pitch_, weights_pitch_;
  int64_t rows_, block_;      // tiles of a product, and of a block
  float* weights_ = nullptr;  // [position], each in panels
  const float* zeros_ = nullptr;
  bool finite_ = true;
};

}  // namespace

bool winograd_product(const TapProduct& p) {
  int64_t low_y, low_x;
  int order[9];
  if (p.skip_padding || p.narrow != nullptr || p.pixel_pitch != p.columns ||
      !sort_taps(p, &low_y, &low_x, order))
    return false;
  switch (winograd_product_tile(p.batch, p.height, p.width, p.depth, p.columns)) {
    case 4:
      return Product<4>(p, low_y, low_x, order).run();
    case 2:
      return Product<2>(p, low_y, low_x, order).run();
    default:
      return false;
  }
}

}  // namespace tfjs::TFJS_ISA

// 3x3 convolutions that are pooled by windows of 2x2, by Winograd's F(2x2, 3x3) or F(4x4, 3x3): a tile is one
// window or four, so that results are pooled in registers as they come out of the transform.
#include "kernels/conv2d_max_pool.h"
#include "kernels/winograd_transform.h"

namespace tfjs::TFJS_ISA {
namespace {

// Tiles that a panel of the filter serves before the next one is fetched.
constexpr int64_t kBlockTiles = 24;

template <int kTile>
class TiledWindows {
 public:
  using Transform = WinogradTransform<kTile>;
  static constexpr int kEdge = Transform::kEdge, kPositions = kEdge * kEdge;

  TiledWindows(const PooledConv2D& shape, const float* x, const float* filter, const PooledResult& result)
      : s_(shape), c_(shape.conv), x_(x), filter_(filter), result_(result) {
    depth_ = c_.in_channels;
    depth_pitch_ = ceil_div(depth_, kLanes) * kLanes;
    tile_rows_ = ceil_div(s_.height, kTile / 2);
    tile_columns_ = ceil_div(s_.width, kTile / 2);
    tiles_ = c_.batch * tile_rows_ * tile_columns_;
    block_ = tiles_ < kBlockTiles ? tiles_ : kBlockTiles;
    data_pitch_ = winograd_pitch(block_ * depth_pitch_);
    product_pitch_ = winograd_pitch(block_ * kPanel);
    // Positions of a panel must not fall on the same sets of the cache.
    weights_pitch_ = depth_ * kPanel + 16;
  }

  void run() {
    const int64_t panels = panel_count(c_.out_channels);
    Scratch scratch;
    weights_ = scratch.get<float>(panels * kPositions * weights_pitch_);
    data_ = scratch.get<float>(kPositions * data_pitch_);
    products_ = scratch.get<float>(kPositions * product_pitch_);
    float* zeros = scratch.get<float>(depth_pitch_);
    std::memset(zeros, 0, static_cast<size_t>(depth_pitch_) * sizeof(float));
    zeros_ = zeros;
    data_rows_ = scratch.get<const float*>(kPositions * block_);
    product_rows_ = scratch.get<float*>(kPositions * block_);
    for (int64_t p = 0; p < kPositions; p++) {
      for (int64_t r = 0; r < block_; r++) {
        data_rows_[p * block_ + r] = data_ + p * data_pitch_ + r * depth_pitch_;
        product_rows_[p * block_ + r] = products_ + p * product_pitch_ + r * kPanel;
      }
    }
    for (int64_t panel = 0; panel < panels; panel++) transform_weights(panel);
    for (int64_t first = 0; first < tiles_; first += block_) {
      const int64_t count = tiles_ - first < block_ ? tiles_ - first : block_;
      transform_data(first, count);
      for (int64_t panel = 0; panel < panels; panel++) {
        multiply(panel, count);
        pool(panel, first, count);
      }
    }
  }

 private:
  int64_t columns_of(int64_t panel) const { return panel_columns(c_.out_channels - panel * kPanel); }

  void transform_weights(int64_t panel) {
    const int64_t columns = columns_of(panel), width = panel_width(columns);
    for (int64_t v = 0; v < width; v += kLanes) {
      for (int64_t k = 0; k < depth_; k++) {
        const float* from = filter_ + k * c_.out_channels + panel * kPanel + v;
        float* to = weights_ + panel * kPositions * weights_pitch_ + k * width + v;
        vf32 g[3][3], u[kEdge][kEdge];
        TFJS_UNROLL for (int t = 0; t < 9; t++) {
          g[t / 3][t % 3] = read_lanes(from + t * depth_ * c_.out_channels, columns - v);
        }
        transform_square<3, kEdge>(g, u, [](const vf32(&a)[3], vf32(&b)[kEdge]) { Transform::filter(a, b); });
        TFJS_UNROLL for (int i = 0; i < kPositions; i++) {
          store(to + i * weights_pitch_, u[i / kEdge][i % kEdge]);
        }
      }
    }
  }

  void transform_data(int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
      const int64_t row = (first + i) / tile_columns_;
      const int64_t y = row % tile_rows_ * kTile - c_.at.padTop;
      const int64_t x = (first + i) % tile_columns_ * kTile - c_.at.padLeft;
      const float* image = x_ + row / tile_rows_ * c_.in_height * c_.in_width * depth_;
      float* to = data_ + i * depth_pitch_;
      if (y >= 0 && y + kEdge <= c_.in_height && x >= 0 && x + kEdge <= c_.in_width &&
          depth_ == depth_pitch_) {
        const float* row[kEdge];
        TFJS_UNROLL for (int a = 0; a < kEdge; a++) row[a] = image + ((y + a) * c_.in_width + x) * depth_;
        for (int64_t k = 0; k < depth_; k += kLanes) {
          transform_pixels([&](int a, int b) { return load(row[a] + b * depth_ + k); }, to + k);
        }
        continue;
      }
      const float* pixel[kEdge][kEdge];
      for (int a = 0; a < kEdge; a++) {
        for (int b = 0; b < kEdge; b++) {
          const bool inside = y + a >= 0 && y + a < c_.in_height && x + b >= 0 && x + b < c_.in_width;
          pixel[a][b] = inside ? image + ((y + a) * c_.in_width + x + b) * depth_ : zeros_;
        }
      }
      for (int64_t k = 0; k < depth_; k += kLanes) {
        const int64_t left = depth_ - k;
        if (left >= kLanes) {
          transform_pixels([&](int a, int b) { return load(pixel[a][b] + k); }, to + k);
        } else {
          transform_pixels([&](int a, int b) { return load_first(pixel[a][b] + k, left); }, to + k);
        }
      }
    }
  }

  template <class F>
  [[gnu::always_inline]] void transform_pixels(F pixel, float* to) const {
    vf32 d[kEdge][kEdge], v[kEdge][kEdge];
    TFJS_UNROLL for (int a = 0; a < kEdge; a++) {
      TFJS_UNROLL for (int b = 0; b < kEdge; b++) d[a][b] = pixel(a, b);
    }
    transform_square<kEdge, kEdge>(d, v,
                                   [](const vf32(&a)[kEdge], vf32(&b)[kEdge]) { Transform::data(a, b); });
    TFJS_UNROLL for (int a = 0; a < kEdge; a++) {
      TFJS_UNROLL for (int b = 0; b < kEdge; b++) store(to + (a * kEdge + b) * data_pitch_, v[a][b]);
    }
  }

  void multiply(int64_t panel, int64_t count) const {
    const int64_t width = panel_width(columns_of(panel));
    const int64_t parts = ceil_div(count, tile_rows(panel_vectors(width)));
    const Epilogue none;
    for (int64_t p = 0; p < kPositions; p++) {
      const float* weights = weights_ + (panel * kPositions + p) * weights_pitch_;
      for (int64_t part = 0; part < parts; part++) {
        const int64_t begin = count * part / parts, end = count * (part + 1) / parts;
        multiply_rows(static_cast<int>(end - begin), {data_rows_ + p * block_ + begin, 1, depth_, weights,
                                                      product_rows_ + p * block_ + begin, 0, width, &none});
      }
    }
  }

  void pool(int64_t panel, int64_t first, int64_t count) {
    const int64_t channels = columns_of(panel), column = panel * kPanel;
    // A copy, which stores of bytes cannot alias.
    const PooledResult result = result_;
    for (int64_t i = 0; i < count; i++) {
      const int64_t line = (first + i) / tile_columns_;
      const int64_t row = line % tile_rows_ * (kTile / 2), left = (first + i) % tile_columns_ * (kTile / 2);
      const int64_t window = (line / tile_rows_ * s_.height + row) * s_.width + left;
      const int64_t at = window * c_.out_channels + column;
      const int64_t rows = s_.height - row, columns = s_.width - left;
      for (int64_t v = 0; v < channels; v += kLanes) {
        const float* from = products_ + i * kPanel + v;
        vf32 m[kEdge][kEdge], y[kTile][kTile];
        TFJS_UNROLL for (int p = 0; p < kPositions; p++) {
          m[p / kEdge][p % kEdge] = load(from + p * product_pitch_);
        }
        transform_square<kEdge, kTile>(
            m, y, [](const vf32(&a)[kEdge], vf32(&b)[kTile]) { Transform::result(a, b); });
        TFJS_UNROLL for (int a = 0; a < kTile; a += 2) {
          TFJS_UNROLL for (int b = 0; b < kTile; b += 2) {
            // The last tiles reach beyond the last windows.
            if (kTile > 2 && (a / 2 >= rows || b / 2 >= columns)) continue;
            put_largest(result, at + (a / 2 * s_.width + b / 2) * c_.out_channels + v, column + v, y[a][b],
                        y[a][b + 1], y[a + 1][b], y[a + 1][b + 1], channels - v);
          }
        }
      }
    }
  }

  const PooledConv2D& s_;
  const Conv2DShape& c_;
  const float *const x_, *const filter_;
  const PooledResult& result_;
  int64_t depth_, depth_pitch_;
  int64_t tile_rows_, tile_columns_, tiles_, block_;
  int64_t data_pitch_, product_pitch_, weights_pitch_;
  float* weights_;           // [panel][position][depth_][width of the panel]
  float* data_;              // [position][tile][depth_pitch_]
  float* products_;          // [position][tile][kPanel]
  const float** data_rows_;  // of each position and tile
  float** product_rows_;
  const float* zeros_;
};

}  // namespace

bool conv2d_max_pool_winograd(const PooledConv2D& s, const float* x, const float* filter,
                              const PooledResult& result) {
  const Conv2DShape& c = s.conv;
  if (!s.halves() || !s.plain() || c.filter_height != 3 || c.filter_width != 3) return false;
  switch (winograd_pooled_tile(c.batch, c.out_height, c.out_width, c.in_channels, c.out_channels)) {
    case 4:
      TiledWindows<4>(s, x, filter, result).run();
      return true;
    case 2:
      TiledWindows<2>(s, x, filter, result).run();
      return true;
    default:
      return false;
  }
}

}  // namespace tfjs::TFJS_ISA

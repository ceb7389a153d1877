// 3x3 convolutions that are pooled by windows of 2x2, by Winograd's F(2x2, 3x3), F(4x4, 3x3) or F(5x5, 3x3):
// a tile is one window or four, so that results are pooled in registers as they come out of the transform, or
// four tiles are 25 windows, pooled out of the first-level cache.
#include "kernels/conv2d_max_pool.h"
#include "kernels/winograd_transform.h"

namespace tfjs::TFJS_ISA {
namespace {

// Tiles that a panel of the filter serves before the next one is fetched, at most.
constexpr int64_t kBlockTiles = 24;

// Columns of transformed filters: a multiple of what panels have under each instruction set.
constexpr int64_t kColumns = 32;
static_assert(kColumns % kPanel == 0);

int64_t padded_columns(int64_t columns) { return ceil_div(columns, kColumns) * kColumns; }

// Floats from one position to the next, which must not fall on the same sets of the caches.
int64_t position_pitch(int64_t depth, int64_t columns) {
  return winograd_pitch(depth * padded_columns(columns));
}

int tile_of(int64_t positions) { return positions == 49 ? 5 : positions == 36 ? 4 : positions == 16 ? 2 : 0; }

// Transforms a filter [3, 3, depth, columns] into [position][depth][padded columns].
template <int kTile>
void transform_filter(const float* filter, int64_t depth, int64_t columns, float* to) {
  using Transform = WinogradTransform<kTile>;
  constexpr int kEdge = Transform::kEdge;
  const int64_t row = padded_columns(columns), pitch = position_pitch(depth, columns), step = depth * columns;
  for (int64_t k = 0; k < depth; k++) {
    for (int64_t j = 0; j < row; j += kLanes) {
      const float* from = filter + k * columns + j;
      vf32 g[3][3], u[kEdge][kEdge];
      TFJS_UNROLL for (int y = 0; y < 3; y++) {
        TFJS_UNROLL for (int x = 0; x < 3; x++) {
          g[y][x] = j < columns ? read_lanes(from + (y * 3 + x) * step, columns - j) : zero();
        }
      }
      transform_square<3, kEdge>(g, u, [](const vf32(&a)[3], vf32(&b)[kEdge]) { Transform::filter(a, b); });
      TFJS_UNROLL for (int y = 0; y < kEdge; y++) {
        TFJS_UNROLL for (int x = 0; x < kEdge; x++) {
          store(to + (y * kEdge + x) * pitch + k * row + j, u[y][x]);
        }
      }
    }
  }
  for (int64_t i = 0; i < kEdge * kEdge; i++) {
    for (int64_t gap = depth * row; gap < pitch; gap += kLanes) store(to + i * pitch + gap, zero());
  }
}

template <int kTile>
class TiledWindows {
 public:
  using Transform = WinogradTransform<kTile>;
  static constexpr int kEdge = Transform::kEdge, kPositions = kEdge * kEdge;
  // Areas of whole windows: kAcross x kAcross tiles.
  static constexpr int kAcross = kTile % 2 == 0 ? 1 : 2, kTiles = kAcross * kAcross;
  static constexpr int kSide = kAcross * kTile, kWindows = kSide / 2;

  TiledWindows(const PooledConv2D& shape, const float* x, const PooledResult& result)
      : s_(shape), c_(shape.conv), x_(x), result_(result) {
    depth_ = c_.in_channels;
    depth_pitch_ = ceil_div(depth_, kLanes) * kLanes;
    area_rows_ = ceil_div(s_.height, kWindows);
    area_columns_ = ceil_div(s_.width, kWindows);
    areas_ = c_.batch * area_rows_ * area_columns_;
    block_areas_ = ceil_div(areas_, ceil_div(areas_ * kTiles, kBlockTiles));
    data_pitch_ = winograd_pitch(kPositions * depth_pitch_);
    product_pitch_ = winograd_pitch(kPositions * kPanel);
  }

  // With the transformed filter, or without.
  void run(const float* filter, const float* transformed) {
    Scratch scratch;
    if (transformed == nullptr) {
      float* weights = scratch.get<float>(kPositions * position_pitch(depth_, c_.out_channels));
      transform_filter<kTile>(filter, depth_, c_.out_channels, weights);
      transformed = weights;
    }
    weights_ = transformed;
    data_ = scratch.get<float>(block_areas_ * kTiles * data_pitch_);
    products_ = scratch.get<float>(block_areas_ * kTiles * product_pitch_);
    float* zeros = scratch.get<float>(depth_pitch_);
    std::memset(zeros, 0, static_cast<size_t>(depth_pitch_) * sizeof(float));
    zeros_ = zeros;
    for (int64_t first = 0; first < areas_; first += block_areas_) {
      const int64_t count = areas_ - first < block_areas_ ? areas_ - first : block_areas_;
      transform_data(first, count);
      for (int64_t column = 0; column < c_.out_channels; column += kPanel) {
        multiply(column, count * kTiles);
        pool(column, first, count);
      }
    }
  }

 private:
  void transform_data(int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
      const int64_t row = (first + i) / area_columns_;
      const int64_t top = row % area_rows_ * kSide - c_.at.padTop;
      const int64_t left = (first + i) % area_columns_ * kSide - c_.at.padLeft;
      const float* image = x_ + row / area_rows_ * c_.in_height * c_.in_width * depth_;
      for (int tile = 0; tile < kTiles; tile++) {
        transform_tile(image, top + tile / kAcross * kTile, left + tile % kAcross * kTile,
                       data_ + (i * kTiles + tile) * data_pitch_);
      }
    }
  }

  void transform_tile(const float* image, int64_t y, int64_t x, float* to) const {
    if (y >= 0 && y + kEdge <= c_.in_height && x >= 0 && x + kEdge <= c_.in_width && depth_ == depth_pitch_) {
      const float* row[kEdge];
      TFJS_UNROLL for (int a = 0; a < kEdge; a++) row[a] = image + ((y + a) * c_.in_width + x) * depth_;
      for (int64_t k = 0; k < depth_; k += kLanes) {
        transform_pixels([&](int a, int b) { return load(row[a] + b * depth_ + k); }, to + k);
      }
      return;
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

  template <class F>
  [[gnu::always_inline]] void transform_pixels(F pixel, float* to) const {
    vf32 d[kEdge][kEdge], v[kEdge][kEdge];
    TFJS_UNROLL for (int a = 0; a < kEdge; a++) {
      TFJS_UNROLL for (int b = 0; b < kEdge; b++) d[a][b] = pixel(a, b);
    }
    transform_square<kEdge, kEdge>(d, v,
                                   [](const vf32(&a)[kEdge], vf32(&b)[kEdge]) { Transform::data(a, b); });
    TFJS_UNROLL for (int a = 0; a < kEdge; a++) {
      TFJS_UNROLL for (int b = 0; b < kEdge; b++) store(to + (a * kEdge + b) * depth_pitch_, v[a][b]);
    }
  }

  void multiply(int64_t column, int64_t count) const {
    const int64_t columns = panel_columns(c_.out_channels - column), row = padded_columns(c_.out_channels);
    const int64_t parts = ceil_div(count, tile_rows(panel_vectors(columns)));
    const int64_t pitch = position_pitch(depth_, c_.out_channels);
    const Epilogue none;
    int64_t offsets[kMaxTileRows];
    for (int64_t r = 0; r < kMaxTileRows; r++) offsets[r] = r * data_pitch_;
    for (int64_t p = 0; p < kPositions; p++) {
      for (int64_t part = 0; part < parts; part++) {
        const int64_t begin = count * part / parts, end = count * (part + 1) / parts;
        const Segment all = {data_ + begin * data_pitch_ + p * depth_pitch_, weights_ + p * pitch + column,
                             depth_};
        multiply_columns(static_cast<int>(end - begin),
                         {offsets, &all, 1, 1, row, products_ + begin * product_pitch_ + p * kPanel,
                          product_pitch_, 0, columns, &none});
      }
    }
  }

  void pool(int64_t column, int64_t first, int64_t count) {
    const int64_t channels = panel_columns(c_.out_channels - column);
    // A copy, which stores of bytes cannot alias.
    const PooledResult result = result_;
    for (int64_t i = 0; i < count; i++) {
      const int64_t line = (first + i) / area_columns_;
      const int64_t row = line % area_rows_ * kWindows, left = (first + i) % area_columns_ * kWindows;
      const int64_t window = (line / area_rows_ * s_.height + row) * s_.width + left;
      const int64_t at = window * c_.out_channels + column;
      const int64_t rows = s_.height - row, columns = s_.width - left;
      for (int64_t v = 0; v < channels; v += kLanes) {
        vf32 y[kSide][kSide];
        TFJS_UNROLL for (int tile = 0; tile < kTiles; tile++) {
          const float* from = products_ + (i * kTiles + tile) * product_pitch_ + v;
          vf32 m[kEdge][kEdge], part[kTile][kTile];
          TFJS_UNROLL for (int a = 0; a < kEdge; a++) {
            TFJS_UNROLL for (int b = 0; b < kEdge; b++) m[a][b] = load(from + (a * kEdge + b) * kPanel);
          }
          transform_square<kEdge, kTile>(
              m, part, [](const vf32(&a)[kEdge], vf32(&b)[kTile]) { Transform::result(a, b); });
          TFJS_UNROLL for (int a = 0; a < kTile; a++) {
            TFJS_UNROLL for (int b = 0; b < kTile; b++) {
              y[tile / kAcross * kTile + a][tile % kAcross * kTile + b] = part[a][b];
            }
          }
        }
        if (rows >= kWindows && columns >= kWindows && channels - v >= kLanes) {
          pool_area<true>(result, y, at + v, column + v, kWindows, kWindows, kLanes);
        } else {
          pool_area<false>(result, y, at + v, column + v, rows, columns, channels - v);
        }
      }
    }
  }

  // Pools an area, or as much of it as there is: the last ones reach beyond the last windows.
  template <bool kWhole>
  [[gnu::always_inline]] void pool_area(const PooledResult& result, const vf32 (&y)[kSide][kSide], int64_t at,
                                        int64_t column, int64_t rows, int64_t columns, int64_t n) const {
    TFJS_UNROLL for (int a = 0; a < kWindows; a++) {
      int64_t to = at + a * s_.width * c_.out_channels;
      TFJS_UNROLL for (int b = 0; b < kWindows; b++, to += c_.out_channels) {
        if (!kWhole && (a >= rows || b >= columns)) continue;
        put_largest(result, to, column, y[2 * a][2 * b], y[2 * a][2 * b + 1], y[2 * a + 1][2 * b],
                    y[2 * a + 1][2 * b + 1], kWhole ? kLanes : n);
      }
    }
  }

  const PooledConv2D& s_;
  const Conv2DShape& c_;
  const float* const x_;
  const PooledResult& result_;
  int64_t depth_, depth_pitch_;
  int64_t area_rows_, area_columns_, areas_, block_areas_;
  int64_t data_pitch_, product_pitch_;
  const float* weights_;  // as transform_filter() makes it
  float* data_;           // [tile][position][depth_pitch_]
  float* products_;       // [tile][position][kPanel]
  const float* zeros_;
};

}  // namespace

bool conv2d_max_pool_winograd(const PooledConv2D& s, const float* x, const float* filter,
                              const Tensor* transformed, const PooledResult& result) {
  const Conv2DShape& c = s.conv;
  if (!s.halves() || !s.plain() || c.filter_height != 3 || c.filter_width != 3) return false;
  const int tile = transformed != nullptr ? tile_of(transformed->dims[0])
                                          : winograd_pooled_tile(c.batch, c.out_height, c.out_width,
                                                                 c.in_channels, c.out_channels);
  const float* weights = transformed != nullptr ? transformed->f32() : nullptr;
  switch (tile) {
    case 5:
      TiledWindows<5>(s, x, result).run(filter, weights);
      return true;
    case 4:
      TiledWindows<4>(s, x, result).run(filter, weights);
      return true;
    case 2:
      TiledWindows<2>(s, x, result).run(filter, weights);
      return true;
    default:
      return false;
  }
}

Status WinogradFilter(const Args& args) {
  const Tensor &filter = args.inputs[0], &to = args.outputs[0];
  const int64_t depth = filter.dims[2], columns = filter.dims[3];
  if (filter.dims[0] != 3 || filter.dims[1] != 3 || to.dims[1] != position_pitch(depth, columns))
    return Status::InvalidArgument;
  switch (to.dims[0]) {
    case 16:
      transform_filter<2>(filter.f32(), depth, columns, to.f32());
      return Status::Ok;
    case 36:
      transform_filter<4>(filter.f32(), depth, columns, to.f32());
      return Status::Ok;
    case 49:
      transform_filter<5>(filter.f32(), depth, columns, to.f32());
      return Status::Ok;
    default:
      return Status::Unsupported;
  }
}

}  // namespace tfjs::TFJS_ISA

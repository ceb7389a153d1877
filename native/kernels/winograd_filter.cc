#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace tfjs::TFJS_ISA {
namespace {

// Transformed x and dy of a block of tiles are to stay in the second-level cache.
constexpr int64_t kBlockBytes = 512 * 1024;
constexpr int64_t kMostTiles = 96, kFewestTiles = 16;

template <int kTile>
class FilterGradient {
 public:
  using Transform = WinogradTransform<kTile>;
  static constexpr int kEdge = Transform::kEdge, kPositions = kEdge * kEdge;

  FilterGradient(const Conv2DShape& s, const float* x, const float* dy) : s_(s), x_(x), dy_(dy) {
    tile_rows_ = ceil_div(s.out_height, kTile);
    tile_columns_ = ceil_div(s.out_width, kTile);
    tiles_ = s.batch * tile_rows_ * tile_columns_;
    x_pitch_ = ceil_div(s.in_channels, kLanes) * kLanes;
    dy_pitch_ = ceil_div(s.out_channels, kLanes) * kLanes;
    sums_pitch_ = winograd_pitch(s.in_channels * dy_pitch_);
    block_ = kBlockBytes / (kPositions * (x_pitch_ + dy_pitch_) * static_cast<int64_t>(sizeof(float)));
    if (block_ > kMostTiles) block_ = kMostTiles;
    if (block_ < kFewestTiles) block_ = kFewestTiles;
    slices_ = winograd_filter_slices(tiles_, s.in_channels, s.out_channels, kTile);
  }

  bool run(float* dw) {
    Scratch scratch;
    const int64_t most = x_pitch_ > dy_pitch_ ? x_pitch_ : dy_pitch_;
    float* zeros = scratch.get<float>(most);
    std::memset(zeros, 0, static_cast<size_t>(most) * sizeof(float));
    zeros_ = zeros;
    int64_t* channels = scratch.get<int64_t>(s_.in_channels);
    for (int64_t c = 0; c < s_.in_channels; c++) channels[c] = c;
    channel_offsets_ = channels;
    sums_ = scratch.get<float>(slices_ * kPositions * sums_pitch_);
    // Where slices are fewer than threads the rows of positions are shared out as well.
    int64_t groups = ceil_div(2 * thread_count(), slices_);
    if (groups > kEdge) groups = kEdge;
    if (thread_count() <= slices_) groups = 1;
    parallel_tasks(slices_ * groups, [&](int64_t task) {
      const int64_t slice = task / groups, group = task % groups;
      const Rows rows{kEdge * group / groups, kEdge * (group + 1) / groups};
      Scratch own;
      const int64_t x_block = winograd_pitch(block_ * x_pitch_),
                    dy_block = winograd_pitch(block_ * dy_pitch_);
      float* x = own.get<float>(kPositions * x_block);
      float* dy = own.get<float>(kPositions * dy_block);
      float* sums = sums_ + slice * kPositions * sums_pitch_;
      const int64_t begin = tiles_ * slice / slices_, end = tiles_ * (slice + 1) / slices_;
      for (int64_t first = begin; first < end; first += block_) {
        const int64_t count = end - first < block_ ? end - first : block_;
        for (int64_t t = 0; t < count; t++) {
          transform_x(first + t, rows, x + t * x_pitch_, x_block);
          transform_dy(first + t, rows, dy + t * dy_pitch_, dy_block);
        }
        multiply(rows, x, x_block, dy, dy_block, count, first > begin, sums);
      }
    });
    const double cost =
        static_cast<double>(kPositions * (slices_ + 2) * ceil_div(s_.out_channels, kLanes)) / 2;
    parallel_for(s_.in_channels, cost, [&](int64_t begin, int64_t end) {
      bool finite = true;
      for (int64_t c = begin; c < end; c++) finite &= transform_sums(c, dw);
      if (!finite) __atomic_store_n(&finite_, false, __ATOMIC_RELAXED);
    });
    return finite_;
  }

 private:
  // Rows of positions.
  struct Rows {
    int64_t begin, end;
  };

  // to[position][channel] = transformed square of kSide x kSide pixels from (y, x) of an image on.
  template <int kSide, class F>
  [[gnu::always_inline]] void transform(const float* image, int64_t height, int64_t width, int64_t channels,
                                        int64_t y, int64_t x, const Rows& rows, float* to, int64_t pitch,
                                        F one) const {
    const float* pixel[kSide][kSide];
    for (int j = 0; j < kSide; j++) {
      const bool inside_row = y + j >= 0 && y + j < height;
      const float* row = image + ((y + j) * width + x) * channels;
      for (int i = 0; i < kSide; i++) {
        pixel[j][i] = inside_row && x + i >= 0 && x + i < width ? row + i * channels : zeros_;
      }
    }
    for (int64_t k = 0; k < channels; k += kLanes) {
      vf32 from[kSide][kSide], result[kEdge][kEdge];
      const int64_t left = channels - k;
      if (left >= kLanes) {
        TFJS_UNROLL for (int j = 0; j < kSide; j++) {
          TFJS_UNROLL for (int i = 0; i < kSide; i++) from[j][i] = load(pixel[j][i] + k);
        }
      } else {
        for (int j = 0; j < kSide; j++) {
          for (int i = 0; i < kSide; i++) from[j][i] = load_first(pixel[j][i] + k, left);
        }
      }
      transform_square<kSide, kEdge>(from, result, one);
      TFJS_UNROLL for (int j = 0; j < kEdge; j++) {
        if (j < rows.begin || j >= rows.end) continue;
        TFJS_UNROLL for (int i = 0; i < kEdge; i++) store(to + (j * kEdge + i) * pitch + k, result[j][i]);
      }
    }
  }

  void transform_x(int64_t tile, const Rows& rows, float* to, int64_t pitch) const {
    const int64_t row = tile / tile_columns_;
    transform<kEdge>(x_ + row / tile_rows_ * s_.in_height * s_.in_width * s_.in_channels, s_.in_height,
                     s_.in_width, s_.in_channels, row % tile_rows_ * kTile - s_.at.padTop,
                     tile % tile_columns_ * kTile - s_.at.padLeft, rows, to, pitch,
                     [](const vf32(&a)[kEdge], vf32(&b)[kEdge]) { Transform::data(a, b); });
  }
  void transform_dy(int64_t tile, const Rows& rows, float* to, int64_t pitch) const {
    const int64_t row = tile / tile_columns_;
    transform<kTile>(dy_ + row / tile_rows_ * s_.out_height * s_.out_width * s_.out_channels, s_.out_height,
                     s_.out_width, s_.out_channels, row % tile_rows_ * kTile, tile % tile_columns_ * kTile,
                     rows, to, pitch,
                     [](const vf32(&a)[kTile], vf32(&b)[kEdge]) { Transform::result_gradient(a, b); });
  }

  void multiply(const Rows& rows, const float* x, int64_t x_block, const float* dy, int64_t dy_block,
                int64_t tiles, bool accumulate, float* sums) const {
    Epilogue epilogue;
    epilogue.accumulate = accumulate;
    const int64_t parts = ceil_div(s_.in_channels, tile_rows(panel_vectors(s_.out_channels)));
    for (int64_t position = rows.begin * kEdge; position < rows.end * kEdge; position++) {
      for (int64_t column = 0; column < dy_pitch_; column += kPanel) {
        const int64_t columns = panel_columns(dy_pitch_ - column);
        const Segment segment{x + position * x_block, dy + position * dy_block + column, tiles};
        for (int64_t part = 0; part < parts; part++) {
          const int64_t first = s_.in_channels * part / parts, last = s_.in_channels * (part + 1) / parts;
          multiply_columns(
              static_cast<int>(last - first),
              {channel_offsets_ + first, &segment, 1, x_pitch_, dy_pitch_,
               sums + position * sums_pitch_ + first * dy_pitch_, dy_pitch_, column, columns, &epilogue});
        }
      }
    }
  }

  // Adds up the slices of an input channel and transforms them back. Returns whether the result is finite.
  bool transform_sums(int64_t channel, float* dw) const {
    vf32 check = zero();
    for (int64_t column = 0; column < s_.out_channels; column += kLanes) {
      const float* from = sums_ + channel * dy_pitch_ + column;
      vf32 u[kEdge][kEdge], g[3][3];
      for (int j = 0; j < kEdge; j++) {
        for (int i = 0; i < kEdge; i++) {
          vf32 sum = zero();
          for (int64_t slice = 0; slice < slices_; slice++) {
            sum += load(from + (slice * kPositions + j * kEdge + i) * sums_pitch_);
          }
          u[j][i] = sum;
        }
      }
      transform_square<kEdge, 3>(
          u, g, [](const vf32(&a)[kEdge], vf32(&b)[3]) { Transform::filter_gradient(a, b); });
      const int64_t left = s_.out_channels - column;
      for (int t = 0; t < 9; t++) {
        const vf32 value = g[t / 3][t % 3];
        check = fma(value, zero(), check);
        float* to = dw + (t * s_.in_channels + channel) * s_.out_channels + column;
        if (left >= kLanes) {
          store(to, value);
        } else {
          store_first(to, value, left);
        }
      }
    }
    const float total = sum_lanes(check);
    return total == total;
  }

  const Conv2DShape& s_;
  const float *const x_, *const dy_;
  int64_t tile_rows_, tile_columns_, tiles_;
  int64_t x_pitch_, dy_pitch_, sums_pitch_;
  int64_t block_, slices_;
  const float* zeros_ = nullptr;
  const int64_t* channel_offsets_ = nullptr;
  float* sums_ = nullptr;  // [slice][position][in_channels][dy_pitch_]
  bool finite_ = true;
};

}  // namespace

bool winograd_filter(const Conv2DShape& s, const float* x, const float* dy, float* dw) {
  if (s.filter_height != 3 || s.filter_width != 3 || s.at.strideHeight != 1 || s.at.strideWidth != 1 ||
      s.at.dilationHeight != 1 || s.at.dilationWidth != 1)
    return false;
  switch (winograd_filter_tile(s.batch, s.out_height, s.out_width, s.in_channels, s.out_channels)) {
    case 4:
      return FilterGradient<4>(s, x, dy).run(dw);
    case 2:
      return FilterGradient<2>(s, x, dy).run(dw);
    default:
      return false;
  }
}

}  // namespace tfjs::TFJS_ISA

// The gradient of a pooled convolution by lists of what is not zero: vectors run over input channels, the
// loop over output channels walks its list, and the gradients of data and filter are made in one pass, both
// of the filter's taps and their sums staying in registers. The usual shape's gradient of the data is made
// window by window instead.
#include "kernels/conv2d_max_pool_grad_windows.h"
#include "kernels/conv2d_max_pool_lists.h"

namespace tfjs::TFJS_ISA {
namespace {

// What a pass reads and adds to of x and dx is to stay in the first-level cache: most CPUs with AVX-512 have
// 48 KB of it, others 32.
constexpr int64_t kPassFloats = (kLanes == 16 ? 11 : 7) * 1024;
constexpr int kMostRows = 3, kMostColumns = 5;

// Some taps, neighbours in a row and in rows below each other, of kLanes input channels.
struct TapPass {
  const GradientLists* lists;
  int64_t out_channels;
  const float* x;       // where the first tap reads for an entry that is listed at 0
  float* dx;            // or null
  int64_t row;          // floats from a row of taps to the next
  const float* filter;  // of the first output channel, a vector each tap
  float* sums;
  int64_t step;  // from an output channel to the next
};

template <int R, int C, bool kData, bool kFilter>
TFJS_INLINE void pass(const TapPass& p) {
  const float* filter = p.filter;
  float* sums = p.sums;
  const float* x[R];
  float* dx[R];
  TFJS_UNROLL for (int r = 0; r < R; r++) {
    x[r] = p.x + r * p.row;
    dx[r] = kData ? p.dx + r * p.row : nullptr;
  }
  for (int64_t o = 0; o < p.out_channels; o++) {
    vf32 weight[R * C], sum[R * C];
    TFJS_UNROLL for (int t = 0; t < R * C; t++) {
      if constexpr (kData) weight[t] = load(filter + t * kLanes);
      if constexpr (kFilter) sum[t] = load(sums + t * kLanes);
    }
    const float* g = p.lists->g + o * p.lists->pitch;
    const int32_t* at = p.lists->at + o * p.lists->pitch;
    const int64_t count = p.lists->count[o];
    for (int64_t i = 0; i < count; i++) {
      const vf32 value = splat(g[i]);
      const int64_t place = at[i];
      TFJS_UNROLL for (int r = 0; r < R; r++) {
        TFJS_UNROLL for (int c = 0; c < C; c++) {
          const int t = r * C + c;
          if constexpr (kData) {
            float* to = dx[r] + place + c * kLanes;
            store(to, fma(value, weight[t], load(to)));
          }
          if constexpr (kFilter) sum[t] = fma(value, load(x[r] + place + c * kLanes), sum[t]);
        }
      }
    }
    if constexpr (kFilter) {
      TFJS_UNROLL for (int t = 0; t < R * C; t++) store(sums + t * kLanes, sum[t]);
      sums += p.step;
    }
    if constexpr (kData) filter += p.step;
  }
}

template <int R, int C>
TFJS_FULL_REGISTERS void taps(const TapPass& p) {
  if (p.dx == nullptr) return pass<R, C, false, true>(p);
  if (p.sums == nullptr) return pass<R, C, true, false>(p);
  if constexpr (2 * R * C < kRegisters) {
    pass<R, C, true, true>(p);
  } else {
    pass<R, C, false, true>(p);
    pass<R, C, true, false>(p);
  }
}

using TapKernel = void (*)(const TapPass&);
constexpr TapKernel kTapKernels[kMostRows][kMostColumns] = {
    {taps<1, 1>, taps<1, 2>, taps<1, 3>, taps<1, 4>, taps<1, 5>},
    {taps<2, 1>, taps<2, 2>, taps<2, 3>, taps<2, 4>, nullptr},
    {taps<3, 1>, taps<3, 2>, taps<3, 3>, nullptr, nullptr},
};

class SparseGradient {
 public:
  SparseGradient(const PooledConv2D& shape, const PooledGradient& gradient)
      : s_(shape), c_(shape.conv), to_(gradient) {
    slabs_ = ceil_div(c_.in_channels, kLanes);
    rows_ = c_.reach_height();
    // Odd, lest rows fall on the same sets of the cache.
    row_ = (c_.reach_width() | 1) * kLanes;
    image_ = rows_ * row_;
    taps_ = c_.taps();
    columns_ = c_.out_channels;
    by_windows_ = kPatchInRegisters && to_.dx != nullptr && s_.halves() && s_.plain() &&
                  c_.filter_height == 3 && c_.filter_width == 3;
    // Windows of a pass: some rows of them, or all of some images.
    images_ = kPassFloats / (2 * image_);
    if (images_ < 1) images_ = 1;
    if (images_ > c_.batch) images_ = c_.batch;
    band_ = s_.height;
    if (image_ * 2 > 2 * kPassFloats) {
      band_ = (kPassFloats / (2 * row_) - (c_.filter_height - 1) * c_.at.dilationHeight) /
              (s_.step_y * c_.at.strideHeight);
      if (band_ < 2) band_ = 2;
      if (band_ > s_.height) band_ = s_.height;
      band_ = ceil_div(s_.height, ceil_div(s_.height, band_));
    }
  }

  void run() {
    const int64_t slab_filter = columns_ * taps_ * kLanes, pass_windows = images_ * band_ * s_.width;
    Scratch scratch;
    x_ = scratch.get<float>(slabs_ * images_ * image_);
    if (to_.dx != nullptr) {
      dx_ = scratch.get<float>(slabs_ * images_ * image_);
      filter_ = scratch.get<float>(slabs_ * slab_filter);
      load_filter();
    }
    if (to_.dfilter != nullptr) {
      sums_ = scratch.get<float>(slabs_ * slab_filter);
      std::memset(sums_, 0, static_cast<size_t>(slabs_ * slab_filter) * sizeof(float));
    }
    g_ = scratch.get<float>(pass_windows * columns_);
    if (by_windows_) bits_ = scratch.get<WindowBits>(pass_windows * ceil_div(columns_, kWord));
    order_ = scratch.get<int32_t>(pass_windows);
    window_at_ = scratch.get<int32_t>(pass_windows + kLanes);
    const int64_t pitch = GradientLists::pitch_for(pass_windows);
    lists_ = {pitch, scratch.get<float>(columns_ * pitch), scratch.get<int32_t>(columns_ * pitch),
              scratch.get<int64_t>(columns_)};
    for (int64_t cell = 0; cell < 256; cell++) {
      const int64_t y = cell / s_.window_width, x = cell % s_.window_width;
      cell_at_[cell] =
          cell < s_.cells()
              ? static_cast<int32_t>(y * c_.at.strideHeight * row_ + x * c_.at.strideWidth * kLanes)
              : 0;
    }
    for (int64_t image = 0; image < c_.batch; image += images_) {
      const int64_t count = c_.batch - image < images_ ? c_.batch - image : images_;
      load_images(image, count);
      for (int64_t top = 0; top < s_.height; top += band_) {
        const int64_t rows = s_.height - top < band_ ? s_.height - top : band_;
        list(image, count, top, rows);
        for (int64_t slab = 0; slab < slabs_; slab++) {
          if (by_windows_) add_windows(slab, count, top, rows);
          if (!by_windows_ || to_.dfilter != nullptr) add(slab);
        }
      }
      if (to_.dx != nullptr) store_images(image, count);
    }
    if (sums_ != nullptr) store_sums();
  }

 private:
  // f(offset in x of a pixel and channel, offset in a slab, channels of the slab) for every pixel of an image
  // that taps reach.
  template <class F>
  [[gnu::always_inline]] void each_row(int64_t image, int64_t place, F f) const {
    for (int64_t slab = 0; slab < slabs_; slab++) {
      for (int64_t y = 0; y < c_.in_height; y++) {
        const int64_t row = y + c_.at.padTop;
        f(((image * c_.in_height + y) * c_.in_width) * c_.in_channels + slab * kLanes,
          (slab * images_ + place) * image_ + row * row_, row >= 0 && row < rows_,
          c_.in_channels - slab * kLanes);
      }
    }
  }

  void load_images(int64_t image, int64_t count) const {
    const size_t bytes = static_cast<size_t>(slabs_ * images_ * image_) * sizeof(float);
    if (c_.padded()) std::memset(x_, 0, bytes);
    if (dx_ != nullptr) std::memset(dx_, 0, bytes);
    const int64_t first = first_column(), last = last_column();
    for (int64_t i = 0; i < count; i++) {
      each_row(image + i, i, [&](int64_t from, int64_t to, bool reached, int64_t n) {
        if (!reached) return;
        for (int64_t x = first; x < last; x++) {
          store(x_ + to + (x + c_.at.padLeft) * kLanes, read_lanes(to_.x + from + x * c_.in_channels, n));
        }
      });
    }
  }

  void store_images(int64_t image, int64_t count) const {
    const int64_t first = first_column(), last = last_column();
    for (int64_t i = 0; i < count; i++) {
      each_row(image + i, i, [&](int64_t to, int64_t from, bool reached, int64_t n) {
        for (int64_t x = 0; x < c_.in_width; x++) {
          const bool inside = reached && x >= first && x < last;
          const vf32 value = inside ? load(dx_ + from + (x + c_.at.padLeft) * kLanes) : zero();
          write_lanes(to_.dx + to + x * c_.in_channels, value, n);
        }
      });
    }
  }

  // Columns of x that taps reach.
  int64_t first_column() const { return c_.at.padLeft < 0 ? -c_.at.padLeft : 0; }
  int64_t last_column() const {
    const int64_t end = c_.reach_width() - c_.at.padLeft;
    return end < c_.in_width ? end : c_.in_width;
  }

  // f(in the filter, in its transposed copy, rows, columns) for blocks of kLanes input by output channels.
  template <class F>
  [[gnu::always_inline]] void each_filter_block(F f) const {
    for (int64_t slab = 0; slab < slabs_; slab++) {
      const int64_t depth = c_.in_channels - slab * kLanes;
      for (int64_t o = 0; o < columns_; o += kLanes) {
        const int64_t width = columns_ - o;
        for (int64_t t = 0; t < taps_; t++) {
          f((t * c_.in_channels + slab * kLanes) * columns_ + o, ((slab * columns_ + o) * taps_ + t) * kLanes,
            depth < kLanes ? depth : kLanes, width < kLanes ? width : kLanes);
        }
      }
    }
  }

  void load_filter() const {
    if (c_.in_channels % kLanes != 0) {
      std::memset(filter_, 0, static_cast<size_t>(slabs_ * columns_ * taps_ * kLanes) * sizeof(float));
    }
    each_filter_block([&](int64_t from, int64_t to, int64_t depth, int64_t width) {
      transpose_tile(to_.filter + from, columns_, filter_ + to, taps_ * kLanes, depth, width);
    });
  }

  void store_sums() const {
    each_filter_block([&](int64_t to, int64_t from, int64_t depth, int64_t width) {
      transpose_tile(sums_ + from, taps_ * kLanes, to_.dfilter + to, columns_, width, depth);
    });
  }

  // Windows that lie next to each other add to the same places of dx, each waiting for what the one before
  // has stored there: those that share nothing follow each other.
  void order_windows(int64_t count, int64_t top, int64_t rows) {
    const int64_t step_y = s_.step_y * c_.at.strideHeight, step_x = s_.step_x * c_.at.strideWidth;
    const int64_t apart_y = ceil_div(
        (s_.window_height - 1) * c_.at.strideHeight + (c_.filter_height - 1) * c_.at.dilationHeight + 1,
        step_y);
    const int64_t apart_x = ceil_div(
        (s_.window_width - 1) * c_.at.strideWidth + (c_.filter_width - 1) * c_.at.dilationWidth + 1, step_x);
    int64_t n = 0;
    for (int64_t first_y = 0; first_y < apart_y && first_y < rows; first_y++) {
      for (int64_t first_x = 0; first_x < apart_x && first_x < s_.width; first_x++) {
        for (int64_t i = 0; i < count; i++) {
          for (int64_t y = first_y; y < rows; y += apart_y) {
            for (int64_t x = first_x; x < s_.width; x += apart_x, n++) {
              order_[n] = static_cast<int32_t>((i * rows + y) * s_.width + x);
              window_at_[n] =
                  static_cast<int32_t>(i * image_ + (top + y) * step_y * row_ + x * step_x * kLanes);
            }
          }
        }
      }
    }
  }

  // Lists the gradients of some rows of windows of the loaded images.
  void list(int64_t image, int64_t count, int64_t top, int64_t rows) {
    // More than one image is taken whole: then their windows lie together.
    const int64_t place = (image * s_.height + top) * s_.width * columns_, windows = count * rows * s_.width;
    order_windows(count, top, rows);
    pooled_gradient(s_, to_.dy + place, to_.y + place, windows, g_, to_.dbias);
    if (by_windows_) find_window_bits(g_, to_.argmax + place, windows, columns_, bits_);
    if (by_windows_ && to_.dfilter == nullptr) return;
    list_gradients({g_, to_.argmax + place, windows, columns_, order_, window_at_, cell_at_, s_.cells()},
                   lists_);
  }

  // Adds what rows of windows of the loaded images hold to the gradients of kLanes channels of the data.
  TFJS_FULL_REGISTERS void add_windows(int64_t slab, int64_t count, int64_t top, int64_t rows) const {
    const int64_t words = ceil_div(columns_, kWord);
    const float *g = g_, *filter = filter_ + slab * columns_ * taps_ * kLanes;
    const WindowBits* bits = bits_;
    for (int64_t i = 0; i < count; i++) {
      for (int64_t y = 0; y < rows; y++) {
        float* dx = dx_ + (slab * images_ + i) * image_ + (top + y) * 2 * row_;
        for (int64_t x = 0; x < s_.width; x++, g += columns_, bits += words, dx += 2 * kLanes) {
          add_window(g, bits, columns_, filter, dx, row_);
        }
      }
    }
  }

  // Adds what the lists hold to the gradients of kLanes input channels.
  void add(int64_t slab) const {
    const bool neighbours = c_.at.dilationWidth == 1;
    for (int64_t y = 0, rows; y < c_.filter_height; y += rows) {
      rows = 1;
      if (neighbours && c_.filter_width <= 4) {
        const int64_t most = c_.filter_width == 4 ? 2 : kMostRows;
        rows = c_.filter_height - y < most ? c_.filter_height - y : most;
      }
      for (int64_t x = 0, count; x < c_.filter_width; x += count) {
        const int64_t left = c_.filter_width - x;
        count = !neighbours ? 1 : left < kMostColumns ? left : kMostColumns;
        const int64_t place =
            slab * images_ * image_ + y * c_.at.dilationHeight * row_ + x * c_.at.dilationWidth * kLanes;
        const int64_t tap = (slab * columns_ * taps_ + y * c_.filter_width + x) * kLanes;
        auto from = [](float* values, int64_t at) { return values == nullptr ? nullptr : values + at; };
        kTapKernels[rows - 1][count - 1](
            {&lists_, columns_, x_ + place, from(by_windows_ ? nullptr : dx_, place),
             c_.at.dilationHeight * row_, from(filter_, tap), from(sums_, tap), taps_ * kLanes});
      }
    }
  }

  const PooledConv2D& s_;
  const Conv2DShape& c_;
  const PooledGradient& to_;
  int64_t slabs_, taps_, columns_;
  bool by_windows_;             // whether dx is made window by window
  int64_t rows_, row_, image_;  // of a slab, with its padding: rows, and floats of a row and of all
  int64_t images_, band_;       // images that are loaded together; rows of windows in a pass
  float *x_, *dx_ = nullptr;    // [slab][image][rows_][row_]
  float *filter_ = nullptr, *sums_ = nullptr;  // [slab][output channel][tap][kLanes]
  float* g_;
  WindowBits* bits_;
  int32_t *order_, *window_at_;  // of the windows of a pass
  int32_t cell_at_[256];
  GradientLists lists_;
};

}  // namespace

void conv2d_max_pool_grad_sparse(const PooledConv2D& shape, const PooledGradient& gradient) {
  SparseGradient(shape, gradient).run();
}

}  // namespace tfjs::TFJS_ISA

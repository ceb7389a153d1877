// Conv2DBackpropFilter: the products of x and dy, summed over all pixels. Pixels go by in blocks, while the
// sums of some rows of the filter (a row is a tap and an input channel) stay in registers.
#include "gemm/gemm.h"
#include "kernels/conv2d.h"
#include "kernels/winograd.h"

namespace tfjs::TFJS_ISA {
namespace {

constexpr int64_t kBlockPixels = 128;
// Slices of the pixels have sums of their own, added up at the end. Their number depends on the shape alone.
constexpr int64_t kSlicePixels = 256;
constexpr int64_t kMaxSlices = 16;
// Up to so many pixels a matrix product, which does not cut its sums, is faster where it can be one.
constexpr int64_t kProductPixels = 4096;
constexpr int64_t kSliceBytes = int64_t{4} << 20;

int64_t slice_count(const Conv2DShape& s) {
  const int64_t by_pixels = s.pixels() / kSlicePixels;
  const int64_t by_memory = kSliceBytes / (s.depth() * s.out_channels * static_cast<int64_t>(sizeof(float)));
  int64_t slices = by_pixels < by_memory ? by_pixels : by_memory;
  if (slices > kMaxSlices) slices = kMaxSlices;
  return slices < 1 ? 1 : slices;
}

// x as taps see it: tap (ky, kx) of output pixel (j, i) reads row j * stride + ky * dilation - top.
struct Image {
  const float* x;
  int64_t height, width, top, left;
};

// Whether it is x' dy.
bool is_matrix_product(const Conv2DShape& s) {
  return s.taps() == 1 && s.at.strideHeight == 1 && s.at.strideWidth == 1 && s.at.padTop == 0 &&
         s.at.padLeft == 0 && s.out_height == s.in_height && s.out_width == s.in_width;
}

struct Job {
  Conv2DShape shape;
  const float* dy;
  Image image;
  // The image with its padding written out as zeros, or `image` itself if it needs none; x is null where taps
  // are better taken one by one, leaving the padding out.
  Image whole;
  bool whole_is_copy;
  // Rows are handed out in units: `unit_rows` rows, or fewer where a tap ends if they are taken tap by tap.
  int64_t unit_rows, units_per_tap;
  const int64_t* row_offsets;      // of each row in `whole`, from its pixel's first tap
  const int64_t* channel_offsets;  // 0, 1, 2, …

  int64_t units() const {
    return whole.x != nullptr ? ceil_div(shape.depth(), unit_rows) : shape.taps() * units_per_tap;
  }
  int64_t unit_begin(int64_t unit) const {
    if (unit >= units()) return shape.depth();
    if (whole.x != nullptr) return unit * unit_rows;
    return unit / units_per_tap * shape.in_channels + unit % units_per_tap * unit_rows;
  }
};

// Adds up one slice for a range of rows; each thread has one.
class Worker {
 public:
  explicit Worker(const Job& job) : job_(job), s_(job.shape) {
    packed_ = scratch_.get<float>(kBlockPixels * kPanel);
    segments_ = scratch_.get<Segment>(kBlockPixels);
  }

  // Sets rows [row_begin, row_end) of sums, which has all rows of the filter.
  void run(int64_t pixel_begin, int64_t pixel_end, int64_t row_begin, int64_t row_end, float* sums) {
    for (int64_t first = pixel_begin; first < pixel_end; first += kBlockPixels) {
      const int64_t end = first + kBlockPixels < pixel_end ? first + kBlockPixels : pixel_end;
      for (int64_t column = 0; column < s_.out_channels; column += kPanel) {
        add_block(first, end, column, row_begin, row_end, first > pixel_begin, sums);
      }
    }
  }

 private:
  void add_block(int64_t first, int64_t end, int64_t column, int64_t row_begin, int64_t row_end,
                 bool accumulate, float* sums) {
    const int64_t columns = panel_columns(s_.out_channels - column), width = panel_width(columns);
    const float* dy = job_.dy + first * s_.out_channels;
    if (s_.out_channels != width) {
      pack_panel(dy + column, s_.out_channels, end - first, columns, packed_);
      dy = packed_;
    }
    // Zeros that were written out must not meet a NaN or an infinity of dy.
    const bool whole =
        job_.whole.x != nullptr && (!job_.whole_is_copy || all_finite(dy, (end - first) * width));

    Epilogue epilogue;
    epilogue.accumulate = accumulate;
    ColumnsTile tile{};
    tile.segments = segments_;
    tile.lda = s_.at.strideWidth * s_.in_channels;
    tile.ldb = width;
    tile.ldc = s_.out_channels;
    tile.column = column;
    tile.columns = columns;
    tile.epilogue = &epilogue;
    if (whole) tile.segment_count = list_segments(job_.whole, 0, first, end, dy, width);
    for (int64_t row = row_begin, tap = -1, rows; row < row_end; row += rows) {
      rows = row_end - row < job_.unit_rows ? row_end - row : job_.unit_rows;
      if (whole) {
        tile.offsets = job_.row_offsets + row;
      } else {
        const int64_t channel = row % s_.in_channels;
        if (rows > s_.in_channels - channel) rows = s_.in_channels - channel;
        if (row / s_.in_channels != tap) {
          tap = row / s_.in_channels;
          tile.segment_count = list_segments(job_.image, tap, first, end, dy, width);
        }
        tile.offsets = job_.channel_offsets + channel;
      }
      tile.c = sums + row * s_.out_channels;
      multiply_columns(static_cast<int>(rows), tile);
    }
  }

  // Lists the stretches of the pixels [first, end) for which a tap is inside of the image, with what they
  // read there and in the block's dy.
  int64_t list_segments(const Image& image, int64_t tap, int64_t first, int64_t end, const float* dy,
                        int64_t width) {
    const int64_t step_y = s_.at.strideHeight, step_x = s_.at.strideWidth;
    const int64_t tap_y = tap / s_.filter_width * s_.at.dilationHeight - image.top;
    const int64_t tap_x = tap % s_.filter_width * s_.at.dilationWidth - image.left;
    // Output columns [inside_begin, inside_end) have the tap inside.
    const int64_t inside_begin = tap_x < 0 ? ceil_div(-tap_x, step_x) : 0;
    const int64_t inside_end = image.width > tap_x ? ceil_div(image.width - tap_x, step_x) : 0;
    int64_t count = 0;
    for (int64_t at = first, next; at < end; at = next) {
      const int64_t line = at / s_.out_width, line_begin = line * s_.out_width;
      next = line_begin + s_.out_width < end ? line_begin + s_.out_width : end;
      const int64_t y = line % s_.out_height * step_y + tap_y;
      int64_t i = at - line_begin, i_end = next - line_begin;
      if (i < inside_begin) i = inside_begin;
      if (i_end > inside_end) i_end = inside_end;
      if (y < 0 || y >= image.height || i >= i_end) continue;
      const int64_t pixel = (line / s_.out_height * image.height + y) * image.width + i * step_x + tap_x;
      segments_[count++] = {image.x + pixel * s_.in_channels, dy + (line_begin + i - first) * width,
                            i_end - i};
    }
    return count;
  }

  const Job& job_;
  const Conv2DShape& s_;
  Scratch scratch_;
  float* packed_;
  Segment* segments_;
};

void choose_rows(Scratch& scratch, Job& job) {
  const Conv2DShape& s = job.shape;
  const int64_t most = tile_rows(panel_vectors(s.out_channels));
  job.units_per_tap = ceil_div(s.in_channels, most);
  // Of equal size, as far as possible: few rows do not fill the multipliers.
  job.unit_rows = job.whole.x != nullptr ? ceil_div(s.depth(), ceil_div(s.depth(), most))
                                         : ceil_div(s.in_channels, job.units_per_tap);

  int64_t* channels = scratch.get<int64_t>(s.in_channels);
  for (int64_t c = 0; c < s.in_channels; c++) channels[c] = c;
  job.channel_offsets = channels;
  if (job.whole.x == nullptr) return;
  int64_t* rows = scratch.get<int64_t>(s.depth());
  job.row_offsets = rows;
  for (int64_t tap = 0; tap < s.taps(); tap++) {
    const int64_t y = tap / s.filter_width * s.at.dilationHeight,
                  x = tap % s.filter_width * s.at.dilationWidth;
    for (int64_t c = 0; c < s.in_channels; c++) *rows++ = (y * job.whole.width + x) * s.in_channels + c;
  }
}

}  // namespace

Status Conv2DBackpropFilter(const Args& args) {
  const Tensor &x = args.inputs[0], &dy = args.inputs[1], &dw = args.outputs[0];
  Job job{};
  Conv2DShape& s = job.shape;
  if (!conv2d_shape(x, dw, dy, Conv2DParams::decode(args.params), &s)) return Status::InvalidArgument;
  const int64_t size = s.depth() * s.out_channels, pixels = s.pixels();
  if (size == 0) return Status::Ok;
  if (pixels == 0) {
    std::memset(dw.f32(), 0, static_cast<size_t>(size) * sizeof(float));
    return Status::Ok;
  }
  if (winograd_filter(s, x.f32(), dy.f32(), dw.f32())) return Status::Ok;
  if (is_matrix_product(s) && pixels <= kProductPixels) {
    gemm({s.in_channels,
          s.out_channels,
          pixels,
          x.f32(),
          s.in_channels,
          true,
          dy.f32(),
          s.out_channels,
          false,
          dw.f32(),
          s.out_channels,
          {}});
    return Status::Ok;
  }

  Scratch scratch;
  job.dy = dy.f32();
  job.image = {x.f32(), s.in_height, s.in_width, s.at.padTop, s.at.padLeft};
  job.whole_is_copy = s.padded();
  if (!job.whole_is_copy) {
    job.whole = job.image;
  } else if (s.in_channels < kFewChannels) {
    job.whole = {pad_images(scratch, x.f32(), s), s.reach_height(), s.reach_width(), 0, 0};
  }
  choose_rows(scratch, job);

  const int64_t slices = slice_count(s), blocks = ceil_div(pixels, kBlockPixels);
  float* sums = slices == 1 ? dw.f32() : scratch.get<float>(slices * size);
  // The rows are shared out as well, as far as the threads ask for it.
  const int64_t units = job.units();
  int64_t splits = ceil_div(4 * thread_count(), slices);
  if (splits > units) splits = units;
  // Five vectors of products a nanosecond is what a core reaches.
  const double products = static_cast<double>(pixels) * static_cast<double>(s.depth()) *
                          static_cast<double>(ceil_div(s.out_channels, kLanes));
  parallel_for(slices * splits, products / 5 / static_cast<double>(slices * splits),
               [&](int64_t begin, int64_t end) {
                 Worker worker(job);
                 for (int64_t item = begin; item < end; item++) {
                   const int64_t slice = item / splits, split = item % splits;
                   const int64_t last = (slice + 1) * blocks / slices * kBlockPixels;
                   worker.run(slice * blocks / slices * kBlockPixels, last < pixels ? last : pixels,
                              job.unit_begin(units * split / splits),
                              job.unit_begin(units * (split + 1) / splits), sums + slice * size);
                 }
               });
  if (slices == 1) return Status::Ok;
  parallel_for(size, 0.1 * static_cast<double>(slices), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kLanes) {
      const int64_t left = end - i < kLanes ? end - i : kLanes;
      vf32 sum = zero();
      for (int64_t slice = 0; slice < slices; slice++) {
        // A slice's last vector may read into the next slice, or behind the last one where memory is
        // readable.
        sum += load(sums + slice * size + i);
      }
      if (left == kLanes) {
        store(dw.f32() + i, sum);
      } else {
        store_first(dw.f32() + i, sum, left);
      }
    }
  });
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

// Boxes [y1, x1, y2, x2] of images, each resized to the size of the output. Inputs: images
// [batch, height, width, channels], boxes [n, 4], the image of each box [n].
#include <cmath>

#include "core/params.h"
#include "core/tensor.h"
#include "kernels/bilinear.h"
#include "parallel/parallel.h"
#include "simd/unfused.h"

namespace tfjs::TFJS_ISA {
namespace {

// Where one axis of a crop is looked up. Positions are those of JavaScript, to the bit: whether a cell lies
// in the image may hang on the last one.
struct CropAxis {
  double from, step, last;
  bool one;

  CropAxis(double low, double high, int64_t length, int64_t crop) {
    last = static_cast<double>(length - 1);
    one = crop == 1;
    if (one) {
      from = 0.5 * (low + high) * last;
      step = 0;
    } else {
      from = low * last;
      step = (high - low) * last / static_cast<double>(crop - 1);
    }
  }
  double at(int64_t i) const { return one ? from : rounded(from) + rounded(static_cast<double>(i) * step); }
  // NaN is not outside: it gives NaN.
  bool outside(double at) const { return at < 0 || at > last; }
};

// Math.round of JavaScript, for what is not negative.
TFJS_INLINE int64_t round_half_up(double at) {
  const double below = std::floor(at);
  return static_cast<int64_t>(at - below >= 0.5 ? below + 1 : below);
}

enum Cell : uint8_t { kInside, kOutside, kNowhere };

struct Crop {
  const Tensor &images, &y;
  const float* boxes;
  const int32_t* image_of;
  bool nearest;
  float outside_value;

  int64_t height() const { return images.dims[1]; }
  int64_t width() const { return images.dims[2]; }
  int64_t channels() const { return images.dims[3]; }
  int64_t row() const { return width() * channels(); }
  int64_t crop_height() const { return y.dims[1]; }
  int64_t crop_width() const { return y.dims[2]; }
  int64_t crop_row() const { return crop_width() * channels(); }
};

// Rows of one crop after the other.
template <class In>
class Cropper {
 public:
  Cropper(Scratch& scratch, const Crop& crop)
      : crop_(crop),
        taps_(scratch, crop.crop_width()),
        cells_(scratch.get<uint8_t>(crop.crop_width())),
        rows_(scratch, taps_, crop.row(), crop.channels()) {}

  void run(int64_t begin, int64_t end) {
    const int64_t height = crop_.crop_height(), row = crop_.crop_row();
    float* y = crop_.y.f32() + begin * row;
    for (int64_t i = begin; i < end; i++, y += row) {
      const int64_t box = i / height;
      if (i == begin || i % height == 0) enter(box);
      crop_row(box, i % height, y);
    }
  }

 private:
  // Where the columns of a box lie.
  void enter(int64_t box) {
    const float* corner = crop_.boxes + box * 4;
    const CropAxis cols(corner[1], corner[3], crop_.width(), crop_.crop_width());
    const int64_t channels = crop_.channels();
    all_inside_ = true;
    for (int64_t o = 0; o < crop_.crop_width(); o++) {
      const double at = cols.at(o);
      cells_[o] = cols.outside(at) ? kOutside : at != at ? kNowhere : kInside;
      taps_.low[o] = taps_.high[o] = 0;
      taps_.part[o] = 0;
      if (cells_[o] != kInside) {
        all_inside_ = false;
      } else if (crop_.nearest) {
        taps_.low[o] = static_cast<int32_t>(round_half_up(at) * channels);
      } else {
        taps_.low[o] = static_cast<int32_t>(static_cast<int64_t>(at) * channels);
        taps_.high[o] = static_cast<int32_t>(static_cast<int64_t>(std::ceil(at)) * channels);
        taps_.part[o] = static_cast<float>(at - std::floor(at));
      }
    }
    rows_.forget();
  }

  void crop_row(int64_t box, int64_t o, float* y) {
    const float* corner = crop_.boxes + box * 4;
    const int64_t image = crop_.image_of[box], row = crop_.row();
    const CropAxis rows(corner[0], corner[2], crop_.height(), crop_.crop_height());
    const double at = rows.at(o);
    if (image >= crop_.images.dims[0]) {
      fill(y, crop_.crop_row(), 0);
      return;
    }
    if (rows.outside(at)) {
      fill(y, crop_.crop_row(), crop_.outside_value);
      return;
    }
    const bool nowhere = at != at || image < 0;
    if (!nowhere) {
      const In* x = crop_.images.as<In>() + image * crop_.height() * row;
      if (crop_.nearest) {
        copy(x + round_half_up(at) * row, y);
      } else {
        rows_.interpolate(x + static_cast<int64_t>(at) * row, x + static_cast<int64_t>(std::ceil(at)) * row,
                          static_cast<float>(at - std::floor(at)), y);
      }
    }
    if (nowhere || !all_inside_) mark(nowhere, y);
  }

  void copy(const In* x, float* y) const {
    const int64_t channels = crop_.channels();
    for (int64_t o = 0; o < crop_.crop_width(); o++)
      for (int64_t c = 0; c < channels; c++) *y++ = static_cast<float>(x[taps_.low[o] + c]);
  }

  void mark(bool nowhere, float* y) const {
    const int64_t channels = crop_.channels();
    for (int64_t o = 0; o < crop_.crop_width(); o++, y += channels) {
      if (cells_[o] == kOutside) {
        fill(y, channels, crop_.outside_value);
      } else if (nowhere || cells_[o] == kNowhere) {
        fill(y, channels, __builtin_nanf(""));
      }
    }
  }

  static void fill(float* y, int64_t n, float value) {
    for (int64_t i = 0; i < n; i++) y[i] = value;
  }

  const Crop& crop_;
  const Taps taps_;
  uint8_t* const cells_;
  BilinearRows<In> rows_;
  bool all_inside_ = true;
};

}  // namespace

Status CropAndResize(const Args& args) {
  const Tensor &x = args.inputs[0], &boxes = args.inputs[1], &image_of = args.inputs[2], &y = args.outputs[0];
  if (x.rank != 4 || boxes.rank != 2 || boxes.dims[1] != 4 || image_of.rank != 1 || y.rank != 4 ||
      image_of.dims[0] != boxes.dims[0] || y.dims[0] != boxes.dims[0] || y.dims[3] != x.dims[3] ||
      boxes.dtype != DType::Float32 || image_of.dtype != DType::Int32 || y.dtype != DType::Float32)
    return Status::InvalidArgument;
  if (y.size() == 0) return Status::Ok;
  if (x.size() == 0) return Status::InvalidArgument;
  const CropAndResizeParams p = CropAndResizeParams::decode(args.params);
  const Crop crop{x, y, boxes.f32(), image_of.i32(), p.nearest != 0, p.extrapolationValue};
  if (crop.row() > INT32_MAX) return Status::Unsupported;
  const auto run = [&](auto* of) {
    parallel_for(y.dims[0] * y.dims[1], 50 + 0.8 * static_cast<double>(crop.crop_row()),
                 [&](int64_t begin, int64_t end) {
                   Scratch scratch;
                   Cropper<std::remove_pointer_t<decltype(of)>>(scratch, crop).run(begin, end);
                 });
    return Status::Ok;
  };
  if (x.dtype == DType::Float32) return run(x.f32());
  if (x.dtype == DType::Int32) return run(x.i32());
  return Status::Unsupported;
}

}  // namespace tfjs::TFJS_ISA

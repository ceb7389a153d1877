// Images [batch, height, width, channels] at another size, and the gradients of that.
#include <cmath>

#include "core/params.h"
#include "core/tensor.h"
#include "kernels/bilinear.h"
#include "kernels/copy.h"
#include "parallel/parallel.h"
#include "simd/unfused.h"

namespace tfjs::TFJS_ISA {
namespace {

// One axis of the smaller or larger image (`in`) that the cells of the resized one (`out`) are looked up in.
// Positions are those of JavaScript, to the bit: a cell's nearest neighbour may hang on the last one.
struct Axis {
  int64_t in, out;
  bool align_corners, half_pixel_centers;
  double ratio;

  Axis(int64_t in_length, int64_t out_length, const ResizeParams& p)
      : in(in_length),
        out(out_length),
        align_corners(p.alignCorners != 0),
        half_pixel_centers(p.halfPixelCenters != 0) {
    const bool spans = align_corners && out > 1;
    ratio = static_cast<double>(spans ? in - 1 : in) / static_cast<double>(spans ? out - 1 : out);
  }

  double scaled(int64_t o) const {
    return rounded(ratio * (static_cast<double>(o) + (half_pixel_centers ? 0.5 : 0)));
  }
  struct Tap {
    int64_t low, high;
    double part;
  };
  Tap tap(int64_t o) const {
    const double at = scaled(o) - (half_pixel_centers ? 0.5 : 0);
    const double low = std::floor(at) > 0 ? std::floor(at) : 0;
    const double high = std::ceil(at);
    return {static_cast<int64_t>(low), std::min<int64_t>(in - 1, static_cast<int64_t>(high)), at - low};
  }
  int64_t nearest(int64_t o) const {
    const double at = scaled(o);
    const double below = std::floor(at);
    const int64_t i = static_cast<int64_t>(align_corners && at - below >= 0.5 ? below + 1 : below);
    return std::min<int64_t>(in - 1, i);
  }
};

struct Resize {
  int64_t batch, channels;
  Axis rows, cols;

  int64_t row() const { return cols.in * channels; }
  int64_t out_row() const { return cols.out * channels; }
  int64_t image() const { return rows.in * row(); }
  // Offsets within a row are kept in 32 bits.
  bool fits() const { return row() <= INT32_MAX && out_row() <= INT32_MAX && rows.in <= INT32_MAX; }
};

// `image` is what is resized to the size of `resized`; for gradients, dx and dy.
TFJS_INLINE bool shapes_match(const Tensor& image, const Tensor& resized) {
  return image.rank == 4 && resized.rank == 4 && image.dims[0] == resized.dims[0] &&
         image.dims[3] == resized.dims[3];
}
TFJS_INLINE Resize read_resize(const Tensor& image, const Tensor& resized, const double* params) {
  const ResizeParams p = ResizeParams::decode(params);
  return {image.dims[0], image.dims[3], Axis(image.dims[1], resized.dims[1], p),
          Axis(image.dims[2], resized.dims[2], p)};
}

// The taps of an axis whose cells are `cell` elements apart. rest: what is left for the first of the two
// cells.
TFJS_INLINE Taps taps_of(Scratch& scratch, const Axis& axis, int64_t cell, float* rest = nullptr) {
  const Taps taps(scratch, axis.out);
  for (int64_t o = 0; o < axis.out; o++) {
    const Axis::Tap tap = axis.tap(o);
    taps.low[o] = static_cast<int32_t>(tap.low * cell);
    taps.high[o] = static_cast<int32_t>(tap.high * cell);
    taps.part[o] = static_cast<float>(tap.part);
    if (rest != nullptr) rest[o] = static_cast<float>(1 - tap.part);
  }
  return taps;
}

template <class In>
TFJS_INLINE void resize_bilinear(const In* x, float* y, const Resize& r) {
  Scratch scratch;
  const Taps taps = taps_of(scratch, r.cols, r.channels);
  parallel_for(r.batch * r.rows.out, 30 + 0.5 * static_cast<double>(r.out_row()),
               [&](int64_t begin, int64_t end) {
                 Scratch own;
                 BilinearRows<In> rows(own, taps, r.row(), r.channels);
                 for (int64_t i = begin; i < end; i++) {
                   const Axis::Tap tap = r.rows.tap(i % r.rows.out);
                   const In* image = x + i / r.rows.out * r.image();
                   rows.interpolate(image + tap.low * r.row(), image + tap.high * r.row(),
                                    static_cast<float>(tap.part), y + i * r.out_row());
                 }
               });
}

// Where each cell of the input axis is used: by the cells [first[i], first[i + 1]) of the output axis.
TFJS_INLINE const int32_t* users(Scratch& scratch, const Axis& axis) {
  int32_t* first = scratch.get<int32_t>(axis.in + 1);
  int64_t o = 0;
  for (int64_t i = 0; i < axis.in; i++) {
    first[i] = static_cast<int32_t>(o);
    while (o < axis.out && axis.nearest(o) <= i) o++;
  }
  first[axis.in] = static_cast<int32_t>(axis.out);
  return first;
}

// y += x * weight, n of them; adds, or begins with zero.
TFJS_INLINE void add_scaled(const float* x, float weight, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, load(y + i) + load(x + i) * weight);
  for (; i < n; i++) y[i] += x[i] * weight;
}
TFJS_INLINE void add(const float* x, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, load(y + i) + load(x + i));
  for (; i < n; i++) y[i] += x[i];
}
TFJS_INLINE void clear(float* y, int64_t n) { std::memset(y, 0, static_cast<size_t>(n) * sizeof(float)); }

}  // namespace

Status ResizeBilinear(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!shapes_match(x, y) || y.dtype != DType::Float32) return Status::InvalidArgument;
  if (y.size() == 0) return Status::Ok;
  if (x.size() == 0) return Status::InvalidArgument;
  const Resize r = read_resize(x, y, args.params);
  if (!r.fits()) return Status::Unsupported;
  if (x.dtype == DType::Float32) {
    resize_bilinear(static_cast<const float*>(x.f32()), y.f32(), r);
  } else if (x.dtype == DType::Int32) {
    resize_bilinear(static_cast<const int32_t*>(x.i32()), y.f32(), r);
  } else {
    return Status::Unsupported;
  }
  return Status::Ok;
}

Status ResizeNearestNeighbor(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (!shapes_match(x, y)) return Status::InvalidArgument;
  if (y.size() == 0) return Status::Ok;
  if (x.size() == 0) return Status::InvalidArgument;
  const Resize r = read_resize(x, y, args.params);
  if (!r.fits()) return Status::Unsupported;
  Scratch scratch;
  int32_t* from_col = scratch.get<int32_t>(r.cols.out);
  for (int64_t o = 0; o < r.cols.out; o++) from_col[o] = static_cast<int32_t>(r.cols.nearest(o) * r.channels);
  return with_elements(x, y, [&]<class T>(const T* from, T* to) {
    parallel_for(
        r.batch * r.rows.out, 20 + 0.3 * static_cast<double>(r.out_row()), [&](int64_t begin, int64_t end) {
          const T* before = nullptr;
          for (int64_t i = begin; i < end; i++) {
            const T* row = from + i / r.rows.out * r.image() + r.rows.nearest(i % r.rows.out) * r.row();
            T* out = to + i * r.out_row();
            if (row == before) {
              std::memcpy(out, out - r.out_row(), static_cast<size_t>(r.out_row()) * sizeof(T));
              continue;
            }
            before = row;
            if (r.channels == 1) {
              for (int64_t o = 0; o < r.cols.out; o++) out[o] = row[from_col[o]];
            } else if (r.channels == 3) {
              for (int64_t o = 0; o < r.cols.out; o++)
                for (int c = 0; c < 3; c++) out[o * 3 + c] = row[from_col[o] + c];
            } else {
              for (int64_t o = 0; o < r.cols.out; o++, out += r.channels)
                copy_run(row + from_col[o], out, r.channels);
            }
          }
        });
    return Status::Ok;
  });
}

// Input dy; output dx. Each row of dx is gathered: first the rows of dy that it was used in into one, then
// the columns of that.
Status ResizeNearestNeighborGrad(const Args& args) {
  const Tensor &dy = args.inputs[0], &dx = args.outputs[0];
  if (!shapes_match(dx, dy)) return Status::InvalidArgument;
  if (dx.size() == 0) return Status::Ok;
  const Resize r = read_resize(dx, dy, args.params);
  if (!r.fits()) return Status::Unsupported;
  Scratch scratch;
  const int32_t *row_users = users(scratch, r.rows), *col_users = users(scratch, r.cols);
  const float* from = dy.f32();
  float* to = dx.f32();
  const double rows_read = static_cast<double>(r.rows.out) / static_cast<double>(r.rows.in);
  parallel_for(
      r.batch * r.rows.in,
      20 + 0.2 * (rows_read * static_cast<double>(r.out_row()) + static_cast<double>(r.out_row() + r.row())),
      [&](int64_t begin, int64_t end) {
        Scratch own;
        float* sum = own.get<float>(r.out_row());
        for (int64_t i = begin; i < end; i++) {
          const int64_t row = i % r.rows.in;
          const float* image = from + i / r.rows.in * r.rows.out * r.out_row();
          clear(sum, r.out_row());
          for (int64_t o = row_users[row]; o < row_users[row + 1]; o++)
            add(image + o * r.out_row(), sum, r.out_row());
          float* out = to + i * r.row();
          clear(out, r.row());
          for (int64_t col = 0; col < r.cols.in; col++, out += r.channels) {
            for (int64_t o = col_users[col]; o < col_users[col + 1]; o++)
              add(sum + o * r.channels, out, r.channels);
          }
        }
      });
  return Status::Ok;
}

// Input dy; output dx: the derivative of ResizeBilinear, in the same two steps.
Status ResizeBilinearGrad(const Args& args) {
  const Tensor &dy = args.inputs[0], &dx = args.outputs[0];
  if (!shapes_match(dx, dy)) return Status::InvalidArgument;
  if (dx.size() == 0) return Status::Ok;
  const Resize r = read_resize(dx, dy, args.params);
  if (!r.fits()) return Status::Unsupported;
  Scratch scratch;
  float *rows_rest = scratch.get<float>(r.rows.out), *cols_rest = scratch.get<float>(r.cols.out);
  const Taps rows = taps_of(scratch, r.rows, 1, rows_rest);
  const Taps cols = taps_of(scratch, r.cols, r.channels, cols_rest);
  // The rows of dy that touch row i of dx: [first[i], behind_last[i]), as both ends of the taps ascend.
  int32_t *first = scratch.get<int32_t>(r.rows.in), *behind_last = scratch.get<int32_t>(r.rows.in);
  int64_t from_high = 0, to_low = 0;
  for (int64_t i = 0; i < r.rows.in; i++) {
    while (from_high < r.rows.out && rows.high[from_high] < i) from_high++;
    while (to_low < r.rows.out && rows.low[to_low] <= i) to_low++;
    first[i] = static_cast<int32_t>(from_high);
    behind_last[i] = static_cast<int32_t>(to_low);
  }
  const float* from = dy.f32();
  float* to = dx.f32();
  const double rows_read = 2 * static_cast<double>(r.rows.out) / static_cast<double>(r.rows.in);
  parallel_for(
      r.batch * r.rows.in,
      20 + 0.2 * (rows_read * static_cast<double>(r.out_row()) + 3 * static_cast<double>(r.out_row())),
      [&](int64_t begin, int64_t end) {
        Scratch own;
        float* sum = own.get<float>(r.out_row());
        for (int64_t i = begin; i < end; i++) {
          const int64_t row = i % r.rows.in;
          const float* image = from + i / r.rows.in * r.rows.out * r.out_row();
          clear(sum, r.out_row());
          for (int64_t o = first[row]; o < behind_last[row]; o++) {
            // Both, where the ends are one: nothing times infinity shows as NaN.
            const float* at = image + o * r.out_row();
            if (rows.low[o] == row) add_scaled(at, rows_rest[o], sum, r.out_row());
            if (rows.high[o] == row) add_scaled(at, rows.part[o], sum, r.out_row());
          }
          float* out = to + i * r.row();
          clear(out, r.row());
          for (int64_t o = 0; o < r.cols.out; o++) {
            const float* at = sum + o * r.channels;
            add_scaled(at, cols_rest[o], out + cols.low[o], r.channels);
            add_scaled(at, cols.part[o], out + cols.high[o], r.channels);
          }
        }
      });
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

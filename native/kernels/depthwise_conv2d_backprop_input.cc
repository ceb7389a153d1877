// DepthwiseConv2dNativeBackpropInput: dx is a depthwise product of dy with the filter turned around. With
// strides, the pixels of dx whose coordinates are equal modulo the stride form a phase: they share their
// taps, and what those read lies side by side in dy.
#include "kernels/depthwise_conv2d.h"

namespace tfjs::TFJS_ISA {
namespace {

int64_t greatest_common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// The phases of a dimension of dx; `forward` is the dimension as the forward pass has it.
struct Phases {
  int64_t count;
  TapAxis* axes;
  int64_t* last_tap;  // of the filter, for each phase: what its first tap is; the others follow backwards
  int64_t tap_step;   // through the filter

  Phases(Scratch& scratch, const TapAxis& forward) {
    const int64_t stride = forward.step, dilation = forward.tap_step;
    const int64_t divisor = greatest_common_divisor(stride, dilation);
    count = forward.in < stride ? forward.in : stride;
    axes = scratch.get<TapAxis>(count);
    last_tap = scratch.get<int64_t>(count);
    tap_step = stride / divisor;
    int64_t taps_before = 0;
    for (int64_t p = 0; p < count; p++) {
      TapAxis& axis = axes[p];
      axis = {(forward.in - p + stride - 1) / stride, forward.out, 0, 1, 0, dilation / divisor, taps_before};
      // Tap t of the filter reaches pixel p from output (p - forward.first - t * dilation) / stride.
      const int64_t steps = tap_step < forward.taps ? tap_step : forward.taps;
      for (int64_t t = 0; t < steps; t++) {
        if ((p - forward.first - t * dilation) % stride != 0) continue;
        axis.taps = (forward.taps - 1 - t) / tap_step + 1;
        last_tap[p] = t + (axis.taps - 1) * tap_step;
        axis.first = (p - forward.first - last_tap[p] * dilation) / stride;
      }
      taps_before += axis.taps;
    }
  }
};

// Copies the taps in the order in which depthwise_product() takes them.
void order_taps(const float* filter, const DepthwiseShape& s, const Phases& rows, const Phases& cols,
                float* to) {
  for (int64_t p = 0; p < rows.count; p++) {
    for (int64_t q = 0; q < cols.count; q++) {
      for (int64_t a = 0; a < rows.axes[p].taps; a++) {
        for (int64_t b = 0; b < cols.axes[q].taps; b++, to += s.channels) {
          const int64_t tap_y = rows.last_tap[p] - a * rows.tap_step;
          const int64_t tap_x = cols.last_tap[q] - b * cols.tap_step;
          std::memcpy(to, filter + (tap_y * s.cols.taps + tap_x) * s.channels,
                      static_cast<size_t>(s.channels) * sizeof(float));
        }
      }
    }
  }
}

// to[i] = sum over m of from[i * multiplier + m].
void add_up_channels(const float* from, int64_t count, int64_t multiplier, float* to) {
  parallel_for(count, 0.5 * static_cast<double>(multiplier), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      float sum = 0;
      for (int64_t m = 0; m < multiplier; m++) sum += from[i * multiplier + m];
      to[i] = sum;
    }
  });
}

}  // namespace

Status DepthwiseConv2dNativeBackpropInput(const Args& args) {
  const Tensor &dy = args.inputs[0], &filter = args.inputs[1], &dx = args.outputs[0];
  DepthwiseShape s;
  if (!depthwise_shape(dx, filter, dy, Conv2DParams::decode(args.params), &s)) return Status::InvalidArgument;
  if (dx.size() == 0) return Status::Ok;
  Scratch scratch;
  const Phases rows(scratch, s.rows), cols(scratch, s.cols);
  float* taps = scratch.get<float>(s.taps() * s.channels);
  order_taps(filter.f32(), s, rows, cols, taps);
  DepthwiseProduct product{.x = dy.f32(),
                           .y = dx.f32(),
                           .batch = s.batch,
                           .channels = s.channels,
                           .height = s.rows.in,
                           .width = s.cols.in,
                           .rows = rows.axes,
                           .cols = cols.axes,
                           .row_phases = rows.count,
                           .col_phases = cols.count,
                           .filter = taps,
                           .fusion = {},
                           .far = dx.far};
  if (s.multiplier == 1) {
    depthwise_product(product);
    return Status::Ok;
  }
  const int64_t images = images_at_a_time(s), pixels = s.in_pixels();
  float* repeated = scratch.get<float>(images * pixels * s.channels);
  product.y = repeated;
  for (int64_t n = 0; n < s.batch; n += images) {
    product.batch = s.batch - n < images ? s.batch - n : images;
    product.x = dy.f32() + n * s.out_pixels() * s.channels;
    depthwise_product(product);
    add_up_channels(repeated, product.batch * pixels * s.in_channels, s.multiplier,
                    dx.f32() + n * pixels * s.in_channels);
  }
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

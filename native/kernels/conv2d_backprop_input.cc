// Conv2DBackpropInput: dx is a convolution of dy with the filter turned around. With strides, input pixels of
// equal (coordinate + padding) modulo stride form a phase: they share their taps, and what their taps read
// lies side by side in dy.
#include "kernels/conv2d.h"

namespace tfjs::TFJS_ISA {
namespace {

// The phases along one dimension. Tap i of a phase is filter position phase + i * step.
struct Phases {
  int64_t length, stride, dilation, pad, filter;
  int64_t step;
  int64_t count;  // phases that have taps

  Phases(int64_t length, int64_t stride, int64_t dilation, int64_t pad, int64_t filter)
      : length(length), stride(stride), dilation(dilation), pad(pad), filter(filter) {
    int64_t divisor = stride;
    for (int64_t rest = dilation; rest != 0;) {
      const int64_t next = divisor % rest;
      divisor = rest;
      rest = next;
    }
    step = stride / divisor;
    count = step < filter ? step : filter;
  }

  bool cover_all() const { return count == stride; }
  int64_t taps(int64_t phase) const { return (filter - 1 - phase) / step + 1; }
  // The phase's first input coordinate, and how many it has.
  int64_t first(int64_t phase) const {
    const int64_t rest = (phase * dilation - pad) % stride;
    return rest < 0 ? rest + stride : rest;
  }
  int64_t pixels(int64_t phase) const {
    const int64_t from = first(phase);
    return from < length ? (length - 1 - from) / stride + 1 : 0;
  }
  // What tap i of the phase's first pixel reads in dy.
  int64_t offset(int64_t phase, int64_t i) const {
    return (first(phase) + pad - (phase + i * step) * dilation) / stride;
  }
};

// Packs the taps of a phase, transposed: rows are taps and output channels. Returns whether all is finite.
bool pack_phase(const float* filter, const Conv2DShape& s, const int64_t* taps, int64_t count,
                float* panels) {
  const int64_t depth = count * s.out_channels;
  bool finite = true;
  parallel_for(panel_count(s.in_channels), static_cast<double>(depth) * 8, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; panel++) {
      const int64_t column = panel * kPanel, columns = panel_columns(s.in_channels - column);
      float* const to = panels + column * depth;
      for (int64_t t = 0; t < count; t++) {
        pack_panel_transposed(filter + (taps[t] * s.in_channels + column) * s.out_channels, s.out_channels,
                              s.out_channels, columns, to + t * s.out_channels * panel_width(columns));
      }
      if (!all_finite(to, depth * panel_width(columns))) __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
    }
  });
  return finite;
}

}  // namespace

Status Conv2DBackpropInput(const Args& args) {
  const Tensor &dy = args.inputs[0], &filter = args.inputs[1], &dx = args.outputs[0];
  Conv2DShape s;
  if (!conv2d_shape(dx, filter, dy, Conv2DParams::decode(args.params), &s)) return Status::InvalidArgument;
  if (dx.size() == 0) return Status::Ok;

  const Phases rows(s.in_height, s.at.strideHeight, s.at.dilationHeight, s.at.padTop, s.filter_height);
  const Phases columns(s.in_width, s.at.strideWidth, s.at.dilationWidth, s.at.padLeft, s.filter_width);
  const int64_t row_floats = s.in_width * s.in_channels;
  if (!rows.cover_all() || !columns.cover_all()) {
    parallel_for(s.batch * s.in_height, static_cast<double>(row_floats) * 0.1,
                 [&](int64_t begin, int64_t end) {
                   std::memset(dx.f32() + begin * row_floats, 0,
                               static_cast<size_t>((end - begin) * row_floats) * sizeof(float));
                 });
  }

  Scratch scratch;
  int64_t* tap = scratch.get<int64_t>(3 * s.taps());
  int64_t *tap_y = tap + s.taps(), *tap_x = tap_y + s.taps();
  float* panels =
      scratch.get<float>(panels_size(rows.taps(0) * columns.taps(0) * s.out_channels, s.in_channels));
  const int64_t tap_size = narrow_tap_size(s.out_channels, s.in_channels);
  float* narrow = s.in_channels <= kMaxNarrowColumns ? scratch.get<float>(s.taps() * tap_size) : nullptr;
  for (int64_t phase_y = 0; phase_y < rows.count; phase_y++) {
    for (int64_t phase_x = 0; phase_x < columns.count; phase_x++) {
      int64_t taps = 0;
      for (int64_t j = 0; j < rows.taps(phase_y); j++) {
        for (int64_t i = 0; i < columns.taps(phase_x); i++) {
          tap[taps] = (phase_y + j * rows.step) * s.filter_width + phase_x + i * columns.step;
          tap_y[taps] = rows.offset(phase_y, j);
          tap_x[taps++] = columns.offset(phase_x, i);
        }
      }
      const bool finite = pack_phase(filter.f32(), s, tap, taps, panels);
      const bool takes_narrow = finite && is_narrow(taps, s.out_channels, s.in_channels);
      for (int64_t t = 0; takes_narrow && t < taps; t++) {
        pack_narrow(filter.f32() + tap[t] * s.in_channels * s.out_channels, 1, s.out_channels, s.out_channels,
                    s.in_channels, narrow + t * tap_size);
      }
      tap_product({
          .x = dy.f32(),
          .batch = s.batch,
          .in_height = s.out_height,
          .in_width = s.out_width,
          .in_pixel = s.out_channels,
          .depth = s.out_channels,
          .taps = taps,
          .tap_y = tap_y,
          .tap_x = tap_x,
          .step_y = 1,
          .step_x = 1,
          .y = dx.f32() + rows.first(phase_y) * row_floats + columns.first(phase_x) * s.in_channels,
          .height = rows.pixels(phase_y),
          .width = columns.pixels(phase_x),
          .image_pitch = s.in_height * row_floats,
          .row_pitch = s.at.strideHeight * row_floats,
          .pixel_pitch = s.at.strideWidth * s.in_channels,
          .columns = s.in_channels,
          .panels = panels,
          .narrow = takes_narrow ? narrow : nullptr,
          .skip_padding = !finite,
          .fusion = {},
      });
    }
  }
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

// Conv2D and FusedConv2D: a product over taps, without writing out the patches of the image.
#include "kernels/conv2d.h"

namespace tfjs::TFJS_ISA {
namespace {

// Packs the filter as it is: rows are taps and their input channels. Returns whether all of it is finite.
bool pack_filter(const float* filter, const Conv2DShape& s, float* panels) {
  const int64_t depth = s.depth();
  bool finite = true;
  parallel_for(panel_count(s.out_channels), static_cast<double>(depth) * 4, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; panel++) {
      const int64_t column = panel * kPanel, columns = panel_columns(s.out_channels - column);
      float* to = panels + column * depth;
      pack_panel(filter + column, s.out_channels, depth, columns, to);
      if (!all_finite(to, depth * panel_width(columns))) __atomic_store_n(&finite, false, __ATOMIC_RELAXED);
    }
  });
  return finite;
}

void convolve(const float* x, const float* filter, float* y, const Conv2DShape& s, const Fusion& fusion) {
  if (s.pixels() == 0 || s.out_channels == 0) return;
  Scratch scratch;
  float* panels = scratch.get<float>(panels_size(s.depth(), s.out_channels));
  const bool padded = s.padded();
  const bool skip_padding = !pack_filter(filter, s, panels) && padded;

  // The taps of a row of the filter lie side by side in the image, if nothing has to be put between or left
  // out.
  const float* padded_x = x;
  bool whole_rows =
      s.in_channels < kFewChannels && s.at.dilationWidth == 1 && s.filter_width > 1 && !skip_padding;
  if (whole_rows && padded) {
    padded_x = pad_images(scratch, x, s);
    whole_rows = padded_x != nullptr;
  }
  const bool copied = whole_rows && padded;

  if (whole_rows && s.depth() == 9) {
    const int64_t width = copied ? s.reach_width() : s.in_width;
    // Padding below zero crops.
    const int64_t top = copied ? 0 : -s.at.padTop, left = copied ? 0 : -s.at.padLeft;
    int64_t offsets[9];
    for (int64_t t = 0; t < 9; t++) {
      const int64_t row = s.filter_width * s.in_channels;
      offsets[t] = ((top + t / row * s.at.dilationHeight) * width + left) * s.in_channels + t % row;
    }
    return nine_products({
        .x = padded_x,
        .image = (copied ? s.reach_height() : s.in_height) * width * s.in_channels,
        .step_y = s.at.strideHeight * width * s.in_channels,
        .step_x = s.at.strideWidth * s.in_channels,
        .offsets = offsets,
        .filter = filter,
        .y = y,
        .batch = s.batch,
        .height = s.out_height,
        .width = s.out_width,
        .columns = s.out_channels,
        .fusion = fusion,
    });
  }

  const int64_t row_taps = whole_rows ? 1 : s.filter_width, taps = s.filter_height * row_taps;
  int64_t* tap_y = scratch.get<int64_t>(2 * taps);
  int64_t* tap_x = tap_y + taps;
  for (int64_t t = 0; t < taps; t++) {
    tap_y[t] = t / row_taps * s.at.dilationHeight - (copied ? 0 : s.at.padTop);
    tap_x[t] = t % row_taps * s.at.dilationWidth - (copied ? 0 : s.at.padLeft);
  }

  const int64_t depth = whole_rows ? s.filter_width * s.in_channels : s.in_channels;
  float* narrow = nullptr;
  if (!skip_padding && is_narrow(taps, depth, s.out_channels)) {
    const int64_t tap_size = narrow_tap_size(depth, s.out_channels);
    narrow = scratch.get<float>(taps * tap_size);
    for (int64_t t = 0; t < taps; t++) {
      pack_narrow(filter + t * depth * s.out_channels, s.out_channels, 1, depth, s.out_channels,
                  narrow + t * tap_size);
    }
  }

  tap_product({
      .x = copied ? padded_x : x,
      .batch = s.batch,
      .in_height = copied ? s.reach_height() : s.in_height,
      .in_width = copied ? s.reach_width() : s.in_width,
      .in_pixel = s.in_channels,
      .depth = depth,
      .taps = taps,
      .tap_y = tap_y,
      .tap_x = tap_x,
      .step_y = s.at.strideHeight,
      .step_x = s.at.strideWidth,
      .y = y,
      .height = s.out_height,
      .width = s.out_width,
      .image_pitch = s.out_height * s.out_width * s.out_channels,
      .row_pitch = s.out_width * s.out_channels,
      .pixel_pitch = s.out_channels,
      .columns = s.out_channels,
      .panels = panels,
      .narrow = narrow,
      .skip_padding = skip_padding,
      .fusion = fusion,
  });
}

}  // namespace

Status Conv2D(const Args& args) {
  const Tensor &x = args.inputs[0], &filter = args.inputs[1], &y = args.outputs[0];
  Conv2DShape shape;
  if (!conv2d_shape(x, filter, y, Conv2DParams::decode(args.params), &shape)) return Status::InvalidArgument;
  convolve(x.f32(), filter.f32(), y.f32(), shape, {});
  return Status::Ok;
}

Status FusedConv2D(const Args& args) {
  const Tensor &x = args.inputs[0], &filter = args.inputs[1], &y = args.outputs[0];
  const FusedConv2DParams params = FusedConv2DParams::decode(args.params);
  Conv2DShape shape;
  if (!conv2d_shape(x, filter, y, Conv2DParams::decode(args.params), &shape)) return Status::InvalidArgument;
  Scratch scratch;
  Fusion fusion;
  const Status status = read_fusion(scratch, args.inputs[2], args.inputs[3], params.activation,
                                    params.leakyreluAlpha, shape.out_channels, &fusion);
  if (status == Status::Ok) convolve(x.f32(), filter.f32(), y.f32(), shape, fusion);
  return status;
}

}  // namespace tfjs::TFJS_ISA

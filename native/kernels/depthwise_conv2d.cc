// DepthwiseConv2dNative and FusedDepthwiseConv2D.
#include "kernels/depthwise_conv2d.h"

namespace tfjs::TFJS_ISA {
namespace {

void convolve(const float* x, const float* filter, float* y, const DepthwiseShape& s, const Fusion& fusion,
              bool far) {
  DepthwiseProduct product{.x = x,
                           .y = y,
                           .batch = s.batch,
                           .channels = s.channels,
                           .height = s.rows.out,
                           .width = s.cols.out,
                           .rows = &s.rows,
                           .cols = &s.cols,
                           .row_phases = 1,
                           .col_phases = 1,
                           .filter = filter,
                           .fusion = fusion,
                           .far = far};
  if (s.multiplier == 1) return depthwise_product(product);
  Scratch scratch;
  const int64_t images = images_at_a_time(s), pixels = s.in_pixels();
  float* repeated = scratch.get<float>(images * pixels * s.channels);
  product.x = repeated;
  for (int64_t n = 0; n < s.batch; n += images) {
    product.batch = s.batch - n < images ? s.batch - n : images;
    product.y = y + n * s.out_pixels() * s.channels;
    repeat_channels(x + n * pixels * s.in_channels, product.batch * pixels, s.in_channels, s.multiplier,
                    repeated);
    depthwise_product(product);
  }
}

}  // namespace

void repeat_channels(const float* x, int64_t pixels, int64_t channels, int64_t multiplier, float* to) {
  parallel_for(pixels, 0.5 * static_cast<double>(channels * multiplier), [&](int64_t begin, int64_t end) {
    float* out = to + begin * channels * multiplier;
    for (int64_t i = begin * channels; i < end * channels; i++) {
      for (int64_t m = 0; m < multiplier; m++) *out++ = x[i];
    }
  });
}

Status DepthwiseConv2dNative(const Args& args) {
  const Tensor &x = args.inputs[0], &filter = args.inputs[1], &y = args.outputs[0];
  DepthwiseShape shape;
  if (!depthwise_shape(x, filter, y, Conv2DParams::decode(args.params), &shape)) {
    return Status::InvalidArgument;
  }
  convolve(x.f32(), filter.f32(), y.f32(), shape, {}, y.far);
  return Status::Ok;
}

Status FusedDepthwiseConv2D(const Args& args) {
  const Tensor &x = args.inputs[0], &filter = args.inputs[1], &y = args.outputs[0];
  const FusedConv2DParams params = FusedConv2DParams::decode(args.params);
  DepthwiseShape shape;
  if (!depthwise_shape(x, filter, y, Conv2DParams::decode(args.params), &shape)) {
    return Status::InvalidArgument;
  }
  Scratch scratch;
  Fusion fusion;
  const Status status = read_fusion(scratch, args.inputs[2], args.inputs[3], params.activation,
                                    params.leakyreluAlpha, shape.channels, &fusion);
  if (status == Status::Ok) convolve(x.f32(), filter.f32(), y.f32(), shape, fusion, y.far);
  return status;
}

}  // namespace tfjs::TFJS_ISA

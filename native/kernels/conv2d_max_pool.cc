// FusedConv2DMaxPool: the choice of the way, and the general one.
#include "kernels/conv2d_max_pool.h"

namespace tfjs::TFJS_ISA {

Status Conv2D(const Args& args);

namespace {

Tensor images(float* data, int64_t batch, int64_t height, int64_t width, int64_t channels) {
  return {data, DType::Float32, 4, {batch, height, width, channels}};
}

// Convolves into scratch memory and pools that.
Status convolve_then_pool(const PooledConv2D& s, const Args& args, const PooledResult& result) {
  const int64_t columns = s.conv.out_channels, line = s.conv.out_width * columns;
  Scratch scratch;
  float* sums = scratch.get<float>(s.conv.pixels() * columns);
  const Tensor output = images(sums, s.conv.batch, s.conv.out_height, s.conv.out_width, columns);
  // The parameters begin with those of Conv2D.
  const Status status = Conv2D({args.inputs, 2, &output, 1, args.params});
  if (status != Status::Ok) return status;
  for (int64_t window = 0; window < s.windows(); window++) {
    const int64_t row = window / s.width;
    const int64_t top = row / s.height * s.conv.out_height + row % s.height * s.step_y;
    const float* corner = sums + top * line + window % s.width * s.step_x * columns;
    for (int64_t c = 0; c < columns; c += kLanes) {
      const int64_t n = columns - c;
      vf32 best = read_lanes(corner + c, n);
      vi32 at{};
      for (int64_t cell = 1; cell < s.cells(); cell++) {
        const float* from = corner + cell / s.window_width * line + cell % s.window_width * columns + c;
        take_larger(read_lanes(from, n), static_cast<int>(cell), &best, &at);
      }
      result.put(window * columns + c, c, best, at, n);
    }
  }
  return Status::Ok;
}

template <class F>
void replace_each(float* y, int64_t count, F f) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t n = count - i;
    write_lanes(y + i, f(read_lanes(y + i, n)), n);
  }
}

// What PooledResult::put() leaves over.
void activate(const PooledConv2D& s, float* y, int64_t count) {
  switch (s.activation) {
    case Activation::Elu:
      return replace_each(y, count, [](vf32 v) { return elu(v); });
    case Activation::Sigmoid:
      return replace_each(y, count, [](vf32 v) { return sigmoid(v); });
    case Activation::LeakyRelu:
      return replace_each(y, count, [alpha = splat(s.alpha)](vf32 v) { return slope(v, alpha); });
    default:
      return;
  }
}

}  // namespace

bool is_moderate(const float* values, int64_t n) {
  // Far from overflow even after the transforms of Winograd's method and a sum of a million products.
  const vf32 limit = splat(0x1p48f);
  vi32 larger{};
  for (int64_t i = 0; i < n; i += kLanes) larger |= ~(abs(read_lanes(values + i, n - i)) <= limit);
  return !any(larger);
}

Status FusedConv2DMaxPool(const Args& args) {
  const Tensor &x = args.inputs[0], &filter = args.inputs[1], &bias = args.inputs[2],
               &transformed = args.inputs[3];
  const Tensor &y = args.outputs[0], &argmax = args.outputs[1];
  PooledConv2D s;
  if (!pooled_conv2d(x, filter, y, args.params, &s)) return Status::InvalidArgument;
  const int64_t columns = s.conv.out_channels;
  if (bias.data != nullptr && bias.size() != columns) return Status::InvalidArgument;
  if (y.size() == 0) return Status::Ok;

  Scratch scratch;
  float* whole_bias = scratch.get<float>(ceil_div(columns, kLanes) * kLanes);
  for (int64_t c = 0; c < columns; c += kLanes) {
    store(whole_bias + c, bias.data == nullptr ? zero() : read_lanes(bias.f32() + c, columns - c));
  }
  const bool clamps = s.activation == Activation::Relu || s.activation == Activation::Relu6;
  const PooledResult result{y.f32(), argmax.u8(), whole_bias, splat(clamps ? 0.0f : -INFINITY),
                            splat(s.activation == Activation::Relu6 ? 6.0f : INFINITY)};
  const bool moderate = is_moderate(x.f32(), x.size()) && is_moderate(filter.f32(), filter.size());
  if (!moderate ||
      !(conv2d_max_pool_few(s, x.f32(), filter.f32(), result) ||
        conv2d_max_pool_winograd(s, x.f32(), filter.f32(),
                                 transformed.data != nullptr ? &transformed : nullptr, result))) {
    const Status status = convolve_then_pool(s, args, result);
    if (status != Status::Ok) return status;
  }
  activate(s, y.f32(), y.size());
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

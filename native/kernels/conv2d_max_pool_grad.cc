// FusedConv2DMaxPoolGrad: the choice of the way, and the gradient by the pooled sums, which all ways need.
// What a gradient of zero meets adds nothing, even where that is not finite.
#include "kernels/conv2d_max_pool.h"

namespace tfjs::TFJS_ISA {
namespace {

template <class F>
void gradient_rows(const float* dy, const float* y, int64_t count, int64_t columns, float* g, float* dbias,
                   F factor) {
  for (int64_t c = 0; c < columns; c += kLanes) {
    const int64_t n = columns - c;
    vf32 sum = load(dbias + c);
    if (n >= kLanes) {
      for (int64_t at = c; at < count * columns; at += columns) {
        const vf32 value = load(dy + at) * factor(load(y + at));
        store(g + at, value);
        sum += value;
      }
    } else {
      for (int64_t at = c; at < count * columns; at += columns) {
        const vf32 value = load_first(dy + at, n) * factor(load_first(y + at, n));
        store_first(g + at, value, n);
        sum += value;
      }
    }
    store(dbias + c, sum);
  }
}

// As the gradients of the single ops, NaN stays NaN.
TFJS_INLINE vf32 where(vi32 inside, vf32 y) { return select(inside, splat(1.0f), select(y != y, y, zero())); }

}  // namespace

void pooled_gradient(const PooledConv2D& s, const float* dy, const float* y, int64_t count, float* g,
                     float* dbias) {
  const int64_t columns = s.conv.out_channels;
  auto rows = [&](auto factor) { gradient_rows(dy, y, count, columns, g, dbias, factor); };
  switch (s.activation) {
    case Activation::Relu:
      return rows([](vf32 v) { return where(v > 0.0f, v); });
    case Activation::Relu6:
      return rows([](vf32 v) { return where((v > 0.0f) & (v < 6.0f), v); });
    case Activation::Elu:
      return rows([](vf32 v) { return select(v >= 0.0f, splat(1.0f), v + 1.0f); });
    case Activation::Sigmoid:
      return rows([](vf32 v) { return v * (1.0f - v); });
    case Activation::LeakyRelu:
      return rows([alpha = splat(s.alpha)](vf32 v) { return select(v > 0.0f, splat(1.0f), alpha); });
    default:
      return rows([](vf32) { return splat(1.0f); });
  }
}

Status FusedConv2DMaxPoolGrad(const Args& args) {
  const Tensor &dy = args.inputs[0], &y = args.inputs[1], &argmax = args.inputs[2], &x = args.inputs[3],
               &filter = args.inputs[4];
  const Tensor &dx = args.outputs[0], &dfilter = args.outputs[1], &dbias = args.outputs[2];
  PooledConv2D s;
  if (!pooled_conv2d(x, filter, dy, args.params, &s)) return Status::InvalidArgument;
  const int64_t columns = s.conv.out_channels;
  if (y.size() != dy.size() || argmax.size() != dy.size() || dfilter.size() != filter.size() ||
      (dx.data != nullptr && dx.size() != x.size()) || (dbias.data != nullptr && dbias.size() != columns))
    return Status::InvalidArgument;

  Scratch scratch;
  const int64_t whole = ceil_div(columns, kLanes) * kLanes;
  float* sums = scratch.get<float>(whole);
  for (int64_t c = 0; c < whole; c += kLanes) store(sums + c, zero());
  const PooledGradient gradient{dy.f32(),     y.f32(),  argmax.u8(),   x.f32(),
                                filter.f32(), dx.f32(), dfilter.f32(), sums};
  if (dy.size() == 0) {
    if (dx.data != nullptr) std::memset(dx.data, 0, static_cast<size_t>(dx.size()) * sizeof(float));
    std::memset(dfilter.data, 0, static_cast<size_t>(dfilter.size()) * sizeof(float));
  } else if (!conv2d_max_pool_grad_few(s, gradient)) {
    conv2d_max_pool_grad_sparse(s, gradient);
  }
  for (int64_t c = 0; dbias.data != nullptr && c < columns; c += kLanes) {
    write_lanes(dbias.f32() + c, load(sums + c), columns - c);
  }
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

// FusedConv2DMaxPoolGrad: the choice of the way, and the gradient by the pooled sums, which all ways need.
// What a gradient of zero meets adds nothing, even where that is not finite.
#include "kernels/conv2d_max_pool.h"

namespace tfjs::TFJS_ISA {
namespace {

// V vectors of columns side by side, the last of which has n lanes.
template <int V, class F>
TFJS_INLINE void gradient_columns(const float* dy, const float* y, int64_t size, int64_t columns, int64_t n,
                                  float* g, float* dbias, F factor) {
  vf32 sum[V];
  TFJS_UNROLL for (int v = 0; v < V; v++) sum[v] = load(dbias + v * kLanes);
  for (int64_t at = 0; at < size; at += columns) {
    TFJS_UNROLL for (int v = 0; v < V; v++) {
      const int64_t place = at + v * kLanes;
      const vf32 value = read_lanes(dy + place, n) * factor(read_lanes(y + place, n));
      write_lanes(g + place, value, n);
      sum[v] += value;
    }
  }
  TFJS_UNROLL for (int v = 0; v < V; v++) store(dbias + v * kLanes, sum[v]);
}

template <class F>
void gradient_rows(const float* dy, const float* y, int64_t count, int64_t columns, float* g, float* dbias,
                   F factor) {
  const int64_t size = count * columns;
  int64_t c = 0;
  for (; c + 2 * kLanes <= columns; c += 2 * kLanes) {
    gradient_columns<2>(dy + c, y + c, size, columns, kLanes, g + c, dbias + c, factor);
  }
  for (; c + kLanes <= columns; c += kLanes) {
    gradient_columns<1>(dy + c, y + c, size, columns, kLanes, g + c, dbias + c, factor);
  }
  if (c < columns) {
    gradient_columns<1>(dy + c, y + c, size, columns, columns - c, g + c, dbias + c, factor);
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
  if (y.size() != dy.size() || argmax.size() != dy.size() ||
      (dfilter.data != nullptr && dfilter.size() != filter.size()) ||
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
    if (dfilter.data != nullptr)
      std::memset(dfilter.data, 0, static_cast<size_t>(dfilter.size()) * sizeof(float));
  } else if (dx.data == nullptr && dfilter.data == nullptr) {
    float* g = scratch.get<float>(s.image_windows() * columns);
    for (int64_t n = 0; n < s.conv.batch; n++) {
      const int64_t image = n * s.image_windows() * columns;
      pooled_gradient(s, gradient.dy + image, gradient.y + image, s.image_windows(), g, sums);
    }
  } else if (!conv2d_max_pool_grad_few(s, gradient)) {
    conv2d_max_pool_grad_sparse(s, gradient);
  }
  for (int64_t c = 0; dbias.data != nullptr && c < columns; c += kLanes) {
    write_lanes(dbias.f32() + c, load(sums + c), columns - c);
  }
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

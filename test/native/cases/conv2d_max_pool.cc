#include "../harness.h"
#include "core/winograd.h"

namespace tfjs::test {
namespace {

struct Case {
  int64_t batch, height, width, channels, filter_height, filter_width, out_channels;
  Conv2DParams at = {1, 1, 1, 1, 0, 0};
  // Padding behind the last row and column.
  int64_t pad_bottom = 0, pad_right = 0;
  int64_t window_height = 2, window_width = 2, pool_y = 2, pool_x = 2;

  std::vector<int64_t> x() const { return {batch, height, width, channels}; }
  std::vector<int64_t> filter() const { return {filter_height, filter_width, channels, out_channels}; }
  std::vector<int64_t> y() const {
    return {batch,
            length(height + at.padTop + pad_bottom, filter_height, at.strideHeight, at.dilationHeight,
                   window_height, pool_y),
            length(width + at.padLeft + pad_right, filter_width, at.strideWidth, at.dilationWidth,
                   window_width, pool_x),
            out_channels};
  }
  // Whether Winograd's method may be taken.
  bool winograd() const {
    return filter_height == 3 && filter_width == 3 && at.strideHeight == 1 && at.strideWidth == 1 &&
           at.dilationHeight == 1 && at.dilationWidth == 1 && window_height == 2 && window_width == 2 &&
           pool_y == 2 && pool_x == 2 && channels > 4;
  }
  FusedConv2DMaxPoolParams params(Activation activation = Activation::Relu, float alpha = 0) const {
    return {at.strideHeight,
            at.strideWidth,
            at.dilationHeight,
            at.dilationWidth,
            at.padTop,
            at.padLeft,
            window_height,
            window_width,
            pool_y,
            pool_x,
            static_cast<int64_t>(activation),
            alpha};
  }

  static int64_t length(int64_t padded, int64_t filter, int64_t stride, int64_t dilation, int64_t window,
                        int64_t pool) {
    const int64_t reach = (filter - 1) * dilation + 1;
    const int64_t conv = padded < reach ? 0 : (padded - reach) / stride + 1;
    return conv < window ? 0 : (conv - window) / pool + 1;
  }
};

Case same(Case c) {
  c.at.padTop = (c.filter_height - 1) * c.at.dilationHeight / 2;
  c.at.padLeft = (c.filter_width - 1) * c.at.dilationWidth / 2;
  c.pad_bottom = (c.filter_height - 1) * c.at.dilationHeight - c.at.padTop;
  c.pad_right = (c.filter_width - 1) * c.at.dilationWidth - c.at.padLeft;
  return c;
}

Case windows(Case c, int64_t height, int64_t width, int64_t pool_y, int64_t pool_x) {
  c.window_height = height;
  c.window_width = width;
  c.pool_y = pool_y;
  c.pool_x = pool_x;
  return c;
}

Case drawn(Suite& suite) {
  const bool usual = suite.chance(0.5);
  Case c{suite.draw(1, 4),
         suite.draw(1, 16),
         suite.draw(1, 16),
         suite.draw(1, suite.chance(0.4) ? 40 : 8),
         usual ? 3 : suite.draw(1, 5),
         usual ? 3 : suite.draw(1, 6),
         suite.draw(1, 70)};
  if (!usual) c.at = {suite.draw(1, 3), suite.draw(1, 3), suite.draw(1, 3), suite.draw(1, 3), 0, 0};
  c.at.padTop = suite.draw(-1, 3);
  c.at.padLeft = suite.draw(-1, 3);
  c.pad_bottom = suite.draw(-1, 4);
  c.pad_right = suite.draw(-1, 4);
  return suite.chance(0.5)
             ? c
             : windows(c, suite.draw(1, 4), suite.draw(1, 4), suite.draw(1, 4), suite.draw(1, 4));
}

// Called for each shape that both ops are tested with.
template <class F>
void for_each_case(Suite& suite, F add) {
  // Around the vector widths, of either number of channels.
  for (int64_t n : {1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 47, 64, 65}) {
    add(Case{2, 7, 8, 1, 3, 3, n});
    add(same({1, 6, 6, 3, 3, 3, n}));
    add(Case{1, 6, 9, n, 3, 3, 5});
    add(same({2, 5, 6, n, 3, 3, 20}));
    add(same({2, 6, 6, 17, 3, 3, n}));
    add(Case{1, 3, 6, n, 1, 1, 33});
  }
  // Filters of all sizes that taps are taken in together, and larger ones.
  for (int64_t height : {1, 2, 3, 4, 7}) {
    for (int64_t width : {1, 2, 3, 4, 5, 6, 11}) {
      add(Case{1, 9, 13, 5, height, width, 18});
      add(same({2, 6, 7, 1, height, width, 9}));
    }
  }
  // Pooling that overlaps, leaves gaps, drops rows and columns, or does nothing.
  for (const Case& c :
       {Case{2, 9, 12, 4, 3, 3, 18}, same({1, 11, 10, 17, 3, 3, 5}), Case{1, 13, 12, 1, 2, 3, 21}}) {
    add(windows(c, 3, 3, 2, 2));
    add(windows(c, 3, 2, 3, 2));
    add(windows(c, 2, 2, 1, 1));
    add(windows(c, 2, 1, 3, 4));
    add(windows(c, 1, 1, 1, 1));
    add(windows(c, 1, 1, 2, 2));
    add(windows(c, 4, 5, 4, 5));
    add(windows(c, 2, 3, 2, 1));
  }
  // Strides, dilation, cropping, and padding larger than the filter.
  add({2, 12, 13, 6, 3, 3, 18, {2, 3, 1, 1, 1, 0}, 1, 2});
  add({2, 12, 13, 1, 3, 3, 18, {2, 1, 1, 2, 1, 0}, 1, 2});
  add({1, 14, 15, 17, 3, 3, 5, {1, 1, 2, 3, 2, 3}, 2, 3});
  add({1, 10, 11, 5, 3, 3, 6, {1, 1, 1, 1, -2, -1}, -1, -2});
  add({1, 10, 11, 1, 3, 3, 6, {1, 1, 1, 1, -2, 1}, 0, -2});
  add({1, 3, 4, 3, 2, 2, 6, {1, 1, 1, 1, 7, 9}, 8, 3});
  add({1, 4, 4, 18, 3, 3, 6, {1, 1, 1, 1, 5, 4}, 3, 6});
  // The seed CNN, a wide one, and one so wide that a row of windows is a pass.
  add(Case{3, 28, 28, 1, 3, 3, 32});
  add(Case{3, 13, 13, 32, 3, 3, 64});
  add(same({1, 32, 32, 24, 3, 3, 32}));
  add(same({2, 8, 8, 48, 3, 3, 64}));
  add(same({1, 6, 400, 3, 5, 5, 17}));
  // Nothing there.
  add(Case{0, 6, 6, 3, 3, 3, 4});
  add(Case{1, 3, 3, 3, 3, 3, 4});
  add(Case{2, 6, 6, 0, 3, 3, 4});
  add(Case{2, 6, 6, 3, 3, 3, 0});
  for (int i = 0; i < 60 * repeats(); i++) add(drawn(suite));
}

Spec cells(Suite& suite, const Case& c) {
  Spec spec{DType::Bool, c.y(), Fill::Whole, {}, false};
  int64_t n = 1;
  for (int64_t d : spec.dims) n *= d;
  for (int64_t i = 0; i < n; i++) {
    spec.values.push_back(static_cast<double>(suite.draw(0, c.window_height * c.window_width - 1)));
  }
  return spec;
}

const Activation kActivations[] = {Activation::Linear, Activation::Relu,    Activation::Relu6,
                                   Activation::Elu,    Activation::Sigmoid, Activation::LeakyRelu};

reference::Tensor forward_twin(const Case& c, Activation activation, std::vector<reference::Tensor> inputs,
                               reference::Tensor* argmax) {
  double params[16];
  c.params(activation, 0.3f).encode(params);
  std::vector<reference::Tensor> outputs(2);
  outputs[0].dims = outputs[1].dims = c.y();
  inputs.resize(4);
  reference::FusedConv2DMaxPool(inputs, outputs, params);
  if (argmax != nullptr) *argmax = outputs[1];
  return outputs[0];
}

struct PooledGradientCheck {
  PooledGradientCheck(const Case& c, Activation activation)
      : x(c, activation, 0), filter(c, activation, 1), bias(c, activation, 2) {}
  struct One : GradientCheck {
    One(const Case& c, Activation activation, int of)
        : GradientCheck(
              "FusedConv2DMaxPool", {c.x(), c.filter(), {c.out_channels}}, of,
              [=](const std::vector<reference::Tensor>& in) {
                return forward_twin(c, activation, in, nullptr);
              },
              [=](const std::vector<reference::Tensor>& in, const reference::Tensor& dy) {
                double params[16];
                c.params(activation, 0.3f).encode(params);
                reference::Tensor argmax;
                const reference::Tensor y = forward_twin(c, activation, in, &argmax);
                std::vector<reference::Tensor> outputs(3);
                outputs[0].dims = c.x();
                outputs[1].dims = c.filter();
                outputs[2].dims = {c.out_channels};
                reference::FusedConv2DMaxPoolGrad({dy, y, argmax, in[0], in[1]}, outputs, params);
                return outputs[static_cast<size_t>(of)];
              }) {}
  };
  One x, filter, bias;
};
const PooledGradientCheck kGradients[] = {
    PooledGradientCheck({2, 8, 7, 2, 3, 3, 3}, Activation::Relu),
    PooledGradientCheck(same({1, 7, 8, 2, 2, 3, 3}), Activation::Elu),
    PooledGradientCheck(windows({1, 9, 9, 2, 3, 2, 2, {1, 2, 2, 1, 1, 0}}, 3, 3, 2, 2), Activation::Sigmoid),
    PooledGradientCheck(windows({2, 6, 9, 1, 2, 2, 3}, 3, 2, 1, 3), Activation::Linear),
    PooledGradientCheck(same({1, 8, 6, 3, 3, 3, 2}), Activation::LeakyRelu),
    PooledGradientCheck({1, 6, 6, 2, 3, 3, 2}, Activation::Relu6),
};

}  // namespace

// An image that is zero but for its middle.
Spec drawing(Suite& suite, const Case& c) {
  Spec x = f32(c.x());
  const int64_t height = x.dims[1], width = x.dims[2];
  for (int64_t i = 0; i < x.dims[0] * height * width * x.dims[3]; i++) {
    const int64_t pixel = i / x.dims[3], row = pixel / width % height, column = pixel % width;
    const bool inside =
        3 * row >= height && 3 * row < 2 * height && 3 * column >= width && 3 * column < 2 * width;
    x.values.push_back(inside ? static_cast<double>(suite.draw(-8, 8)) : 0);
  }
  return x;
}

// Of transformed filters.
constexpr int64_t kEdges[] = {4, 6, 7};

std::vector<int64_t> winograd_dims(int64_t edge, int64_t depth, int64_t columns) {
  return {edge * edge, depth * ((columns + 31) / 32 * 32) + 16};
}

Spec transformed(const Spec& filter, int64_t edge) {
  std::vector<reference::Tensor> from(1), to(1);
  from[0].dims = filter.dims;
  from[0].value = filter.values;
  to[0].dims = winograd_dims(edge, filter.dims[2], filter.dims[3]);
  reference::WinogradFilter(from, to, nullptr);
  Spec spec = f32(to[0].dims);
  spec.values = to[0].value;
  return spec;
}

// Sums of whole numbers are exact, but by Winograd's larger tiles, so are their order and ties: only then
// argmax is asked for. NonFinite has nothing but whole numbers beside what is special.
TFJS_CASES(WinogradFilter) {
  for (int64_t edge : kEdges) {
    for (int64_t columns : {1, 15, 16, 32, 33, 64, 100}) {
      for (int64_t depth : {1, 5, 32}) {
        suite.add({f32({3, 3, depth, columns})}, {f32(winograd_dims(edge, depth, columns))});
      }
    }
  }
}

TFJS_CASES(FusedConv2DMaxPool) {
  int turn = 0;
  auto add = [&](const Case& c) {
    const FusedConv2DMaxPoolParams params = c.params(kActivations[turn++ % 6], 0.2f);
    const Spec bias = turn % 4 == 0 ? absent() : f32({c.out_channels});
    suite.add({f32(c.x()), f32(c.filter()), bias, absent()}, {f32(c.y()), absent()}, params);
    if (turn % 3 != 0) {
      set_winograd(turn % 3 == 1 ? Winograd::Tiles4 : Winograd::Tiles5);
      suite.add({f32(c.x()), f32(c.filter()), bias, absent()}, {f32(c.y()), absent()}, params);
    }
    set_winograd(turn % 2 == 0 ? Winograd::Never : Winograd::Tiles2);
    suite.add({f32(c.x(), Fill::Whole), f32(c.filter(), Fill::Whole), bias, absent()},
              {f32(c.y()), boolean(c.y())}, params);
    if (c.channels == 1) {
      suite.add({drawing(suite, c), f32(c.filter(), Fill::Whole), bias, absent()},
                {f32(c.y()), boolean(c.y())}, params);
    }
    if (turn % 3 == 0) {
      suite.add({f32(c.x(), Fill::NonFinite), f32(c.filter(), Fill::Whole), bias, absent()},
                {f32(c.y()), boolean(c.y())}, params);
      suite.add({f32(c.x(), Fill::Whole), f32(c.filter(), Fill::NonFinite),
                 f32({c.out_channels}, Fill::NonFinite), absent()},
                {f32(c.y()), boolean(c.y())}, params);
    }
    set_winograd(Winograd::ByShape);
    if (c.winograd()) {
      // The same draws, transformed beforehand.
      Spec filter = f32(c.filter());
      for (int64_t i = 0; i < 9 * c.channels * c.out_channels; i++)
        filter.values.push_back(static_cast<double>(suite.draw(-64, 64)) / 64);
      suite.add({f32(c.x()), filter, bias, transformed(filter, kEdges[turn % 3])}, {f32(c.y()), absent()},
                params);
      suite.add({f32(c.x(), Fill::NonFinite), filter, bias, transformed(filter, kEdges[turn % 3])},
                {f32(c.y()), absent()}, params);
    }
  };
  for_each_case(suite, add);
}

TFJS_CASES(FusedConv2DMaxPoolGrad) {
  int turn = 0;
  auto add = [&](const Case& c) {
    const FusedConv2DMaxPoolParams params = c.params(kActivations[turn++ % 6], 0.2f);
    const Spec dbias = turn % 4 == 0 ? absent() : f32({c.out_channels});
    auto add_with = [&](const Spec& dy, const Spec& y, const Spec& x, const Spec& filter) {
      const Spec argmax = cells(suite, c);
      suite.add({dy, y, argmax, x, filter}, {f32(c.x()), f32(c.filter()), dbias}, params);
      suite.add({dy, y, argmax, x, filter}, {absent(), f32(c.filter()), dbias}, params);
      if (turn % 4 != 1) return;
      suite.add({dy, y, argmax, x, filter}, {f32(c.x()), absent(), dbias}, params);
      suite.add({dy, y, argmax, x, filter}, {absent(), absent(), dbias}, params);
    };
    add_with(f32(c.y()), f32(c.y(), Fill::Sparse), f32(c.x()), f32(c.filter()));
    if (c.channels == 1) add_with(f32(c.y()), f32(c.y(), Fill::Sparse), drawing(suite, c), f32(c.filter()));
    if (turn % 3 == 0) {
      add_with(f32(c.y(), Fill::NonFinite), f32(c.y(), Fill::Sparse), f32(c.x()), f32(c.filter()));
      add_with(f32(c.y()), f32(c.y(), Fill::NonFinite), f32(c.x(), Fill::NonFinite),
               f32(c.filter(), Fill::NonFinite));
    }
    if (turn % 5 == 0) {
      // Everything alive, and nothing.
      add_with(f32(c.y(), Fill::Sparse), f32(c.y(), Fill::Positive), f32(c.x()), f32(c.filter()));
      Spec dead = f32(c.y());
      dead.values.assign(static_cast<size_t>(dead.dims[0] * dead.dims[1] * dead.dims[2] * dead.dims[3]), 0.0);
      add_with(dead, f32(c.y()), f32(c.x()), f32(c.filter()));
    }
  };
  for_each_case(suite, add);
}

}  // namespace tfjs::test

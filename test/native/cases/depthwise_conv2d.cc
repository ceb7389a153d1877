#include <cmath>

#include "../harness.h"

namespace tfjs::test {
namespace {

struct Case {
  int64_t batch, height, width, channels, filter_height, filter_width, multiplier = 1;
  Conv2DParams at = {1, 1, 1, 1, 0, 0};
  // Padding behind the last row and column.
  int64_t pad_bottom = 0, pad_right = 0;

  std::vector<int64_t> x() const { return {batch, height, width, channels}; }
  std::vector<int64_t> filter() const { return {filter_height, filter_width, channels, multiplier}; }
  std::vector<int64_t> y() const {
    return {batch,
            out_length(height + at.padTop + pad_bottom, filter_height, at.strideHeight, at.dilationHeight),
            out_length(width + at.padLeft + pad_right, filter_width, at.strideWidth, at.dilationWidth),
            channels * multiplier};
  }

  static int64_t out_length(int64_t padded, int64_t filter, int64_t stride, int64_t dilation) {
    const int64_t reach = (filter - 1) * dilation + 1;
    return padded < reach ? 0 : (padded - reach) / stride + 1;
  }
};

// With the padding that TensorFlow calls "same", which leaves the larger part behind.
Case same(Case c, int64_t stride = 1) {
  c.at.strideHeight = c.at.strideWidth = stride;
  auto pad = [&](int64_t length, int64_t filter, int64_t dilation) {
    const int64_t all = ((length + stride - 1) / stride - 1) * stride + (filter - 1) * dilation + 1 - length;
    return all > 0 ? all : 0;
  };
  const int64_t rows = pad(c.height, c.filter_height, c.at.dilationHeight);
  const int64_t cols = pad(c.width, c.filter_width, c.at.dilationWidth);
  c.at.padTop = rows / 2;
  c.pad_bottom = rows - rows / 2;
  c.at.padLeft = cols / 2;
  c.pad_right = cols - cols / 2;
  return c;
}

Case drawn(Suite& suite) {
  Case c{suite.draw(1, 3),
         suite.draw(1, 14),
         suite.draw(1, 20),
         suite.draw(1, suite.chance(0.1)   ? 400
                       : suite.chance(0.3) ? 70
                                           : 20),
         suite.draw(1, 6),
         suite.draw(1, 6),
         suite.chance(0.7) ? 1 : suite.draw(2, 5)};
  // The paths of their own have three or five taps.
  if (suite.chance(0.5)) c.filter_height = c.filter_width = suite.chance(0.7) ? 3 : 5;
  c.at = {suite.draw(1, 4), suite.draw(1, 4),  suite.draw(1, 3),
          suite.draw(1, 3), suite.draw(-2, 4), suite.draw(-2, 4)};
  if (suite.chance(0.6)) c.at.dilationHeight = c.at.dilationWidth = 1;
  if (suite.chance(0.6)) c.at.strideHeight = c.at.strideWidth = suite.draw(1, 2);
  c.pad_bottom = suite.draw(-2, 5);
  c.pad_right = suite.draw(-2, 5);
  return c;
}

// Called for each shape that all four ops are tested with.
template <class F>
void for_each_case(Suite& suite, F add) {
  // Around the vector widths.
  for (int64_t n : {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 65}) {
    add(same({2, 5, 6, n, 3, 3}));
    add(same({1, 5, 14, n, 3, 3}, 2));
    add(same({1, 6, 5, n, 5, 5}));
    add(Case{1, 5, 6, n, 2, 3});
    add(Case{1, 5, 6, n, 3, 3, 2});
    add(same({2, 4, 5, 3, 3, 2, n}));
  }
  // Channels in several blocks, the last one smaller, with and without a vector that is not full.
  for (int64_t n : {255, 256, 257, 300, 385}) {
    add(same({1, 5, 9, n, 3, 3}));
    add(same({2, 6, 7, n, 3, 3}, 2));
    add(same({1, 4, 6, n, 5, 5}));
    add(Case{1, 4, 5, n, 2, 3});
  }
  // Around the lengths of tiles and pieces of a row, and of pairs of rows.
  for (int64_t n = 1; n <= 20; n++) {
    for (int64_t stride : {1, 2}) {
      add(same({1, 3, n, 16, 3, 3}, stride));
      add(same({1, n, 3, 20, 3, 3}, stride));
      add(same({1, 2, n, 18, 5, 5}, stride));
    }
    add(same({1, 1, n, 5, 1, 4}));
  }
  for (int64_t n : {255, 256, 257, 511, 512, 513, 1100}) {
    add(same({1, 1, n, 5, 1, 3}));
    add(same({1, 2, n, 16, 3, 3}, 2));
    add(Case{2, n, 1, 17, 3, 1});
  }
  // Shapes that thread, some in several slices of pixels, and more images than are repeated at a time.
  add(same({2, 56, 56, 24, 3, 3}));
  add(same({4, 14, 14, 96, 3, 3}));
  add(same({4, 28, 28, 48, 3, 3}, 2));
  add(same({2, 14, 14, 70, 5, 5}));
  add(same({1, 60, 60, 33, 7, 7}));
  add(same({8, 32, 32, 17, 3, 3, 4}));
  add(same({3, 30, 40, 3, 3, 3, 32}, 2));
  add(same({1, 300, 300, 4, 3, 3}));
  // Strides larger than the filter, than the image and than what fits in 32 bits.
  add({1, 9, 9, 20, 2, 2, 1, {3, 4, 1, 1, 0, 0}});
  add({2, 9, 9, 20, 3, 3, 2, {12, 11, 1, 1, 1, 1}, 1, 1});
  add({1, 5, 5, 3, 2, 2, 1, {int64_t{1} << 40, int64_t{1} << 33, 1, 1, 0, 0}});
  const int64_t far = int64_t{1} << 40;
  add({1, 5, 5, 17, 2, 2, 1, {far, far, 1, 1, far, far}});
  // Dilation that shares a divisor with the stride, and none.
  add({1, 14, 15, 13, 3, 3, 1, {2, 3, 2, 2, 2, 1}, 1, 2});
  add({1, 14, 15, 18, 3, 3, 1, {4, 2, 6, 4, 2, 1}, 1, 2});
  add(same({1, 14, 15, 18, 3, 3, 1, {1, 1, 2, 2, 0, 0}}));
  add(same({1, 14, 15, 18, 3, 3, 1, {1, 1, 2, 1, 0, 0}}));
  // Padding larger than the filter and the image; cropping.
  add({1, 3, 4, 3, 2, 2, 1, {1, 1, 1, 1, 7, 9}, 8, 3});
  add({1, 3, 4, 19, 3, 3, 1, {1, 1, 1, 1, 7, 9}, 8, 3});
  add({1, 3, 4, 19, 3, 3, 1, {2, 2, 1, 1, 7, 9}, 8, 3});
  add({1, 8, 9, 17, 3, 3, 1, {1, 2, 1, 1, -2, -1}, -1, -2});
  add({1, 8, 9, 17, 3, 3, 2, {1, 1, 1, 1, -2, -1}, -1, -2});
  add({1, 2, 2, 3, 1, 1, 1, {1, 1, 1, 1, 100, 100}, 0, 0});
  // Nothing there.
  add(Case{0, 5, 5, 3, 3, 3});
  add(Case{1, 2, 2, 3, 3, 3});
  add(Case{2, 5, 5, 0, 3, 3});
  add(Case{2, 5, 5, 3, 3, 3, 0});
  add(Case{2, 5, 5, 3, 0, 3});
  add(same({1, 0, 0, 3, 3, 3}));
  for (int i = 0; i < 100 * repeats(); i++) add(drawn(suite));
}

// As Normal, with NaN and infinities in a few places.
Spec with_specials(Suite& suite, std::vector<int64_t> dims) {
  Spec spec = f32(std::move(dims));
  int64_t n = 1;
  for (int64_t d : spec.dims) n *= d;
  for (int64_t i = 0; i < n; i++) {
    spec.values.push_back(suite.chance(0.02) ? (suite.chance(0.5)   ? NAN
                                                : suite.chance(0.5) ? INFINITY
                                                                    : -INFINITY)
                                             : static_cast<float>(suite.draw(-8, 8)) / 4);
  }
  return spec;
}

template <class F>
void for_each_special_case(Suite& suite, F add) {
  add(same({2, 6, 7, 3, 3, 3}));
  add(same({2, 6, 7, 16, 3, 3}));
  add(same({2, 9, 17, 20, 3, 3}, 2));
  add(same({1, 7, 9, 18, 5, 5}));
  add(same({1, 6, 7, 5, 3, 3, 4}));
  for (int i = 0; i < 30 * repeats(); i++) add(drawn(suite));
}

reference::Tensor twin(reference::Function op, const std::vector<reference::Tensor>& inputs,
                       std::vector<int64_t> dims, const Conv2DParams& params) {
  double encoded[16];
  params.encode(encoded);
  std::vector<reference::Tensor> outputs(1);
  outputs[0].dims = std::move(dims);
  op(inputs, outputs, encoded);
  return outputs[0];
}

struct DepthwiseGradient {
  explicit DepthwiseGradient(const Case& c)
      : input("DepthwiseConv2dNativeBackpropInput", {c.x(), c.filter()}, 0, forward(c),
              [c](const std::vector<reference::Tensor>& in, const reference::Tensor& dy) {
                return twin(reference::DepthwiseConv2dNativeBackpropInput, {dy, in[1]}, c.x(), c.at);
              }),
        filter("DepthwiseConv2dNativeBackpropFilter", {c.x(), c.filter()}, 1, forward(c),
               [c](const std::vector<reference::Tensor>& in, const reference::Tensor& dy) {
                 return twin(reference::DepthwiseConv2dNativeBackpropFilter, {in[0], dy}, c.filter(), c.at);
               }) {}
  static Forward forward(const Case& c) {
    return [c](const std::vector<reference::Tensor>& in) {
      return twin(reference::DepthwiseConv2dNative, in, c.y(), c.at);
    };
  }
  GradientCheck input, filter;
};
const DepthwiseGradient kGradients[] = {
    DepthwiseGradient({2, 5, 6, 2, 3, 2, 3}),
    DepthwiseGradient(same({1, 5, 4, 3, 3, 3, 1})),
    DepthwiseGradient({1, 7, 6, 2, 2, 3, 2, {2, 3, 1, 1, 1, 0}, 0, 2}),
    DepthwiseGradient({1, 8, 9, 2, 3, 2, 2, {1, 1, 2, 3, 2, 1}, 1, 2}),
    DepthwiseGradient({1, 9, 9, 2, 3, 3, 2, {2, 2, 2, 3, 1, 2}, 2, 1}),
};

FusedConv2DParams fused(const Conv2DParams& at, Activation activation, float alpha = 0) {
  return {at.strideHeight,
          at.strideWidth,
          at.dilationHeight,
          at.dilationWidth,
          at.padTop,
          at.padLeft,
          static_cast<int64_t>(activation),
          alpha};
}

}  // namespace

TFJS_CASES(DepthwiseConv2dNative) {
  for_each_case(suite, [&](const Case& c) { suite.add({f32(c.x()), f32(c.filter())}, {f32(c.y())}, c.at); });
  for_each_special_case(suite, [&](const Case& c) {
    suite.add({with_specials(suite, c.x()), f32(c.filter())}, {f32(c.y())}, c.at);
    suite.add({f32(c.x()), with_specials(suite, c.filter())}, {f32(c.y())}, c.at);
  });
}

TFJS_CASES(FusedDepthwiseConv2D) {
  const Case cases[] = {
      {1, 5, 6, 7, 3, 3, 3},          same({2, 5, 6, 21, 3, 3}), same({2, 9, 14, 18, 3, 3}, 2),
      same({2, 5, 6, 37, 2, 2}),      {0, 5, 6, 3, 3, 3},        {1, 5, 6, 0, 3, 3},
      same({1, 9, 9, 2, 9, 9, 20}, 3)};
  for (const Case& c : cases) {
    const int64_t n = c.channels * c.multiplier;
    for (int64_t a = 0; a < static_cast<int64_t>(Activation::Count); a++) {
      const Activation activation = static_cast<Activation>(a);
      const FusedConv2DParams params = fused(c.at, activation, 0.3f);
      const Spec alpha = activation == Activation::Prelu ? f32({n}) : absent();
      suite.add({f32(c.x()), f32(c.filter()), f32({n}), alpha}, {f32(c.y())}, params);
      suite.add({f32(c.x()), f32(c.filter()), absent(), alpha}, {f32(c.y())}, params);
      suite.add({f32(c.x()), f32(c.filter()), f32({}), alpha}, {f32(c.y())}, params);
      suite.add({f32(c.x()), with_specials(suite, c.filter()), f32({n}), alpha}, {f32(c.y())}, params);
      suite.add({f32(c.x()), f32(c.filter()), with_specials(suite, {n}), alpha}, {f32(c.y())}, params);
    }
    suite.add({f32(c.x()), f32(c.filter()), f32({1, 1, n}), f32({1})}, {f32(c.y())},
              fused(c.at, Activation::Prelu));
  }
  for_each_case(suite, [&](const Case& c) {
    const Activation activation =
        static_cast<Activation>(suite.draw(0, static_cast<int64_t>(Activation::Count) - 1));
    const int64_t n = c.channels * c.multiplier;
    suite.add({f32(c.x()), f32(c.filter()), f32({n}), f32({n})}, {f32(c.y())},
              fused(c.at, activation, -0.5f));
  });
}

TFJS_CASES(DepthwiseConv2dNativeBackpropInput) {
  for_each_case(suite, [&](const Case& c) { suite.add({f32(c.y()), f32(c.filter())}, {f32(c.x())}, c.at); });
  for_each_special_case(suite, [&](const Case& c) {
    suite.add({with_specials(suite, c.y()), f32(c.filter())}, {f32(c.x())}, c.at);
    suite.add({f32(c.y()), with_specials(suite, c.filter())}, {f32(c.x())}, c.at);
  });
}

TFJS_CASES(DepthwiseConv2dNativeBackpropFilter) {
  for_each_case(suite, [&](const Case& c) { suite.add({f32(c.x()), f32(c.y())}, {f32(c.filter())}, c.at); });
  for_each_special_case(suite, [&](const Case& c) {
    suite.add({with_specials(suite, c.x()), f32(c.y())}, {f32(c.filter())}, c.at);
    suite.add({f32(c.x()), with_specials(suite, c.y())}, {f32(c.filter())}, c.at);
  });
}

}  // namespace tfjs::test

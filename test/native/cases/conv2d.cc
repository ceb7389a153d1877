#include <cmath>

#include "../harness.h"
#include "core/winograd.h"

namespace tfjs::test {
namespace {

struct Case {
  int64_t batch, height, width, channels, filter_height, filter_width, out_channels;
  Conv2DParams at = {1, 1, 1, 1, 0, 0};
  // Padding behind the last row and column.
  int64_t pad_bottom = 0, pad_right = 0;

  int64_t out_height() const {
    return out_length(height + at.padTop + pad_bottom, filter_height, at.strideHeight, at.dilationHeight);
  }
  int64_t out_width() const {
    return out_length(width + at.padLeft + pad_right, filter_width, at.strideWidth, at.dilationWidth);
  }
  std::vector<int64_t> x() const { return {batch, height, width, channels}; }
  std::vector<int64_t> filter() const { return {filter_height, filter_width, channels, out_channels}; }
  std::vector<int64_t> y() const { return {batch, out_height(), out_width(), out_channels}; }

  static int64_t out_length(int64_t padded, int64_t filter, int64_t stride, int64_t dilation) {
    const int64_t reach = (filter - 1) * dilation + 1;
    return padded < reach ? 0 : (padded - reach) / stride + 1;
  }
};

Case same(Case c) {
  c.at.padTop = (c.filter_height - 1) * c.at.dilationHeight / 2;
  c.at.padLeft = (c.filter_width - 1) * c.at.dilationWidth / 2;
  c.pad_bottom = (c.filter_height - 1) * c.at.dilationHeight - c.at.padTop;
  c.pad_right = (c.filter_width - 1) * c.at.dilationWidth - c.at.padLeft;
  return c;
}

Case drawn(Suite& suite) {
  Case c{suite.draw(1, 3), suite.draw(1, 14), suite.draw(1, 14), suite.draw(1, suite.chance(0.3) ? 40 : 12),
         suite.draw(1, 5), suite.draw(1, 5),  suite.draw(1, 70)};
  c.at = {suite.draw(1, 4), suite.draw(1, 4),  suite.draw(1, 3),
          suite.draw(1, 3), suite.draw(-2, 4), suite.draw(-2, 4)};
  c.pad_bottom = suite.draw(-2, 5);
  c.pad_right = suite.draw(-2, 5);
  return c;
}

// Called for each shape that all four ops are tested with.
template <class F>
void for_each_case(Suite& suite, F add) {
  // Around the vector widths, of either number of channels.
  for (int64_t n : {1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 64, 65}) {
    add(Case{1, 5, 6, 3, 3, 3, n});
    add(same({2, 4, 5, 14, 3, 3, n}));
    add(Case{1, 5, 6, n, 2, 3, 5});
    add(same({2, 6, 5, n, 3, 3, 20}));
    add(Case{1, 3, 7, n, 1, 1, 33});
  }
  // Nine products a result, of few and many columns and pixels.
  for (int64_t n : {1, 5, 8, 15, 16, 17, 31, 32, 33, 70}) {
    add(Case{2, 7, 3 + n % 9, 1, 3, 3, n});
    add(same({1, 6, n, 1, 3, 3, 18}));
    add(Case{1, 5, 9, 3, 1, 3, n, {1, 2, 1, 1, 0, 0}});
    add(Case{1, 15, 16, 1, 3, 3, n, {2, 3, 4, 1, 0, 0}});
    add({1, 8, 9, 1, 3, 3, n, {1, 2, 1, 1, -2, -1}, -1, -2});
    add({1, 8, 9, 1, 3, 3, n, {1, 1, 1, 1, -1, 2}, 3, -1});
    add(Case{2, 8, 9, 1, 3, 3, n, {1, 1, 1, 1, -2, -1}, -1, 0});
  }
  // Lengths around those of tiles, groups of them and blocks of pixels.
  for (int64_t n : {1, 5, 6, 7, 11, 12, 13, 47, 48, 49, 95, 96, 97, 127, 128, 129, 200}) {
    add(same({1, 1, n, 4, 1, 3, 18}));
    add(same({1, n, 1, 13, 3, 1, 3}));
    add(Case{1, 1, n, 5, 1, 1, 40});
  }
  // The seed CNN, and shapes that thread.
  add(Case{8, 28, 28, 1, 3, 3, 32});
  add(Case{8, 13, 13, 32, 3, 3, 64});
  add(same({4, 32, 32, 3, 3, 3, 64}));
  add(same({2, 16, 16, 64, 3, 3, 48}));
  add(same({1, 7, 7, 130, 3, 3, 150}));
  add(Case{16, 20, 20, 16, 1, 1, 10});
  // 1x1 filters over many pixels: several blocks and slices of them, strides, cropping, rows and columns left
  // over from tiles and panels, more sums than a part has.
  add(Case{2, 24, 23, 33, 1, 1, 32});
  add(Case{3, 21, 29, 50, 1, 1, 65});
  add(Case{5, 17, 19, 47, 1, 1, 97});
  add(Case{2, 45, 50, 32, 1, 1, 39, {2, 2, 1, 1, 0, 0}});
  add({2, 40, 48, 37, 1, 1, 33, {1, 2, 1, 1, -3, -1}, -2, -5});
  add(Case{1, 32, 32, 260, 1, 1, 290});
  // More than one block of taps, by number and by bytes.
  add(same({1, 12, 12, 2, 9, 9, 20}));
  add(same({1, 10, 12, 13, 9, 9, 20}));
  add(Case{1, 4, 4, 1100, 2, 2, 17});
  // Strides larger than the filter, than the image and than what fits in 32 bits.
  add({1, 9, 9, 4, 2, 2, 6, {3, 4, 1, 1, 0, 0}});
  add({2, 9, 9, 20, 3, 3, 20, {12, 11, 1, 1, 1, 1}, 1, 1});
  add({1, 5, 5, 3, 2, 2, 6, {int64_t{1} << 40, int64_t{1} << 33, 1, 1, 0, 0}});
  const int64_t far = int64_t{1} << 40;
  add({1, 5, 5, 3, 2, 2, 6, {far, far, 1, 1, far, far}});
  // Dilation so large that one tap at most falls into the image.
  add({1, 5, 5, 3, 2, 2, 6, {1, 1, far, far, far, far}});
  add({1, 5, 5, 17, 3, 2, 20, {2, 1, far, 9, far, 0}, far, 9});
  // Dilation that shares a divisor with the stride, and none.
  add({1, 14, 15, 13, 3, 3, 5, {2, 3, 2, 2, 2, 1}, 1, 2});
  add({1, 14, 15, 3, 3, 3, 5, {4, 2, 6, 4, 2, 1}, 1, 2});
  // Padding larger than the filter and the image; cropping.
  add({1, 3, 4, 3, 2, 2, 6, {1, 1, 1, 1, 7, 9}, 8, 3});
  add({1, 3, 4, 15, 2, 2, 6, {2, 2, 1, 1, 7, 9}, 8, 3});
  add({1, 8, 9, 3, 3, 3, 6, {1, 2, 1, 1, -2, -1}, -1, -2});
  add({1, 2, 2, 3, 1, 1, 4, {1, 1, 1, 1, 100, 100}, 0, 0});
  // Nothing there.
  add(Case{0, 5, 5, 3, 3, 3, 4});
  add(Case{1, 2, 2, 3, 3, 3, 4});
  add(Case{2, 5, 5, 0, 3, 3, 4});
  add(Case{2, 5, 5, 3, 3, 3, 0});
  add(same({1, 0, 0, 3, 3, 3, 4}));
  for (int i = 0; i < 60 * repeats(); i++) add(drawn(suite));
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
  add(same({2, 6, 7, 3, 3, 3, 5}));
  add(same({2, 6, 7, 16, 3, 3, 20}));
  add(same({1, 30, 20, 1, 5, 5, 33}));
  add(Case{2, 6, 7, 5, 2, 3, 20});
  for (int i = 0; i < 20 * repeats(); i++) add(drawn(suite));
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

// 3x3 filters by each size of Winograd's tiles, also where neither pays.
template <class F>
void for_each_winograd_case(Suite& suite, F add) {
  for (const Winograd choice : {Winograd::Tiles2, Winograd::Tiles4, Winograd::Never}) {
    set_winograd(choice);
    // Around the vector widths, of either number of channels.
    for (int64_t n : {1, 3, 4, 5, 8, 13, 16, 17, 31, 33, 48}) {
      add(same({1, 5, 6, 14, 3, 3, n}));
      add(Case{2, 7, 5, n, 3, 3, 19});
    }
    // Around the tiles, by length and by number.
    for (int64_t n : {1, 2, 3, 4, 5, 6, 7, 8, 9}) {
      add(same({1, n, 10 - n, 13, 3, 3, 18}));
      add(same({1, 1, n * n, 6, 3, 3, 20}));
    }
    for (int64_t n : {5, 6, 7, 11, 12, 13, 25}) add(same({n, 4, 4, 15, 3, 3, 33}));
    // Several blocks, and slices of the filter's gradient.
    add(same({8, 13, 14, 20, 3, 3, 24}));
    add(same({5, 20, 20, 12, 3, 3, 8}));
    // Padding of any size, and cropping.
    add({1, 6, 7, 13, 3, 3, 18, {1, 1, 1, 1, 5, 0}, 1, 7});
    add({1, 9, 8, 13, 3, 3, 18, {1, 1, 1, 1, -1, -2}, -1, 1});
    for (int i = 0; i < 10 * repeats(); i++) {
      Case c{suite.draw(1, 3), suite.draw(1, 12), suite.draw(1, 12), suite.draw(1, 40), 3, 3,
             suite.draw(1, 40)};
      c.at = {1, 1, 1, 1, suite.draw(-1, 3), suite.draw(-1, 3)};
      c.pad_bottom = suite.draw(-1, 3);
      c.pad_right = suite.draw(-1, 3);
      add(c);
    }
  }
  set_winograd(Winograd::ByShape);
}

struct ConvolutionGradient {
  explicit ConvolutionGradient(const Case& c)
      : input("Conv2DBackpropInput", {c.x(), c.filter()}, 0, forward(c),
              [c](const std::vector<reference::Tensor>& in, const reference::Tensor& dy) {
                return twin(reference::Conv2DBackpropInput, {dy, in[1]}, c.x(), c.at);
              }),
        filter("Conv2DBackpropFilter", {c.x(), c.filter()}, 1, forward(c),
               [c](const std::vector<reference::Tensor>& in, const reference::Tensor& dy) {
                 return twin(reference::Conv2DBackpropFilter, {in[0], dy}, c.filter(), c.at);
               }) {}
  static Forward forward(const Case& c) {
    return [c](const std::vector<reference::Tensor>& in) { return twin(reference::Conv2D, in, c.y(), c.at); };
  }
  GradientCheck input, filter;
};
const ConvolutionGradient kGradients[] = {
    ConvolutionGradient({2, 5, 6, 2, 3, 2, 3}),
    ConvolutionGradient(same({1, 5, 4, 3, 3, 3, 2})),
    ConvolutionGradient({1, 7, 6, 2, 2, 3, 2, {2, 3, 1, 1, 1, 0}, 0, 2}),
    ConvolutionGradient({1, 8, 9, 2, 3, 2, 2, {1, 1, 2, 3, 2, 1}, 1, 2}),
    ConvolutionGradient({1, 9, 9, 2, 3, 3, 2, {2, 2, 2, 3, 1, 2}, 2, 1}),
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

TFJS_CASES(Conv2D) {
  auto add = [&](const Case& c) { suite.add({f32(c.x()), f32(c.filter())}, {f32(c.y())}, c.at); };
  auto add_special = [&](const Case& c) {
    suite.add({with_specials(suite, c.x()), f32(c.filter())}, {f32(c.y())}, c.at);
    suite.add({f32(c.x()), with_specials(suite, c.filter())}, {f32(c.y())}, c.at);
  };
  for_each_case(suite, add);
  for_each_special_case(suite, add_special);
  for_each_winograd_case(suite, add);
  for_each_winograd_case(suite, add_special);
}

TFJS_CASES(FusedConv2D) {
  const Case cases[] = {{1, 5, 6, 3, 3, 3, 21},
                        same({2, 5, 6, 14, 3, 3, 37}),
                        {0, 5, 6, 3, 3, 3, 4},
                        {1, 5, 6, 0, 3, 3, 21},
                        same({1, 9, 9, 2, 9, 9, 20})};
  for (const Case& c : cases) {
    const int64_t n = c.out_channels;
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
  auto add = [&](const Case& c) {
    const Activation activation =
        static_cast<Activation>(suite.draw(0, static_cast<int64_t>(Activation::Count) - 1));
    suite.add({f32(c.x()), f32(c.filter()), f32({c.out_channels}), f32({c.out_channels})}, {f32(c.y())},
              fused(c.at, activation, -0.5f));
  };
  for_each_case(suite, add);
  for_each_winograd_case(suite, add);
}

TFJS_CASES(Conv2DBackpropInput) {
  auto add = [&](const Case& c) { suite.add({f32(c.y()), f32(c.filter())}, {f32(c.x())}, c.at); };
  auto add_special = [&](const Case& c) {
    suite.add({with_specials(suite, c.y()), f32(c.filter())}, {f32(c.x())}, c.at);
    suite.add({f32(c.y()), with_specials(suite, c.filter())}, {f32(c.x())}, c.at);
  };
  for_each_case(suite, add);
  for_each_special_case(suite, add_special);
  for_each_winograd_case(suite, add);
  for_each_winograd_case(suite, add_special);
}

TFJS_CASES(Conv2DBackpropFilter) {
  auto add = [&](const Case& c) { suite.add({f32(c.x()), f32(c.y())}, {f32(c.filter())}, c.at); };
  auto add_special = [&](const Case& c) {
    suite.add({with_specials(suite, c.x()), f32(c.y())}, {f32(c.filter())}, c.at);
    suite.add({f32(c.x()), with_specials(suite, c.y())}, {f32(c.filter())}, c.at);
  };
  for_each_case(suite, add);
  for_each_special_case(suite, add_special);
  for_each_winograd_case(suite, add);
  for_each_winograd_case(suite, add_special);
}

}  // namespace tfjs::test

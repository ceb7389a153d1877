#include <numeric>

#include "../harness.h"

namespace tfjs::test {
namespace {

struct Shape {
  int64_t batch, height, width, channels;
  PoolParams p;
  // Padding on the other sides; the output follows from all of it.
  int64_t pad_bottom = 0, pad_right = 0;

  std::vector<int64_t> x() const { return {batch, height, width, channels}; }
  std::vector<int64_t> y() const {
    return {batch, (height + p.padTop + pad_bottom - p.windowHeight) / p.strideHeight + 1,
            (width + p.padLeft + pad_right - p.windowWidth) / p.strideWidth + 1, channels};
  }
  bool fits() const {
    return height + p.padTop + pad_bottom >= p.windowHeight && width + p.padLeft + pad_right >= p.windowWidth;
  }
};

// Windows of equal sides, stride and padding in both directions.
Shape square(int64_t batch, int64_t side, int64_t channels, int64_t window, int64_t stride, int64_t pad = 0) {
  return {batch, side, side, channels, {window, window, stride, stride, pad, pad}, pad, pad};
}

constexpr int64_t kFar = int64_t{1} << 40;

std::vector<Shape> shapes(Suite& suite) {
  std::vector<Shape> list = {
      // The seed CNN's.
      square(32, 26, 32, 2, 2),
      square(32, 11, 64, 2, 2),
      // Overlapping, gapped, padded, larger than the image, everything at once.
      square(2, 13, 24, 3, 2, 1),
      square(2, 12, 5, 3, 1, 1),
      square(2, 12, 3, 2, 3),
      square(1, 9, 16, 2, 5),
      square(2, 7, 40, 7, 1),
      square(2, 7, 3, 7, 7),
      square(1, 4, 20, 6, 1, 3),
      square(1, 5, 1, 3, 1, 2),
      // Tall and wide ones, uneven padding, windows that see nothing but padding.
      {2, 9, 14, 17, {1, 3, 1, 2, 0, 1}, 0, 0},
      {2, 14, 9, 8, {3, 1, 2, 1, 2, 0}, 1, 3},
      {1, 6, 6, 33, {2, 3, 2, 1, 1, 0}, 0, 2},
      {1, 3, 3, 19, {2, 2, 2, 2, 5, 4}, 4, 3},
      {1, 3, 3, 2, {2, 2, 2, 2, 5, 4}, 4, 3},
      {1, 3, 3, 2, {2, 2, 9, 9, 4, 4}, 0, 0},
      {2, 1, 1, 4, {1, 1, 2, 2, 0, 0}, 0, 0},
      // Strides, windows and padding beyond 32 bits.
      {2, 5, 4, 3, {2, 2, kFar, kFar, 0, 0}, 0, 0},
      {1, 5, 4, 20, {2, 3, kFar, kFar, kFar, kFar}, 1, 2},
      {1, 5, 4, 2, {2, 3, kFar, kFar, kFar, kFar}, 1, 2},
      {1, 5, 4, 3, {kFar, kFar, 1, 1, kFar, kFar}, 2, 1},
      {1, 5, 4, 17, {kFar, kFar, 1, 2, kFar - 3, kFar}, 2, 1},
      {2, 5, 4, 3, {3, kFar, 2, kFar, 1, 2 * kFar}, 1, kFar},
      // Empty.
      square(0, 6, 8, 2, 2),
      square(2, 6, 0, 2, 2),
      // One large image: several bands, overlapping and not.
      square(1, 130, 19, 3, 1, 1),
      square(1, 151, 32, 5, 2, 2),
      square(1, 301, 3, 2, 2),
      square(1, 200, 16, 2, 2),
      // Windows of 3x3 two apart: several bands, rests behind the last window, uneven padding.
      square(1, 90, 48, 3, 2),
      square(2, 12, 33, 3, 2),
      {1, 41, 20, 37, {3, 3, 2, 2, 0, 1}, 1, 0},
      {1, 8, 11, 20, {3, 3, 2, 2, 2, 2}, 2, 2},
      {2, 2, 1, 16, {3, 3, 2, 2, 1, 2}, 1, 2},
  };
  for (int64_t channels : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 48, 65, 130}) {
    list.push_back(square(2, 6, channels, 2, 2));
    list.push_back(square(2, 7, channels, 2, 2));
    list.push_back(square(1, 6, channels, 3, 2, 1));
    list.push_back(square(1, 9, channels, 3, 1, 1));
  }
  for (int i = 0; i < 60 * repeats(); i++) {
    Shape s{suite.draw(1, 4), suite.draw(1, 20), suite.draw(1, 20), suite.draw(1, 40), {}, 0, 0};
    s.p = {suite.draw(1, 5), suite.draw(1, 5), suite.draw(1, 5), suite.draw(1, 5), 0, 0};
    if (suite.chance(0.6)) {
      s.p.padTop = suite.draw(0, 3);
      s.p.padLeft = suite.draw(0, 3);
      s.pad_bottom = suite.draw(0, 3);
      s.pad_right = suite.draw(0, 3);
    }
    if (suite.chance(0.2)) {
      s.p.windowHeight = s.p.windowWidth = 3;
      s.p.strideHeight = s.p.strideWidth = 2;
    }
    if (s.fits()) list.push_back(s);
  }
  return list;
}

// As Fill::Special, without the huge numbers: added up in float, two of them may overflow before a third one
// brings the sum back.
Spec with_nan_and_infinity(Suite& suite, const std::vector<int64_t>& dims) {
  Spec spec = f32(dims);
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  const double special[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 0.5};
  for (int64_t i = 0; i < n; i++) {
    spec.values.push_back(suite.chance(0.8) ? static_cast<double>(suite.draw(-9, 9))
                                            : special[suite.draw(0, 5)]);
  }
  return spec;
}

const PoolParams kGradientParams = {3, 2, 2, 1, 1, 1};
const std::vector<int64_t> kGradientX = {2, 5, 4, 3}, kGradientY = {2, 3, 5, 3};

using Twin = void (*)(const std::vector<reference::Tensor>&, std::vector<reference::Tensor>&, const double*);

reference::Tensor call(Twin twin, const std::vector<reference::Tensor>& inputs,
                       const std::vector<int64_t>& dims) {
  double params[16];
  kGradientParams.encode(params);
  std::vector<reference::Tensor> outputs(1);
  outputs[0].dims = dims;
  twin(inputs, outputs, params);
  return outputs[0];
}

// Moves values so little that the order of the fixed distinct numbers they are added to stays: at a tie the
// maximum has no derivative.
constexpr double kSmall = 0.02;
reference::Tensor distinct(const reference::Tensor& x) {
  reference::Tensor z = x;
  const size_t n = z.value.size();
  for (size_t i = 0; i < n; i++) z.value[i] = kSmall * x.value[i] + 0.5 * static_cast<double>((i * 71) % n);
  return z;
}

}  // namespace

TFJS_CASES(MaxPool) {
  for (const Shape& s : shapes(suite)) {
    for (Fill fill : {Fill::Normal, Fill::Special, Fill::Sparse})
      suite.add({f32(s.x(), fill)}, {f32(s.y())}, s.p);
  }
}

TFJS_CASES(AvgPool) {
  for (const Shape& s : shapes(suite)) {
    for (Fill fill : {Fill::Normal, Fill::Special}) suite.add({f32(s.x(), fill)}, {f32(s.y())}, s.p);
  }
}

TFJS_CASES(MaxPoolGrad) {
  for (const Shape& s : shapes(suite)) {
    // Sparse has ties at zero, Whole almost everywhere.
    for (Fill fill : {Fill::Normal, Fill::Special, Fill::Sparse, Fill::Whole})
      suite.add({f32(s.y()), f32(s.x(), fill)}, {f32(s.x())}, s.p);
    suite.add({with_nan_and_infinity(suite, s.y()), f32(s.x(), Fill::Distinct)}, {f32(s.x())}, s.p);
  }
  Spec x = f32({1, 2, 2, 17});
  const double special[] = {NAN, -INFINITY, 0, -0.0};
  for (int i = 0; i < 4 * 17; i++) x.values.push_back(special[(i / 17 + i % 4) % 4]);
  suite.add({f32({1, 1, 1, 17}), x}, {f32(x.dims)}, PoolParams{2, 2, 2, 2, 0, 0});
  x.values.assign(4 * 17, -INFINITY);
  suite.add({f32({1, 1, 1, 17}), x}, {f32(x.dims)}, PoolParams{2, 2, 2, 2, 0, 0});
}

TFJS_CASES(AvgPoolGrad) {
  for (const Shape& s : shapes(suite)) {
    for (Fill fill : {Fill::Normal, Fill::Special}) suite.add({f32(s.y(), fill)}, {f32(s.x())}, s.p);
  }
}

static const GradientCheck max_pool_gradient(
    "MaxPool", {kGradientX}, 0,
    [](const std::vector<reference::Tensor>& inputs) {
      return call(reference::MaxPool, {distinct(inputs[0])}, kGradientY);
    },
    [](const std::vector<reference::Tensor>& inputs, const reference::Tensor& dy) {
      reference::Tensor dx = call(reference::MaxPoolGrad, {dy, distinct(inputs[0])}, kGradientX);
      for (double& v : dx.value) v *= kSmall;
      return dx;
    });

// Without padding: in the padding's reach the JavaScript kernel, which decides what is right here, gives
// another gradient than the function it belongs to.
static const GradientCheck avg_pool_gradient(
    "AvgPool", {{2, 5, 4, 3}}, 0,
    [](const std::vector<reference::Tensor>& inputs) {
      double params[16];
      PoolParams{3, 2, 2, 1, 0, 0}.encode(params);
      std::vector<reference::Tensor> y(1);
      y[0].dims = {2, 2, 3, 3};
      reference::AvgPool(inputs, y, params);
      return y[0];
    },
    [](const std::vector<reference::Tensor>&, const reference::Tensor& dy) {
      double params[16];
      PoolParams{3, 2, 2, 1, 0, 0}.encode(params);
      std::vector<reference::Tensor> dx(1);
      dx[0].dims = {2, 5, 4, 3};
      reference::AvgPoolGrad({dy}, dx, params);
      return dx[0];
    });

}  // namespace tfjs::test

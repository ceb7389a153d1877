#include "../harness.h"

namespace tfjs::test {
namespace {

struct Shape {
  std::vector<int64_t> image;
  int64_t height, width;

  std::vector<int64_t> resized() const { return {image[0], height, width, image[3]}; }
};

std::vector<Shape> shapes(Suite& suite) {
  std::vector<Shape> list = {
      // Up, down, both at once, by whole and broken factors; from and to a single cell.
      {{2, 8, 8, 3}, 16, 16},
      {{2, 16, 16, 3}, 8, 8},
      {{1, 7, 12, 5}, 11, 5},
      {{1, 12, 7, 16}, 5, 11},
      {{2, 5, 5, 4}, 5, 5},
      {{1, 1, 1, 3}, 6, 7},
      {{1, 6, 7, 3}, 1, 1},
      {{1, 2, 1, 1}, 9, 4},
      {{1, 3, 4, 2}, 1, 9},
      // Nothing in, nothing out.
      {{0, 4, 4, 3}, 8, 8},
      {{2, 4, 4, 0}, 8, 8},
      {{2, 4, 4, 3}, 0, 8},
      {{2, 4, 4, 3}, 8, 0},
      // Several tasks.
      {{4, 64, 64, 3}, 128, 128},
      {{3, 90, 70, 1}, 33, 150},
      {{2, 40, 40, 64}, 80, 61},
  };
  for (int64_t channels : {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33})
    list.push_back({{2, 5, 6, channels}, 9, 13});
  for (int i = 0; i < 40 * repeats(); i++) {
    list.push_back({{suite.draw(1, 3), suite.draw(1, 12), suite.draw(1, 12), suite.draw(1, 20)},
                    suite.draw(1, 24),
                    suite.draw(1, 24)});
  }
  return list;
}

constexpr ResizeParams kParams[] = {{0, 0}, {1, 0}, {0, 1}};

// NaN and infinities among ordinary numbers. Huge ones would overflow in float where they do not in double.
Spec with_nan_and_infinity(Suite& suite, const std::vector<int64_t>& dims) {
  Spec spec = f32(dims);
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  const double special[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 0.5};
  for (int64_t i = 0; i < n; i++)
    spec.values.push_back(suite.chance(0.9) ? static_cast<double>(suite.draw(-9, 9))
                                            : special[suite.draw(0, 5)]);
  return spec;
}

reference::Tensor call(reference::Function twin, const std::vector<reference::Tensor>& inputs,
                       const std::vector<int64_t>& dims, ResizeParams p) {
  double params[4];
  p.encode(params);
  std::vector<reference::Tensor> outputs(1);
  outputs[0].dims = dims;
  twin(inputs, outputs, params);
  return outputs[0];
}

const std::vector<int64_t> kImage = {2, 4, 5, 3}, kLarger = {2, 7, 9, 3}, kSmaller = {2, 3, 2, 3};

GradientCheck check(const char* name, reference::Function forward, reference::Function gradient,
                    const std::vector<int64_t>& resized, ResizeParams p) {
  return GradientCheck(
      name, {kImage}, 0,
      [=](const std::vector<reference::Tensor>& inputs) { return call(forward, inputs, resized, p); },
      [=](const std::vector<reference::Tensor>&, const reference::Tensor& dy) {
        return call(gradient, {dy}, kImage, p);
      });
}

}  // namespace

TFJS_CASES(ResizeBilinear) {
  for (const Shape& s : shapes(suite)) {
    for (const ResizeParams& p : kParams) {
      suite.add({f32(s.image)}, {f32(s.resized())}, p);
      suite.add({i32(s.image)}, {f32(s.resized())}, p);
      suite.add({with_nan_and_infinity(suite, s.image)}, {f32(s.resized())}, p);
    }
  }
}

TFJS_CASES(ResizeBilinearGrad) {
  for (const Shape& s : shapes(suite)) {
    for (const ResizeParams& p : kParams) {
      suite.add({f32(s.resized())}, {f32(s.image)}, p);
      suite.add({with_nan_and_infinity(suite, s.resized())}, {f32(s.image)}, p);
    }
  }
}

TFJS_CASES(ResizeNearestNeighbor) {
  for (const Shape& s : shapes(suite)) {
    for (const ResizeParams& p : kParams) {
      suite.add({f32(s.image, Fill::Special)}, {f32(s.resized())}, p);
      suite.add({i32(s.image)}, {i32(s.resized())}, p);
      suite.add({boolean(s.image)}, {boolean(s.resized())}, p);
    }
  }
}

TFJS_CASES(ResizeNearestNeighborGrad) {
  for (const Shape& s : shapes(suite)) {
    for (const ResizeParams& p : kParams) {
      suite.add({f32(s.resized())}, {f32(s.image)}, p);
      suite.add({with_nan_and_infinity(suite, s.resized())}, {f32(s.image)}, p);
    }
  }
}

static const GradientCheck bilinear_checks[] = {
    check("ResizeBilinear", reference::ResizeBilinear, reference::ResizeBilinearGrad, kLarger, {0, 0}),
    check("ResizeBilinear, corners aligned", reference::ResizeBilinear, reference::ResizeBilinearGrad,
          kLarger, {1, 0}),
    check("ResizeBilinear, half-pixel centers", reference::ResizeBilinear, reference::ResizeBilinearGrad,
          kLarger, {0, 1}),
    check("ResizeBilinear, smaller", reference::ResizeBilinear, reference::ResizeBilinearGrad, kSmaller,
          {0, 1}),
};
static const GradientCheck nearest_checks[] = {
    check("ResizeNearestNeighbor", reference::ResizeNearestNeighbor, reference::ResizeNearestNeighborGrad,
          kLarger, {0, 0}),
    check("ResizeNearestNeighbor, corners aligned", reference::ResizeNearestNeighbor,
          reference::ResizeNearestNeighborGrad, kLarger, {1, 0}),
    check("ResizeNearestNeighbor, half-pixel centers", reference::ResizeNearestNeighbor,
          reference::ResizeNearestNeighborGrad, kLarger, {0, 1}),
    check("ResizeNearestNeighbor, smaller", reference::ResizeNearestNeighbor,
          reference::ResizeNearestNeighborGrad, kSmaller, {1, 0}),
};

}  // namespace tfjs::test

#include "../harness.h"

namespace tfjs::test {
namespace {

void forward_cases(Suite& suite) {
  for (int64_t n : edge_lengths()) {
    suite.add({f32({n})}, {f32({n})});
    if (n < 2000) suite.add({f32({7, n}, Fill::Special)}, {f32({7, n})});
  }
  suite.add({f32({0, 10})}, {f32({0, 10})});
  suite.add({f32({32, 10})}, {f32({32, 10})});
  suite.add({f32({10000, 10})}, {f32({10000, 10})});
  suite.add({f32({3, 5, 2, 33})}, {f32({3, 5, 2, 33})});

  const double inf = INFINITY, nan = NAN;
  auto row = [&](std::vector<double> values) {
    Spec x = f32({static_cast<int64_t>(values.size())});
    x.values = std::move(values);
    suite.add({x}, {f32(x.dims)});
  };
  row({1e4, -1e4, 0});
  row({-1000, -1001, -1002});
  row({-inf, 0, 1});
  row({-inf, -inf});
  row({inf, 0, 1});
  row({0, nan, 1});
  row({3e38, -3e38});
  std::vector<double> far(100, -50.0);
  far[99] = 60;
  row(far);
  far[99] = nan;
  row(far);

  for (int i = 0; i < 20 * repeats(); i++) {
    const std::vector<int64_t> dims = {suite.draw(1, 60), suite.draw(1, 300)};
    suite.add({f32(dims)}, {f32(dims)});
  }
}

// NaN and infinities among small numbers: no sum overflows on its way.
Spec odd(Suite& suite, const std::vector<int64_t>& dims) {
  Spec spec = f32(dims);
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  const double special[] = {NAN, INFINITY, -INFINITY, 0, -0.0};
  for (int64_t i = 0; i < n; i++) {
    spec.values.push_back(suite.chance(0.9) ? static_cast<double>(suite.draw(-4, 4))
                                            : special[suite.draw(0, 4)]);
  }
  return spec;
}

std::vector<std::vector<int64_t>> shapes_of_pairs(Suite& suite) {
  std::vector<std::vector<int64_t>> shapes = {{0, 10}, {3, 0}, {32, 10}, {10000, 10}, {3, 5, 2, 33}};
  for (int64_t n : edge_lengths()) {
    shapes.push_back({n});
    if (n < 2000) shapes.push_back({7, n});
  }
  for (int i = 0; i < 20 * repeats(); i++) shapes.push_back({suite.draw(1, 60), suite.draw(1, 300)});
  return shapes;
}

// `y`: how the outputs of the forward op are drawn.
void gradient_cases(Suite& suite, Fill y) {
  for (const auto& dims : shapes_of_pairs(suite)) {
    suite.add({f32(dims), f32(dims, y)}, {f32(dims)});
    suite.add({odd(suite, dims), odd(suite, dims)}, {f32(dims)});
  }
}

using Twin = void (*)(const std::vector<reference::Tensor>&, std::vector<reference::Tensor>&, const double*);

reference::Tensor call(Twin twin, const std::vector<reference::Tensor>& inputs) {
  std::vector<reference::Tensor> outputs(1);
  outputs[0].dims = inputs[0].dims;
  twin(inputs, outputs, nullptr);
  return outputs[0];
}

GradientCheck check(const char* name, Twin forward, Twin gradient) {
  return {name,
          {{3, 7}},
          0,
          [=](const std::vector<reference::Tensor>& inputs) { return call(forward, inputs); },
          [=](const std::vector<reference::Tensor>& inputs, const reference::Tensor& dy) {
            return call(gradient, {dy, call(forward, inputs)});
          }};
}

const GradientCheck softmax_gradient = check("Softmax", reference::Softmax, reference::SoftmaxGrad);
const GradientCheck log_softmax_gradient =
    check("LogSoftmax", reference::LogSoftmax, reference::LogSoftmaxGrad);

}  // namespace

TFJS_CASES(Softmax) { forward_cases(suite); }
TFJS_CASES(LogSoftmax) { forward_cases(suite); }
TFJS_CASES(SoftmaxCrossEntropyWithLogits) {
  for (const auto& dims : shapes_of_pairs(suite)) {
    const std::vector<int64_t> rows(dims.begin(), dims.end() - 1);
    suite.add({f32(dims, Fill::Unit), f32(dims)}, {f32(rows), f32(dims)});
    suite.add({odd(suite, dims), odd(suite, dims)}, {f32(rows), f32(dims)});
  }
}
TFJS_CASES(SoftmaxGrad) { gradient_cases(suite, Fill::Unit); }
TFJS_CASES(LogSoftmaxGrad) { gradient_cases(suite, Fill::Normal); }

TFJS_CASES(SparseSoftmaxCrossEntropyWithLogits) {
  for (const auto& dims : shapes_of_pairs(suite)) {
    const std::vector<int64_t> rows(dims.begin(), dims.end() - 1);
    // -9 to 9: some are no classes.
    suite.add({i32(rows), f32(dims)}, {f32(rows), f32(dims)});
    suite.add({i32(rows), f32(dims, Fill::NonFinite)}, {f32(rows), f32(dims)});
  }
}

}  // namespace tfjs::test

#include "../harness.h"

namespace tfjs::test {
namespace {

std::vector<std::vector<int64_t>> shapes(Suite& suite) {
  std::vector<std::vector<int64_t>> list = {{0, 3}, {1, 1}, {32, 1}, {32, 10}, {20000, 7}};
  for (int64_t n : edge_lengths()) {
    if (n > 0) list.push_back({3, n});
  }
  for (int i = 0; i < 20 * repeats(); i++) list.push_back({suite.draw(1, 60), suite.draw(1, 100)});
  return list;
}

using Twin = void (*)(const std::vector<reference::Tensor>&, std::vector<reference::Tensor>&, const double*);

// Loss and gradient in one: the gradient by the second input, times dy of its row or number.
GradientCheck check(const char* name, Twin twin, std::vector<int64_t> loss_dims) {
  auto call = [=](const std::vector<reference::Tensor>& inputs) {
    std::vector<reference::Tensor> outputs(2);
    outputs[0].dims = loss_dims;
    outputs[1].dims = inputs[1].dims;
    twin(inputs, outputs, nullptr);
    return outputs;
  };
  return {name,
          {{3, 7}, {3, 7}},
          1,
          [=](const std::vector<reference::Tensor>& inputs) { return call(inputs)[0]; },
          [=](const std::vector<reference::Tensor>& inputs, const reference::Tensor& dy) {
            reference::Tensor gradient = call(inputs)[1];
            const size_t share = gradient.value.size() / dy.value.size();
            for (size_t i = 0; i < gradient.value.size(); i++) gradient.value[i] *= dy.value[i / share];
            return gradient;
          }};
}

const GradientCheck sigmoid =
    check("SigmoidCrossEntropyWithLogits", reference::SigmoidCrossEntropyWithLogits, {3, 7});
const GradientCheck squared = check("MeanSquaredError", reference::MeanSquaredError, {3});

}  // namespace

TFJS_CASES(SigmoidCrossEntropyWithLogits) {
  for (const auto& dims : shapes(suite)) {
    suite.add({f32(dims, Fill::Unit), f32(dims)}, {f32(dims), f32(dims)});
    suite.add({f32(dims, Fill::Unit), f32(dims, Fill::Special)}, {f32(dims), f32(dims)});
  }
}

TFJS_CASES(MeanSquaredError) {
  for (const auto& dims : shapes(suite)) {
    suite.add({f32(dims), f32(dims)}, {f32({dims[0]}), f32(dims)});
    suite.add({f32(dims), f32(dims, Fill::NonFinite)}, {f32({dims[0]}), f32(dims)});
  }
}

}  // namespace tfjs::test

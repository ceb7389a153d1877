#include "../harness.h"

namespace tfjs::test {
namespace {

const LayerNormParams kParams = {1e-3f};

std::vector<std::vector<int64_t>> shapes(Suite& suite) {
  std::vector<std::vector<int64_t>> list = {{0, 8},   {1, 1},    {5, 1},    {4, 3, 7},  {130, 64},
                                            {65, 17}, {9, 5000}, {300, 33}, {2, 40000}, {700, 128}};
  for (int64_t columns : edge_lengths()) {
    if (columns > 0 && columns < 3000) list.push_back({5, columns});
  }
  for (int i = 0; i < 20 * repeats(); i++) list.push_back({suite.draw(1, 200), suite.draw(1, 300)});
  return list;
}

std::vector<int64_t> rows_of(const std::vector<int64_t>& x) { return {x.begin(), x.end() - 1}; }

const std::vector<int64_t> kX = {4, 7}, kC = {7}, kR = {4};

std::vector<reference::Tensor> forward(const std::vector<reference::Tensor>& inputs) {
  double params[2];
  kParams.encode(params);
  std::vector<reference::Tensor> outputs(3);
  outputs[0].dims = kX;
  outputs[1].dims = outputs[2].dims = kR;
  reference::LayerNorm(inputs, outputs, params);
  return outputs;
}

Forward result() {
  return [](const std::vector<reference::Tensor>& inputs) { return forward(inputs)[0]; };
}

Gradient gradient(size_t output) {
  return [=](const std::vector<reference::Tensor>& inputs, const reference::Tensor& dy) {
    const auto y = forward(inputs);
    std::vector<reference::Tensor> outputs(3);
    outputs[0].dims = kX;
    outputs[1].dims = outputs[2].dims = kC;
    reference::LayerNormGrad({dy, inputs[0], y[1], y[2], inputs[1]}, outputs, nullptr);
    return outputs[output];
  };
}

}  // namespace

TFJS_CASES(LayerNorm) {
  for (const auto& x : shapes(suite)) {
    const Spec c = f32({x.back()}), rows = f32(rows_of(x));
    suite.add({f32(x), c, f32({x.back()})}, {f32(x), rows, rows}, kParams);
    suite.add({f32(x), absent(), absent()}, {f32(x), rows, rows}, kParams);
  }
}

TFJS_CASES(LayerNormGrad) {
  for (const auto& x : shapes(suite)) {
    const Spec c = f32({x.back()}), mean = f32(rows_of(x)), inverse = f32(rows_of(x), Fill::Positive);
    suite.add({f32(x), f32(x), mean, inverse, c}, {f32(x), c, c});
    suite.add({f32(x), f32(x), mean, inverse, absent()}, {absent(), c, absent()});
    suite.add({f32(x), f32(x), mean, inverse, absent()}, {f32(x), absent(), absent()});
  }
}

static const GradientCheck checks[] = {
    {"LayerNorm x", {kX, kC, kC}, 0, result(), gradient(0)},
    {"LayerNorm scale", {kX, kC, kC}, 1, result(), gradient(1)},
    {"LayerNorm offset", {kX, kC, kC}, 2, result(), gradient(2)},
};

}  // namespace tfjs::test

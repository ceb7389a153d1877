#include "../harness.h"

namespace tfjs::test {
namespace {

const FusedBatchNormParams kParams = {1e-3f};
const FusedBatchNormTrainingParams kTrainingParams = {1e-3f, 0.1f};

std::vector<std::vector<int64_t>> shapes(Suite& suite) {
  std::vector<std::vector<int64_t>> list = {
      {0, 8},          {3, 0},          {1, 1},          {1, 5},         {5, 1},     {2, 3, 4, 5},
      {32, 10},        {32, 512},       {7, 63},         {9, 64},        {9, 65},    {130, 128},
      {70, 129},       {300, 257},      {3, 2048},       {70000, 1},     {5000, 3},  {300, 48},
      {2, 6, 6, 1000}, {4, 28, 28, 32}, {8, 32, 32, 64}, {2, 9, 9, 320}, {1000, 24},
  };
  for (int64_t channels : {2, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 60}) {
    list.push_back({37, channels});
    list.push_back({1100, channels});
  }
  for (int i = 0; i < 40 * repeats(); i++) list.push_back({suite.draw(1, 400), suite.draw(1, 300)});
  return list;
}

// NaN and infinities among small numbers: no sum overflows on its way.
Spec odd(Suite& suite, const std::vector<int64_t>& dims) {
  Spec spec = f32(dims);
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  const double special[] = {NAN, INFINITY, -INFINITY, 0, -0.0};
  for (int64_t i = 0; i < n; i++) {
    spec.values.push_back(suite.chance(0.99) ? static_cast<double>(suite.draw(-9, 9))
                                             : special[suite.draw(0, 4)]);
  }
  return spec;
}

// Around a mean that is large for their spread.
Spec far_off(Suite& suite, const std::vector<int64_t>& dims, double mean) {
  Spec spec = f32(dims);
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  for (int64_t i = 0; i < n; i++)
    spec.values.push_back(static_cast<float>(mean + static_cast<double>(suite.draw(-1000, 1000)) / 500));
  return spec;
}

Spec channels(const std::vector<int64_t>& x, Fill fill = Fill::Normal) { return f32({x.back()}, fill); }

reference::Tensor positive(const reference::Tensor& x) {
  reference::Tensor z = x;
  for (double& v : z.value) v = v * v + 0.5;
  return z;
}

using Twin = void (*)(const std::vector<reference::Tensor>&, std::vector<reference::Tensor>&, const double*);

std::vector<reference::Tensor> call(Twin twin, const std::vector<reference::Tensor>& inputs,
                                    std::vector<std::vector<int64_t>> dims) {
  double params[4];
  kTrainingParams.encode(params);  // which begin as kParams
  std::vector<reference::Tensor> outputs(dims.size());
  for (size_t i = 0; i < dims.size(); i++) outputs[i].dims = dims[i];
  twin(inputs, outputs, params);
  return outputs;
}

const std::vector<int64_t> kX = {4, 3, 5}, kC = {5};

}  // namespace

TFJS_CASES(FusedBatchNorm) {
  for (const auto& x : shapes(suite)) {
    const Spec mean = channels(x), variance = channels(x, Fill::Positive);
    suite.add({f32(x), mean, variance, channels(x), channels(x)}, {f32(x)}, kParams);
    suite.add({f32(x), mean, variance, absent(), absent()}, {f32(x)}, kParams);
    suite.add({odd(suite, x), mean, variance, channels(x), absent()}, {f32(x)}, kParams);
  }
  Spec variance = f32({4});
  variance.values = {-1, INFINITY, NAN, 0};
  suite.add({f32({9, 4}), f32({4}), variance, absent(), f32({4})}, {f32({9, 4})}, kParams);
}

TFJS_CASES(FusedBatchNormGrad) {
  for (const auto& x : shapes(suite)) {
    const Spec mean = channels(x), variance = channels(x, Fill::Positive), c = channels(x);
    suite.add({f32(x), f32(x), mean, variance, channels(x)}, {f32(x), c, c, c, c}, kParams);
    suite.add({odd(suite, x), f32(x), mean, variance, channels(x)}, {f32(x), c, c, c, c}, kParams);
  }
}

TFJS_CASES(FusedBatchNormTraining) {
  const auto add = [&](const Spec& x) {
    const Spec c = channels(x.dims);
    suite.add({x, c, c, c, channels(x.dims, Fill::Positive)}, {f32(x.dims), c, c, c, c}, kTrainingParams);
  };
  for (const auto& x : shapes(suite)) {
    add(f32(x));
    add(far_off(suite, x, 300));
    add(far_off(suite, x, -3e4));
    const Spec c = channels(x);
    suite.add({f32(x), absent(), absent(), absent(), absent()}, {f32(x), c, c, absent(), absent()},
              kTrainingParams);
  }
  // Infinities: the mean is one, or none where both are there.
  Spec x = f32({30, 4});
  for (int i = 0; i < 120; i++) x.values.push_back(i);
  x.values[0] = x.values[9] = INFINITY;
  x.values[1 + 4 * 20] = -INFINITY;
  x.values[1 + 4 * 21] = INFINITY;
  x.values[2 + 4 * 29] = NAN;
  add(x);
}

TFJS_CASES(FusedBatchNormTrainingGrad) {
  for (const auto& x : shapes(suite)) {
    const Spec mean = channels(x), variance = channels(x, Fill::Positive);
    suite.add({f32(x), f32(x), mean, variance, channels(x)}, {f32(x), channels(x), channels(x)}, kParams);
    suite.add({odd(suite, x), f32(x), mean, variance, channels(x)}, {f32(x), channels(x), channels(x)},
              kParams);
    suite.add({f32(x), f32(x), mean, variance, absent()}, {f32(x), absent(), channels(x)}, kParams);
    suite.add({f32(x), f32(x), mean, variance, channels(x)}, {absent(), channels(x), absent()}, kParams);
  }
}

TFJS_CASES(AssignMovingAverage) {
  for (int64_t n : edge_lengths())
    suite.add({f32({n}), f32({n})}, {f32({n})}, AssignMovingAverageParams{0.01f});
}

static Forward inference() {
  return [](const std::vector<reference::Tensor>& inputs) {
    return call(reference::FusedBatchNorm, {inputs[0], inputs[1], positive(inputs[2]), inputs[3], inputs[4]},
                {kX})[0];
  };
}
// of: as the inputs of FusedBatchNorm; `output`: as the outputs of its gradient.
static Gradient inference_gradient(size_t output) {
  return [=](const std::vector<reference::Tensor>& inputs, const reference::Tensor& dy) {
    reference::Tensor d =
        call(reference::FusedBatchNormGrad, {dy, inputs[0], inputs[1], positive(inputs[2]), inputs[4]},
             {kX, kC, kC, kC, kC})[output];
    if (output == 2) {
      for (size_t c = 0; c < d.value.size(); c++) d.value[c] *= 2 * inputs[2].value[c];
    }
    return d;
  };
}
static const GradientCheck inference_checks[] = {
    {"FusedBatchNorm x", {kX, kC, kC, kC, kC}, 0, inference(), inference_gradient(0)},
    {"FusedBatchNorm mean", {kX, kC, kC, kC, kC}, 1, inference(), inference_gradient(1)},
    {"FusedBatchNorm variance", {kX, kC, kC, kC, kC}, 2, inference(), inference_gradient(2)},
    {"FusedBatchNorm scale", {kX, kC, kC, kC, kC}, 4, inference(), inference_gradient(3)},
    {"FusedBatchNorm offset", {kX, kC, kC, kC, kC}, 3, inference(), inference_gradient(4)},
};

// Inputs are x, offset and scale.
static std::vector<reference::Tensor> train(const std::vector<reference::Tensor>& inputs) {
  return call(reference::FusedBatchNormTraining, {inputs[0], inputs[1], inputs[2], inputs[1], inputs[1]},
              {kX, kC, kC, kC, kC});
}
static Forward training() {
  return [](const std::vector<reference::Tensor>& inputs) { return train(inputs)[0]; };
}
static Gradient training_gradient(size_t output) {
  return [=](const std::vector<reference::Tensor>& inputs, const reference::Tensor& dy) {
    const auto y = train(inputs);
    return call(reference::FusedBatchNormTrainingGrad, {dy, inputs[0], y[1], y[2], inputs[2]},
                {kX, kC, kC})[output];
  };
}
static const GradientCheck training_checks[] = {
    {"FusedBatchNormTraining x", {kX, kC, kC}, 0, training(), training_gradient(0)},
    {"FusedBatchNormTraining scale", {kX, kC, kC}, 2, training(), training_gradient(1)},
    {"FusedBatchNormTraining offset", {kX, kC, kC}, 1, training(), training_gradient(2)},
};

}  // namespace tfjs::test

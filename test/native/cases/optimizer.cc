#include "../harness.h"

namespace tfjs::test {
namespace {

// Variable, slots, scalars, gradient of n elements.
template <class Params>
void add(Suite& suite, int64_t n, std::vector<Fill> slots, std::vector<double> scalars,
         const Params& params) {
  std::vector<Spec> inputs = {f32({n})}, outputs = {f32({n})};
  for (Fill fill : slots) {
    inputs.push_back(f32({n}, fill));
    outputs.push_back(f32({n}));
  }
  for (double scalar : scalars) {
    inputs.push_back(f32({}));
    inputs.back().values = {static_cast<float>(scalar)};
  }
  inputs.push_back(f32({n}));
  suite.add(inputs, outputs, params);
}

}  // namespace

TFJS_CASES(ApplyGradientDescent) {
  for (int64_t n : edge_lengths()) add(suite, n, {}, {}, ApplyGradientDescentParams{0.1f});
}

TFJS_CASES(ApplyMomentum) {
  for (int64_t n : edge_lengths()) {
    add(suite, n, {Fill::Normal}, {}, ApplyMomentumParams{0.1f, 0.9f, 0});
    add(suite, n, {Fill::Normal}, {}, ApplyMomentumParams{0.1f, 0.9f, 1});
  }
}

TFJS_CASES(ApplyRMSProp) {
  for (int64_t n : edge_lengths())
    add(suite, n, {Fill::Positive, Fill::Normal}, {}, ApplyRMSPropParams{0.01f, 0.9f, 0.1f, 0.5f, 1e-7f});
}

TFJS_CASES(ApplyCenteredRMSProp) {
  // The mean of the gradients is within 0 to 1 and the mean square above it, as it is in a training.
  for (int64_t n : edge_lengths()) {
    Spec square = f32({n}), mean = f32({n}, Fill::Unit);
    for (int64_t i = 0; i < n; i++) square.values.push_back(1.5f + static_cast<float>(i % 7));
    suite.add({f32({n}), square, f32({n}), mean, f32({n}, Fill::Unit)},
              {f32({n}), f32({n}), f32({n}), f32({n})}, ApplyRMSPropParams{0.01f, 0.9f, 0.1f, 0.5f, 1e-7f});
  }
}

TFJS_CASES(ApplyAdagrad) {
  for (int64_t n : edge_lengths()) add(suite, n, {Fill::Positive}, {}, ApplyAdagradParams{0.1f, 1e-7f});
}

TFJS_CASES(ApplyAdadelta) {
  for (int64_t n : edge_lengths())
    add(suite, n, {Fill::Positive, Fill::Positive}, {}, ApplyAdadeltaParams{0.1f, 0.95f, 0.05f, 1e-7f});
}

TFJS_CASES(ApplyAdam) {
  for (int64_t n : edge_lengths()) {
    add(suite, n, {Fill::Normal, Fill::Positive}, {0.9, 0.999},
        ApplyAdamParams{1e-3f, 0.9f, 0.1f, 0.999f, 0.001f, 1e-7f});
    add(suite, n, {Fill::Normal, Fill::Positive}, {1e-6, 0.5},
        ApplyAdamParams{1e-3f, 0.9f, 0.1f, 0.999f, 0.001f, 1e-7f});
  }
}

TFJS_CASES(ApplyAdaMax) {
  for (int64_t n : edge_lengths())
    add(suite, n, {Fill::Normal, Fill::Positive}, {0.9, 3},
        ApplyAdaMaxParams{1e-3f, 0.9f, 0.1f, 0.999f, 1e-7f, 0.01f});
}

}  // namespace tfjs::test

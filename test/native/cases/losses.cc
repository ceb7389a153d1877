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
const EpsilonParams small{1e-7f};
const ClipByValueParams probabilities{1e-7f, 1 - 1e-7f};

template <class Params = NoParams>
GradientCheck check(const char* name, Twin twin, std::vector<int64_t> loss_dims, const Params& params = {}) {
  std::vector<double> encoded(8);
  params.encode(encoded.data());
  auto call = [=](const std::vector<reference::Tensor>& inputs) {
    std::vector<reference::Tensor> outputs(2);
    outputs[0].dims = loss_dims;
    outputs[1].dims = inputs[1].dims;
    twin(inputs, outputs, encoded.data());
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
const GradientCheck absolute = check("MeanAbsoluteError", reference::MeanAbsoluteError, {3});
const GradientCheck percentage =
    check("MeanAbsolutePercentageError", reference::MeanAbsolutePercentageError, {3}, small);
const GradientCheck logarithmic =
    check("MeanSquaredLogarithmicError", reference::MeanSquaredLogarithmicError, {3}, small);
const GradientCheck hinge = check("Hinge", reference::Hinge, {3});
const GradientCheck squared_hinge = check("SquaredHinge", reference::SquaredHinge, {3});
const GradientCheck categorical_hinge = check("CategoricalHinge", reference::CategoricalHinge, {3});
const GradientCheck log_cosh = check("LogCosh", reference::LogCosh, {3});
const GradientCheck cosine = check("CosineProximity", reference::CosineProximity, {3}, small);

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

// Labels and predictions of each shape, with and without the gradient.
template <class Params>
void add_all(Suite& suite, const Params& params, Fill labels, std::vector<Fill> predictions) {
  for (const auto& dims : shapes(suite)) {
    for (Fill fill : predictions) {
      suite.add({f32(dims, labels), f32(dims, fill)}, {f32({dims[0]}), f32(dims)}, params);
    }
    suite.add({f32(dims, labels), f32(dims, predictions[0])}, {f32({dims[0]}), absent()}, params);
  }
}

TFJS_CASES(MeanAbsoluteError) {
  add_all(suite, NoParams{}, Fill::Normal, {Fill::Normal, Fill::NonFinite});
  add_all(suite, NoParams{}, Fill::Whole, {Fill::Whole});
}
TFJS_CASES(MeanAbsolutePercentageError) {
  add_all(suite, small, Fill::Sparse, {Fill::Sparse, Fill::NonFinite});
}
TFJS_CASES(MeanSquaredLogarithmicError) {
  add_all(suite, small, Fill::Sparse, {Fill::Normal, Fill::Positive, Fill::NonFinite});
}
TFJS_CASES(Hinge) { add_all(suite, NoParams{}, Fill::Normal, {Fill::Normal, Fill::Whole}); }
TFJS_CASES(SquaredHinge) { add_all(suite, NoParams{}, Fill::Normal, {Fill::Normal, Fill::NonFinite}); }
TFJS_CASES(LogCosh) { add_all(suite, NoParams{}, Fill::Normal, {Fill::Normal, Fill::Whole}); }
TFJS_CASES(KullbackLeiblerDivergence) {
  add_all(suite, small, Fill::Unit, {Fill::Unit, Fill::Normal, Fill::Special});
}
TFJS_CASES(Poisson) { add_all(suite, small, Fill::Positive, {Fill::Positive, Fill::Unit}); }
TFJS_CASES(CosineProximity) { add_all(suite, small, Fill::Normal, {Fill::Normal, Fill::Sparse}); }
TFJS_CASES(BinaryCrossentropy) {
  add_all(suite, probabilities, Fill::Unit, {Fill::Unit, Fill::Normal, Fill::NonFinite});
}

TFJS_CASES(CategoricalHinge) {
  for (const auto& dims : shapes(suite)) {
    Spec labels = f32(dims);
    for (int64_t i = 0; i < dims[0] * dims[1]; i++) {
      labels.values.push_back(i % dims[1] == i / dims[1] % dims[1] ? 1 : 0);
    }
    if (labels.values.empty()) continue;
    suite.add({labels, f32(dims)}, {f32({dims[0]}), f32(dims)});
    suite.add({labels, f32(dims, Fill::NonFinite)}, {f32({dims[0]}), absent()});
  }
}

}  // namespace tfjs::test

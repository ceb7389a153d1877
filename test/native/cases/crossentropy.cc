#include "../harness.h"

namespace tfjs::test {
namespace {

const ClipByValueParams kClip = {1e-7f, 1 - 1e-7f};

std::vector<std::vector<int64_t>> shapes(Suite& suite) {
  std::vector<std::vector<int64_t>> shapes = {{0, 10},       {32, 10}, {10000, 10},
                                              {3, 5, 2, 33}, {9, 2},   {300, 1000}};
  for (int64_t n : edge_lengths()) {
    if (n > 0) shapes.push_back({n});
    if (n > 0 && n < 2000) shapes.push_back({7, n});
  }
  for (int i = 0; i < 20 * repeats(); i++) shapes.push_back({suite.draw(1, 60), suite.draw(1, 300)});
  return shapes;
}

std::vector<int64_t> rows_of(const std::vector<int64_t>& dims) { return {dims.begin(), dims.end() - 1}; }

int64_t size_of(const std::vector<int64_t>& dims) {
  int64_t n = 1;
  for (int64_t d : dims) n *= d;
  return n;
}

// NaN and infinities among small whole numbers: sums are exact and do not overflow.
Spec odd(Suite& suite, const std::vector<int64_t>& dims) {
  Spec spec = f32(dims);
  const double special[] = {NAN, INFINITY, -INFINITY, 0, -0.0};
  for (int64_t i = size_of(dims); i > 0; i--) {
    spec.values.push_back(suite.chance(0.95) ? static_cast<double>(suite.draw(-4, 4))
                                             : special[suite.draw(0, 4)]);
  }
  return spec;
}

// What a trained softmax gives: 1, and 0 or a little beside it.
Spec certain(Suite& suite, const std::vector<int64_t>& dims) {
  Spec spec = f32(dims);
  const int64_t n = dims.back();
  for (int64_t row = size_of(dims) / n; row > 0; row--) {
    const int64_t top = suite.draw(0, n - 1);
    for (int64_t i = 0; i < n; i++) spec.values.push_back(i == top ? 1 : suite.chance(0.5) ? 0 : 1e-9);
  }
  return spec;
}

// Classes of n, now and then none of them; with fractions if they are real.
Spec classes(Suite& suite, const std::vector<int64_t>& dims, DType dtype) {
  Spec spec = {dtype, rows_of(dims), Fill::Whole, {}, false};
  const int64_t n = dims.back();
  for (int64_t row = size_of(dims) / n; row > 0; row--) {
    const double whole =
        static_cast<double>(suite.chance(0.9) ? suite.draw(0, n - 1) : suite.draw(-3, n + 3));
    spec.values.push_back(
        dtype == DType::Float32 && n < 1000 ? whole + 0.25 * static_cast<double>(suite.draw(0, 3)) : whole);
  }
  return spec;
}

// add(targets, probabilities, dims of the rows, dims) for both dtypes of targets and all kinds of
// probabilities.
template <class Targets, class Add>
void each_case(Suite& suite, Targets targets, Add add) {
  for (const auto& dims : shapes(suite)) {
    for (DType dtype : {DType::Float32, DType::Int32}) {
      add(targets(dims, dtype), f32(dims, Fill::Unit), rows_of(dims), dims);
      add(targets(dims, dtype), odd(suite, dims), rows_of(dims), dims);
      if (size_of(dims) < 10000) add(targets(dims, dtype), certain(suite, dims), rows_of(dims), dims);
    }
  }
}

auto categorical_targets() {
  return [](const std::vector<int64_t>& dims, DType dtype) {
    return dtype == DType::Int32 ? i32(dims) : f32(dims, Fill::Unit);
  };
}
auto sparse_targets(Suite& suite) {
  return [&](const std::vector<int64_t>& dims, DType dtype) { return classes(suite, dims, dtype); };
}

template <class Targets>
void forward_cases(Suite& suite, Targets targets) {
  each_case(suite, targets, [&](Spec t, Spec p, const auto& rows, const auto&) {
    suite.add({t, p}, {f32(rows)}, kClip);
  });
}
template <class Targets>
void gradient_cases(Suite& suite, Targets targets) {
  each_case(suite, targets, [&](Spec t, Spec p, const auto& rows, const auto& dims) {
    suite.add({f32(rows), t, p}, {f32(dims)}, kClip);
  });
}

// Classes that only a conversion to int32 makes.
Spec odd_classes() {
  Spec target = f32({6});
  target.values = {NAN, INFINITY, -0.5, 4294967296.0, 1e30, -1e-30};
  return target;
}

using Twin = void (*)(const std::vector<reference::Tensor>&, std::vector<reference::Tensor>&, const double*);

// Of 3 rows of 7, by probabilities around a half.
GradientCheck check(const char* name, Twin forward, Twin gradient, const reference::Tensor& target) {
  const auto call = [](Twin twin, std::vector<reference::Tensor> inputs, std::vector<int64_t> dims) {
    for (double& x : inputs.back().value) x = 0.5 + x / 20;
    double params[8];
    kClip.encode(params);
    std::vector<reference::Tensor> outputs(1);
    outputs[0].dims = std::move(dims);
    twin(inputs, outputs, params);
    return outputs[0];
  };
  return {name,
          {{3, 7}},
          0,
          [=](const std::vector<reference::Tensor>& inputs) {
            return call(forward, {target, inputs[0]}, {3});
          },
          [=](const std::vector<reference::Tensor>& inputs, const reference::Tensor& dy) {
            reference::Tensor dx = call(gradient, {dy, target, inputs[0]}, {3, 7});
            for (double& x : dx.value) x /= 20;
            return dx;
          }};
}

reference::Tensor soft_target() {
  reference::Tensor target;
  target.dims = {3, 7};
  for (int i = 0; i < 21; i++) target.value.push_back(i % 5 / 4.0);
  return target;
}
reference::Tensor sparse_target() {
  reference::Tensor target;
  target.dims = {3};
  target.value = {2, 6, 7};
  return target;
}

const GradientCheck categorical_gradient =
    check("CategoricalCrossentropy", reference::CategoricalCrossentropy,
          reference::CategoricalCrossentropyGrad, soft_target());
const GradientCheck sparse_gradient =
    check("SparseCategoricalCrossentropy", reference::SparseCategoricalCrossentropy,
          reference::SparseCategoricalCrossentropyGrad, sparse_target());

}  // namespace

// Targets that are not finite, beside probabilities away from the limits of clipping, where rounding would
// decide whether they count.
TFJS_CASES(CategoricalCrossentropy) {
  forward_cases(suite, categorical_targets());
  suite.add({odd(suite, {70, 12}), f32({70, 12}, Fill::Unit)}, {f32({70})}, kClip);
}
TFJS_CASES(CategoricalCrossentropyGrad) {
  gradient_cases(suite, categorical_targets());
  suite.add({f32({70}), odd(suite, {70, 12}), f32({70, 12}, Fill::Unit)}, {f32({70, 12})}, kClip);
}
TFJS_CASES(SparseCategoricalCrossentropy) {
  forward_cases(suite, sparse_targets(suite));
  suite.add({odd_classes(), f32({6, 5}, Fill::Unit)}, {f32({6})}, kClip);
}
TFJS_CASES(SparseCategoricalCrossentropyGrad) {
  gradient_cases(suite, sparse_targets(suite));
  suite.add({f32({6}), odd_classes(), f32({6, 5}, Fill::Unit)}, {f32({6, 5})}, kClip);
  Spec dy = f32({3});
  dy.values = {NAN, INFINITY, -INFINITY};
  for (double target : {1.0, 9.0}) {
    Spec t = i32({3});
    t.values = {target, target, target};
    suite.add({dy, t, f32({3, 5}, Fill::Unit)}, {f32({3, 5})}, kClip);
  }
}

}  // namespace tfjs::test

#include "../harness.h"

namespace tfjs::test {
namespace {

const FusedBatchNormParams kEpsilon = {1e-3f};

std::vector<std::vector<int64_t>> shapes(Suite& suite) {
  std::vector<std::vector<int64_t>> list = {{0, 4, 8},     {3, 1, 5},      {2, 7, 1},       {2, 3, 4, 5},
                                            {5, 300, 1},   {2, 40, 129},   {3, 9, 300},     {3, 2048, 3},
                                            {2, 700, 24},  {2, 9, 9, 320}, {4, 28, 28, 32}, {8, 32, 32, 16},
                                            {3, 5000, 64}, {2, 64, 1000},  {40, 4, 4, 512}};
  for (int64_t channels : {2, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 60, 63, 65})
    list.push_back({3, 37, channels});
  for (int i = 0; i < 25 * repeats(); i++)
    list.push_back({suite.draw(1, 5), suite.draw(1, 200), suite.draw(1, 200)});
  return list;
}

BatchNormActivationParams activation(Activation a) { return {static_cast<int64_t>(a)}; }

Spec channels(const std::vector<int64_t>& x, Fill fill = Fill::Normal) { return f32({x.back()}, fill); }

}  // namespace

TFJS_CASES(BatchNormMoments) {
  for (const auto& x : shapes(suite)) {
    suite.add({f32(x)}, {f32({x[0], 3, x.back()})});
    Spec far = f32(x);
    int64_t n = 1;
    for (int64_t d : x) n *= d;
    for (int64_t i = 0; i < n; i++)
      far.values.push_back(static_cast<float>(300 + static_cast<double>(suite.draw(-1000, 1000)) / 500));
    suite.add({far}, {f32({x[0], 3, x.back()})});
  }
}

TFJS_CASES(BatchNormStatistics) {
  for (int64_t samples : {1, 2, 7, 32}) {
    for (int64_t c : {1, 5, 16, 64, 129, 300}) {
      const Spec of = f32({c}), moments = f32({samples, 3, c}, Fill::Positive);
      suite.add({moments, f32({c})}, {of, of, of}, kEpsilon);
      suite.add({moments, absent()}, {of, of, of}, kEpsilon);
    }
  }
}

TFJS_CASES(BatchNormApply) {
  for (const auto& x : shapes(suite)) {
    const auto add = [&](const Spec& from, const Spec& offset, Activation a) {
      suite.add({from, channels(x), channels(x), offset}, {f32(x)}, activation(a));
    };
    add(f32(x), channels(x), Activation::Linear);
    add(f32(x), absent(), Activation::Relu);
    add(f32(x, Fill::NonFinite), channels(x), Activation::Relu);
  }
}

// With relu whole numbers, so that no rounding decides on which side of zero a value is.
TFJS_CASES(BatchNormGradSums) {
  for (const auto& x : shapes(suite)) {
    const Spec sums = f32({x[0], 2, x.back()}), whole = channels(x, Fill::Whole);
    suite.add({f32(x), f32(x), channels(x), channels(x), absent()}, {sums}, activation(Activation::Linear));
    suite.add({f32(x), f32(x, Fill::Whole), whole, whole, whole}, {sums}, activation(Activation::Relu));
  }
}

TFJS_CASES(BatchNormGradStatistics) {
  for (int64_t samples : {1, 2, 7, 32}) {
    for (int64_t c : {1, 5, 64, 129}) {
      const BatchNormGradStatisticsParams params = {1e-3f, 36};
      const Spec of = f32({c}), variance = f32({c}, Fill::Positive),
                 sums = f32({samples, 2, c}, Fill::Positive);
      suite.add({sums, variance, of}, {of, of, f32({2, c})}, params);
      suite.add({sums, variance, of}, {absent(), of, absent()}, params);
    }
  }
}

TFJS_CASES(BatchNormGradInput) {
  for (const auto& x : shapes(suite)) {
    const Spec slope = f32({2, x.back()}), whole = channels(x, Fill::Whole);
    suite.add({f32(x), f32(x), channels(x), channels(x), absent(), slope}, {f32(x)},
              activation(Activation::Linear));
    suite.add({f32(x), f32(x, Fill::Whole), whole, whole, whole, slope}, {f32(x)},
              activation(Activation::Relu));
  }
}

}  // namespace tfjs::test

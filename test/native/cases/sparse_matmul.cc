#include "../harness.h"

namespace tfjs::test {
namespace {

// Values of which a share are zeros.
Spec sparse(Suite& suite, const std::vector<int64_t>& dims, double zeros) {
  Spec spec = f32(dims);
  int64_t size = 1;
  for (int64_t d : dims) size *= d;
  for (int64_t i = 0; i < size; i++) {
    spec.values.push_back(suite.chance(zeros) ? 0 : static_cast<double>(suite.draw(-1000, 1000)) / 300);
  }
  return spec;
}

constexpr double kShares[] = {0, 0.5, 0.9, 1};

}  // namespace

TFJS_CASES(FusedSparseMatMul) {
  auto product = [&](int64_t m, int64_t n, int64_t k, double zeros, Activation activation, Spec bias) {
    suite.add({sparse(suite, {m, k}, zeros), f32({k, n}), std::move(bias), absent()}, {f32({m, n})},
              FusedMatMulParams{0, 0, static_cast<int64_t>(activation), 0.3f});
  };
  for (double zeros : kShares) {
    for (int64_t n : {32, 33, 47, 48, 64, 100, 128, 129, 200, 300}) {
      product(suite.draw(1, 70), n, suite.draw(1, 300), zeros, Activation::Linear, absent());
    }
    for (int64_t k : {0, 1, 15, 16, 63, 64, 65, 255, 256, 257, 784}) {
      product(suite.draw(1, 40), 50, k, zeros, Activation::Relu, f32({50}));
    }
    product(130, 128, 784, zeros, Activation::Relu, f32({128}));
    product(0, 40, 20, zeros, Activation::Linear, absent());
  }
  for (Activation activation :
       {Activation::Relu6, Activation::Elu, Activation::Sigmoid, Activation::LeakyRelu})
    product(9, 70, 90, 0.7, activation, f32({70}));
  for (int i = 0; i < 30 * repeats(); i++) {
    const int64_t n = suite.draw(32, 150);
    product(suite.draw(1, 150), n, suite.draw(1, 600), static_cast<double>(suite.draw(0, 10)) / 10,
            Activation::Linear, f32({n}));
  }
}

TFJS_CASES(MatMulRows) {
  auto rows = [&](int64_t m, int64_t n, int64_t k, double zeros, int64_t first, int64_t count) {
    suite.add({sparse(suite, {k, m}, zeros), f32({k, n})}, {f32({count, n})}, MatMulRowsParams{first});
  };
  for (int64_t k : {1, 2, 32, 33, 128, 400}) {
    for (int64_t n : {1, 3, 10, 16, 31, 32, 33, 100, 128}) {
      const int64_t m = suite.draw(1, 300), first = suite.draw(0, m - 1);
      rows(m, n, k, kShares[suite.draw(0, 3)], first, m - first);
      rows(300, n, k, 0.8, 96, 96);
    }
  }
  rows(7, 40, 5, 0.5, 3, 0);
  rows(7, 40, 0, 0.5, 3, 2);
  for (int i = 0; i < 20 * repeats(); i++) {
    const int64_t m = suite.draw(1, 100), first = suite.draw(0, m - 1);
    rows(m, suite.draw(1, 150), suite.draw(1, 150), 0.6, first, suite.draw(1, m - first));
  }
}

}  // namespace tfjs::test

#include "../harness.h"

namespace tfjs::test {

TFJS_CASES(Softmax) {
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

}  // namespace tfjs::test

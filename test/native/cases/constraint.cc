#include "../harness.h"

namespace tfjs::test {

TFJS_CASES(ConstrainNorm) {
  std::vector<std::vector<int64_t>> shapes = {{1, 5, 0}, {1, 1, 1}, {1, 300, 7}, {4, 9, 40}, {1, 784, 512}};
  for (int64_t n : edge_lengths()) {
    if (n > 0) shapes.push_back({2, 3, n});
  }
  for (int i = 0; i < 20 * repeats(); i++) {
    shapes.push_back({suite.draw(1, 5), suite.draw(1, 30), suite.draw(1, 50)});
  }
  for (const auto& dims : shapes) {
    suite.add({f32(dims)}, {f32(dims)}, ConstrainNormParams{0, 2, 1, 1e-7f});
    suite.add({f32(dims)}, {f32(dims)}, ConstrainNormParams{1, 1, 1, 1e-7f});
    suite.add({f32(dims, Fill::Sparse)}, {f32(dims)}, ConstrainNormParams{0.5f, 1.5f, 0.3f, 1e-7f});
  }
}

}  // namespace tfjs::test

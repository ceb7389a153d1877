#include "../harness.h"

namespace tfjs::test {
namespace {

std::vector<std::vector<int64_t>> shapes(Suite& suite) {
  std::vector<std::vector<int64_t>> list = {{0, 3}, {1, 1}, {32, 10}, {20000, 7}};
  for (int i = 0; i < 20 * repeats(); i++) list.push_back({suite.draw(1, 60), suite.draw(1, 40)});
  return list;
}

}  // namespace

TFJS_CASES(SparseCategoricalAccuracy) {
  for (const auto& dims : shapes(suite)) {
    // Whole numbers have ties.
    suite.add({i32({dims[0]}), f32(dims, Fill::Whole)}, {f32({dims[0]})});
    suite.add({i32({dims[0]}), f32(dims)}, {f32({dims[0]})});
  }
}

TFJS_CASES(CategoricalAccuracy) {
  for (const auto& dims : shapes(suite)) {
    suite.add({f32(dims, Fill::Unit), f32(dims, Fill::Unit)}, {f32({dims[0]})});
    suite.add({f32(dims, Fill::Sparse), f32(dims, Fill::Sparse)}, {f32({dims[0]})});
  }
}

TFJS_CASES(BinaryAccuracy) {
  for (const auto& dims : shapes(suite)) {
    Spec labels = f32(dims);
    for (int64_t i = 0; i < dims[0] * dims[1]; i++) labels.values.push_back(suite.chance(0.5));
    suite.add({labels, f32(dims, Fill::Unit)}, {f32({dims[0]})}, BinaryAccuracyParams{0.5f});
    suite.add({labels, f32(dims, Fill::Special)}, {f32({dims[0]})}, BinaryAccuracyParams{0});
  }
}

}  // namespace tfjs::test

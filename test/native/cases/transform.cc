#include "../harness.h"

namespace tfjs::test {
namespace {

// Shifts, scales, shears, projections, and what no number tells.
Spec draw_transforms(Suite& suite, int64_t n) {
  const double odd[] = {0, 1, -1, 0.5, -0.5, NAN, INFINITY};
  Spec spec = f32({n, 8});
  for (int64_t i = 0; i < n * 8; i++) {
    const int64_t at = i % 8;
    const bool shift = at == 2 || at == 5, projection = at >= 6;
    double value = at == 0 || at == 4 ? 1 : 0;
    if (suite.chance(0.7))
      value = static_cast<double>(suite.draw(-40, 40)) / (shift ? 4 : projection ? 400 : 20);
    // Half cells, where the nearest one is a matter of rounding.
    if (shift && suite.chance(0.3)) value = static_cast<double>(suite.draw(-20, 20)) / 2;
    if (suite.chance(0.02)) value = odd[suite.draw(0, 6)];
    spec.values.push_back(static_cast<float>(value));
  }
  return spec;
}

void add(Suite& suite, const std::vector<int64_t>& dims, int64_t height, int64_t width) {
  for (int64_t mode = 0; mode < 4; mode++) {
    for (int64_t nearest : {0, 1}) {
      suite.add({f32(dims), draw_transforms(suite, suite.chance(0.5) ? 1 : dims[0])},
                {f32({dims[0], height, width, dims[3]})},
                TransformParams{nearest, mode, suite.chance(0.5) ? 0.0f : 1.25f});
    }
  }
}

}  // namespace

TFJS_CASES(Transform) {
  add(suite, {2, 6, 6, 3}, 6, 6);
  add(suite, {1, 1, 1, 1}, 4, 4);
  add(suite, {1, 1, 7, 2}, 5, 5);
  add(suite, {2, 0, 6, 3}, 4, 4);
  add(suite, {2, 6, 6, 0}, 4, 4);
  add(suite, {0, 6, 6, 3}, 4, 4);
  add(suite, {2, 6, 6, 3}, 0, 4);
  add(suite, {3, 60, 50, 3}, 70, 64);
  for (int i = 0; i < 40 * repeats(); i++) {
    add(suite, {suite.draw(1, 3), suite.draw(1, 12), suite.draw(1, 12), suite.draw(1, 20)}, suite.draw(1, 12),
        suite.draw(1, 12));
  }
}

}  // namespace tfjs::test

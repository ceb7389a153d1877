#include <cmath>

#include "../harness.h"

namespace tfjs::test {
namespace {

void add(Suite& suite, const std::vector<int64_t>& dims, double radians, double x, double y) {
  suite.add({f32(dims, Fill::Special)}, {f32(dims)},
            RotateWithOffsetParams{std::sin(radians), std::cos(radians), x * static_cast<double>(dims[2]),
                                   y * static_cast<double>(dims[1]), 0.5, -1, 2.25, 255});
}

}  // namespace

TFJS_CASES(RotateWithOffset) {
  const double quarter = std::acos(0.0);
  for (double turns : {0.0, 0.5, 1.0, 2.0, 3.0, -1.0, 0.1}) {
    for (int64_t side : {1, 2, 5, 8, 17}) {
      add(suite, {2, side, side, 3}, turns * quarter, 0.5, 0.5);
      add(suite, {1, side, side + 1, 4}, turns * quarter, 0.5, 0.5);
    }
  }
  add(suite, {0, 4, 4, 3}, 1, 0.5, 0.5);
  add(suite, {2, 4, 4, 0}, 1, 0.5, 0.5);
  add(suite, {1, 4, 4, 3}, NAN, 0.5, 0.5);
  add(suite, {1, 4, 4, 3}, 1, INFINITY, 0.5);
  add(suite, {4, 100, 120, 3}, 0.7, 0.5, 0.5);
  for (int i = 0; i < 40 * repeats(); i++) {
    const auto place = [&] { return static_cast<double>(suite.draw(-20, 30)) / 10; };
    add(suite, {suite.draw(1, 3), suite.draw(1, 15), suite.draw(1, 40), suite.draw(1, 9)},
        static_cast<double>(suite.draw(-100, 100)) / 30, suite.chance(0.5) ? 0.5 : place(), place());
  }
}

}  // namespace tfjs::test

#include "../harness.h"

namespace tfjs::test {
namespace {

constexpr DType kDTypes[] = {DType::Float32, DType::Int32, DType::Bool};

void add(Suite& suite, const std::vector<int64_t>& x, const std::vector<int64_t>& times) {
  std::vector<int64_t> y = x;
  for (size_t d = 0; d < x.size(); d++) y[d] *= times[d];
  for (DType dtype : kDTypes)
    suite.add({{dtype, x, Fill::Special, {}, false}}, {{dtype, y, Fill::Normal, {}, false}});
}

}  // namespace

TFJS_CASES(Tile) {
  add(suite, {}, {});
  add(suite, {4}, {1});
  add(suite, {4}, {0});
  add(suite, {0, 3}, {2, 2});
  add(suite, {1}, {100003});
  add(suite, {32, 1}, {1, 1000});
  add(suite, {1, 1000}, {300, 1});
  add(suite, {3, 4, 5}, {2, 3, 4});
  add(suite, {3, 4, 5}, {2, 1, 1});
  add(suite, {3, 4, 5}, {1, 3, 1});
  add(suite, {20, 30, 40}, {3, 1, 2});
  add(suite, {2, 1, 2, 1, 2, 1, 2, 1}, {1, 2, 2, 1, 1, 3, 2, 2});
  for (int i = 0; i < 30 * repeats(); i++) {
    std::vector<int64_t> x, times;
    for (int64_t d = suite.draw(1, 5); d > 0; d--) {
      x.push_back(suite.draw(1, 6));
      times.push_back(suite.chance(0.5) ? 1 : suite.draw(2, 4));
    }
    add(suite, x, times);
  }
}

}  // namespace tfjs::test

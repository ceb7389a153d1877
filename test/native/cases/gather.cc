#include "../harness.h"

namespace tfjs::test {
namespace {

constexpr DType kDTypes[] = {DType::Float32, DType::Int32, DType::Bool};

void add(Suite& suite, const std::vector<int64_t>& x, int64_t n) {
  for (DType dtype : kDTypes) {
    Spec indices = i32({x[0], n});
    for (int64_t i = 0; i < x[0] * n; i++)
      indices.values.push_back(static_cast<double>(suite.draw(0, x[2] - 1)));
    suite.add({{dtype, x, Fill::Special, {}, false}, indices},
              {{dtype, {x[0], x[1], n, x[3]}, Fill::Normal, {}, false}});
  }
}

}  // namespace

TFJS_CASES(GatherV2) {
  add(suite, {1, 1, 1000, 784}, 64);
  add(suite, {1, 1, 100, 1}, 5000);
  add(suite, {1, 50, 30, 1}, 20);
  add(suite, {3, 2, 5, 33}, 8);
  add(suite, {3, 2, 5, 0}, 8);
  add(suite, {3, 2, 5, 4}, 0);
  for (int64_t run : {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65}) add(suite, {1, 2, 9, run}, 13);
  for (int i = 0; i < 20 * repeats(); i++)
    add(suite, {suite.draw(1, 4), suite.draw(1, 5), suite.draw(1, 20), suite.draw(1, 40)}, suite.draw(1, 30));
}

}  // namespace tfjs::test

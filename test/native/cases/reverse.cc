#include "../harness.h"

namespace tfjs::test {
namespace {

void add(Suite& suite, const std::vector<int64_t>& dims, int64_t axes) {
  for (DType dtype : {DType::Float32, DType::Int32, DType::Bool}) {
    suite.add({{dtype, dims, Fill::Special, {}, false}}, {{dtype, dims, Fill::Normal, {}, false}},
              ReverseParams{axes});
  }
}

}  // namespace

TFJS_CASES(Reverse) {
  for (int64_t n : edge_lengths()) {
    add(suite, {n}, 1);
    add(suite, {n}, 0);
    add(suite, {3, n}, 1);
    add(suite, {3, n}, 2);
  }
  add(suite, {}, 0);
  // Images from left to right, top to bottom, both, and their channels.
  for (int64_t axes : {4, 2, 6, 8, 14, 15}) add(suite, {2, 33, 31, 3}, axes);
  add(suite, {4, 3, 70000}, 1);
  add(suite, {2, 70000, 2}, 2);
  add(suite, {2, 3, 1, 4, 1, 5, 2, 3}, 0x5a);
  for (int i = 0; i < 40 * repeats(); i++) {
    std::vector<int64_t> dims(static_cast<size_t>(suite.draw(1, 6)));
    for (int64_t& d : dims) d = suite.draw(1, 7);
    add(suite, dims, suite.draw(0, (1 << dims.size()) - 1));
  }
}

}  // namespace tfjs::test

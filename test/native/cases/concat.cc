#include "../harness.h"

namespace tfjs::test {
namespace {

constexpr DType kDTypes[] = {DType::Float32, DType::Int32, DType::Bool};

void add(Suite& suite, int64_t outer, const std::vector<int64_t>& widths) {
  for (DType dtype : kDTypes) {
    std::vector<Spec> inputs;
    int64_t width = 0;
    for (int64_t n : widths) {
      inputs.push_back({dtype, {outer, n}, Fill::Special, {}, false});
      width += n;
    }
    suite.add(inputs, {{dtype, {outer, width}, Fill::Normal, {}, false}});
  }
}

}  // namespace

TFJS_CASES(Concat) {
  add(suite, 1, {5});
  add(suite, 1, {3, 4, 0, 5});
  add(suite, 0, {3, 4});
  add(suite, 4, {0, 0});
  add(suite, 1, {100000, 3, 70000});
  add(suite, 5000, {1, 2, 1});
  add(suite, 26 * 26, {32, 17, 64});
  for (int64_t n : {1, 15, 16, 17, 31, 32, 33, 63, 64, 65}) add(suite, 7, {n, 1, n});
  for (int i = 0; i < 20 * repeats(); i++) {
    std::vector<int64_t> widths;
    for (int64_t n = suite.draw(1, 12); n > 0; n--) widths.push_back(suite.draw(0, 40));
    add(suite, suite.draw(1, 30), widths);
  }
}

}  // namespace tfjs::test

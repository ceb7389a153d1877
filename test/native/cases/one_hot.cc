#include "../harness.h"

namespace tfjs::test {
namespace {

constexpr DType kDTypes[] = {DType::Float32, DType::Int32, DType::Bool};

void add(Suite& suite, int64_t n, int64_t depth, int64_t on, int64_t off) {
  Spec indices = i32({n});
  // Some without a place.
  for (int64_t i = 0; i < n; i++) indices.values.push_back(static_cast<double>(suite.draw(-2, depth + 1)));
  for (DType dtype : kDTypes) {
    const OneHotParams p = {dtype == DType::Bool ? on & 1 : on, dtype == DType::Bool ? off & 1 : off};
    suite.add({indices}, {{dtype, {n, depth}, Fill::Normal, {}, false}}, p);
  }
}

}  // namespace

TFJS_CASES(OneHot) {
  constexpr int64_t kOne = 0x3f800000, kMinusTwo = -0x40000000;
  add(suite, 32, 10, kOne, 0);
  add(suite, 60000, 10, kOne, 0);
  add(suite, 5, 1000, 1, kMinusTwo);
  add(suite, 0, 10, 1, 0);
  add(suite, 10, 0, 1, 0);
  add(suite, 10, 1, 1, -1);
  for (int i = 0; i < 10 * repeats(); i++)
    add(suite, suite.draw(1, 300), suite.draw(1, 70), suite.draw(-3, 3), suite.draw(-3, 3));
}

}  // namespace tfjs::test

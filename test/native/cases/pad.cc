#include "../harness.h"

namespace tfjs::test {
namespace {

constexpr DType kDTypes[] = {DType::Float32, DType::Int32, DType::Bool};

void add(Suite& suite, const std::vector<int64_t>& x, std::vector<int64_t> before,
         const std::vector<int64_t>& after, int64_t pattern = 0) {
  before.resize(kMaxRank);
  std::vector<int64_t> y = x;
  for (size_t d = 0; d < x.size(); d++) y[d] += before[d] + after[d];
  for (DType dtype : kDTypes) {
    const PadV2Params p = {before[0], before[1], before[2],
                           before[3], before[4], before[5],
                           before[6], before[7], dtype == DType::Bool ? pattern & 1 : pattern};
    suite.add({{dtype, x, Fill::Special, {}, false}}, {{dtype, y, Fill::Normal, {}, false}}, p);
  }
}

}  // namespace

TFJS_CASES(PadV2) {
  // 1.5 and -2 as floats, -1 as an integer and NaN.
  add(suite, {5}, {2}, {3}, 0x3fc00000);
  add(suite, {5}, {0}, {0}, -0x40000000);
  add(suite, {0}, {2}, {3}, -1);
  add(suite, {0}, {0}, {0});
  add(suite, {4, 28, 28, 3}, {0, 2, 2, 0}, {0, 2, 2, 0});
  add(suite, {32, 26, 26, 32}, {0, 1, 1, 0}, {0, 1, 1, 0}, 1);
  add(suite, {100, 3}, {0, 1}, {0, 0}, 1);
  add(suite, {3, 4, 5}, {1, 0, 0}, {0, 2, 0}, 0x3fc00000);
  add(suite, {2, 3, 2, 3, 2, 3, 2, 3}, {1, 0, 2, 0, 1, 0, 0, 1}, {0, 1, 0, 0, 2, 0, 1, 0}, 7);
  for (int64_t n : {1, 3, 15, 16, 17, 31, 33, 64, 65, 1000}) add(suite, {3, n}, {1, n % 5}, {0, n % 3}, 1);
  for (int i = 0; i < 40 * repeats(); i++) {
    std::vector<int64_t> x, before, after;
    for (int64_t d = suite.draw(1, 6); d > 0; d--) {
      x.push_back(suite.draw(0, 7));
      before.push_back(suite.chance(0.4) ? suite.draw(1, 4) : 0);
      after.push_back(suite.chance(0.4) ? suite.draw(1, 4) : 0);
    }
    add(suite, x, before, after, suite.draw(-5, 5));
  }
}

}  // namespace tfjs::test

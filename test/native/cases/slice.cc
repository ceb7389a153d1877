#include "../harness.h"

namespace tfjs::test {
namespace {

constexpr DType kDTypes[] = {DType::Float32, DType::Int32, DType::Bool};

void add(Suite& suite, const std::vector<int64_t>& x, std::vector<int64_t> begin,
         const std::vector<int64_t>& size) {
  begin.resize(kMaxRank);
  const SliceParams p = {begin[0], begin[1], begin[2], begin[3], begin[4], begin[5], begin[6], begin[7]};
  for (DType dtype : kDTypes)
    suite.add({{dtype, x, Fill::Special, {}, false}}, {{dtype, size, Fill::Normal, {}, false}}, p);
}

}  // namespace

TFJS_CASES(Slice) {
  add(suite, {}, {}, {});
  add(suite, {7}, {0}, {7});
  add(suite, {7}, {3}, {4});
  add(suite, {7}, {7}, {0});
  add(suite, {0, 4}, {0, 1}, {0, 2});
  // A batch, a column, channels, a window, single elements; runs of all lengths.
  add(suite, {300, 28, 28, 1}, {17, 0, 0, 0}, {150, 28, 28, 1});
  add(suite, {5000, 10}, {0, 3}, {5000, 1});
  add(suite, {40, 30, 3}, {0, 0, 1}, {40, 30, 2});
  add(suite, {4, 20, 30, 8}, {1, 2, 3, 0}, {2, 17, 20, 8});
  add(suite, {3, 4, 5, 6}, {2, 3, 4, 5}, {1, 1, 1, 1});
  add(suite, {2, 3, 2, 3, 2, 3, 2, 3}, {1, 0, 0, 1, 0, 1, 1, 1}, {1, 3, 2, 2, 1, 2, 1, 2});
  for (int64_t run = 1; run < 70; run++) add(suite, {5, 80}, {1, 80 - run}, {3, run});
  for (int i = 0; i < 40 * repeats(); i++) {
    std::vector<int64_t> x, begin, size;
    for (int64_t d = suite.draw(1, 6); d > 0; d--) {
      x.push_back(suite.draw(1, 8));
      begin.push_back(suite.chance(0.4) ? 0 : suite.draw(0, x.back()));
      size.push_back(suite.chance(0.4) ? x.back() - begin.back() : suite.draw(0, x.back() - begin.back()));
    }
    add(suite, x, begin, size);
  }
}

}  // namespace tfjs::test

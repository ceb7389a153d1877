#include "../harness.h"

namespace tfjs::test {
namespace {

// Some ids are of no segment.
void add(Suite& suite, int64_t n, int64_t run, int64_t segments) {
  Spec ids = i32({n});
  for (int64_t i = 0; i < n; i++)
    ids.values.push_back(static_cast<double>(
        suite.chance(0.1) ? suite.draw(-3, segments + 3) : suite.draw(0, segments > 0 ? segments - 1 : 0)));
  suite.add({f32({n, run}), ids}, {f32({segments, run})});
}

}  // namespace

TFJS_CASES(UnsortedSegmentSum) {
  add(suite, 0, 5, 4);
  add(suite, 5, 5, 0);
  add(suite, 5, 0, 3);
  add(suite, 3000, 64, 500);
  add(suite, 3000, 1, 2);
  add(suite, 700, 33, 10000);
  for (int64_t run : edge_lengths()) {
    if (run < 200) add(suite, 40, run, 7);
  }
  for (int i = 0; i < 20 * repeats(); i++)
    add(suite, suite.draw(1, 200), suite.draw(1, 70), suite.draw(1, 100));
}

}  // namespace tfjs::test

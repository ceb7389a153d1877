#include "../harness.h"

namespace tfjs::test {

TFJS_CASES(ZerosLike) {
  for (int64_t n : edge_lengths()) {
    suite.add({f32({n})}, {f32({n})});
    suite.add({boolean({n})}, {boolean({n})});
  }
}

TFJS_CASES(OnesLike) {
  for (int64_t n : edge_lengths()) {
    suite.add({f32({n})}, {f32({n})});
    suite.add({i32({n})}, {i32({n})});
    suite.add({boolean({n})}, {boolean({n})});
  }
}

TFJS_CASES(Fill) {
  for (int64_t n : edge_lengths()) {
    suite.add({}, {f32({n})}, FillParams{0x40490fdb});
    suite.add({}, {i32({n})}, FillParams{-7});
    suite.add({}, {boolean({n})}, FillParams{1});
  }
}

}  // namespace tfjs::test

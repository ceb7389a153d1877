#include "../harness.h"

namespace tfjs::test {

TFJS_CASES(Select) {
  for (int64_t n : edge_lengths()) {
    suite.add({boolean({n}), f32({n}, Fill::Special), f32({n}, Fill::Special)}, {f32({n})});
    suite.add({boolean({n}), i32({n}), i32({n})}, {i32({n})});
    suite.add({boolean({n}), boolean({n}), boolean({n})}, {boolean({n})});
  }
}

}  // namespace tfjs::test

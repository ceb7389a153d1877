#include "../harness.h"

namespace tfjs::test {

TFJS_CASES(Relu) {
  for (int64_t n : edge_lengths()) suite.add({f32({n}, Fill::Special)}, {f32({n})});
}

TFJS_CASES(Square) {
  for (int64_t n : edge_lengths()) suite.add({f32({n}, Fill::Special)}, {f32({n})});
}

}  // namespace tfjs::test

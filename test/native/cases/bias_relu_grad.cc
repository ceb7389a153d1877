#include "../harness.h"

namespace tfjs::test {

TFJS_CASES(BiasReluGrad) {
  auto add = [&](int64_t rows, int64_t columns, Fill fill) {
    suite.add({f32({rows, columns}, fill), f32({rows, columns}, Fill::Sparse)},
              {f32({rows, columns}), f32({columns})});
  };
  for (int64_t columns : edge_lengths()) add(3, columns, Fill::Normal);
  for (int64_t columns : {1, 3, 10, 16, 32, 64, 100}) {
    for (int64_t rows : {1, 127, 128, 129, 1000}) add(rows, columns, Fill::Normal);
  }
  add(20000, 32, Fill::Normal);
  add(5, 0, Fill::Normal);
  add(0, 5, Fill::Normal);
  suite.add({f32({40, 37}, Fill::NonFinite), f32({40, 37})}, {f32({40, 37}), f32({37})});
  suite.add({f32({40, 37}), f32({40, 37}, Fill::Special)}, {f32({40, 37}), f32({37})});
  for (int i = 0; i < 20 * repeats(); i++) add(suite.draw(1, 400), suite.draw(1, 150), Fill::Normal);
}

}  // namespace tfjs::test

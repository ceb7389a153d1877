// Shapes for ops that broadcast two tensors.
#pragma once
#include "../harness.h"

namespace tfjs::test {

inline void pair_cases(Suite& suite, DType in, DType out, Fill fill) {
  using Dims = std::vector<int64_t>;
  const auto add = [&](const Dims& a, const Dims& b, const Dims& y) {
    suite.add({{in, a, fill, {}, false}, {in, b, fill, {}, false}}, {{out, y, Fill::Normal, {}, false}});
    if (a != b) {
      suite.add({{in, b, fill, {}, false}, {in, a, fill, {}, false}}, {{out, y, Fill::Normal, {}, false}});
    }
  };
  add({}, {}, {});
  for (int64_t n : edge_lengths()) {
    add({n}, {n}, {n});
    add({n}, {}, {n});
  }
  // A bias: short rows that are repeated, just long enough to be, and rows longer than a piece.
  for (int64_t n : {1, 2, 3, 10, 16, 32, 33, 100, 255, 256, 300, 5000}) {
    add({7, n}, {n}, {7, n});
    add({450, n}, {n}, {450, n});
  }
  add({2, 3000, 3}, {2, 1, 3}, {2, 3000, 3});
  // A value for each row.
  for (int64_t n : {1, 3, 10, 17, 64, 4097}) add({33, n}, {33, 1}, {33, n});
  // Per channel, channels first.
  add({2, 3, 5, 7}, {3, 1, 1}, {2, 3, 5, 7});
  // Both sides broadcast.
  add({5, 1}, {1, 9}, {5, 9});
  add({4, 1, 6, 1}, {1, 5, 1, 40}, {4, 5, 6, 40});
  add({2, 1, 3, 1, 2, 1}, {1, 3, 1, 2, 1, 5}, {2, 3, 3, 2, 2, 5});
  add({3, 1, 2, 1, 1, 4}, {2, 1, 4}, {3, 1, 2, 2, 1, 4});
  // Nothing.
  add({0, 4}, {4}, {0, 4});
  add({3, 0}, {3, 1}, {3, 0});
  for (int i = 0; i < 6 * repeats(); i++) {
    Dims a, b, y;
    for (int64_t rank = suite.draw(1, 6); rank > 0; rank--) {
      const int64_t n = suite.draw(1, 6);
      y.push_back(n);
      const int64_t which = suite.draw(0, 3);
      a.push_back(which == 1 ? 1 : n);
      b.push_back(which == 2 ? 1 : n);
    }
    // Leading dimensions may be missing on one side.
    for (size_t missing = static_cast<size_t>(suite.draw(0, 2)); missing > 0 && !b.empty(); missing--) {
      b.erase(b.begin());
      if (a[y.size() - b.size() - 1] == 1) y[y.size() - b.size() - 1] = 1;
    }
    add(a, b, y);
  }
}

}  // namespace tfjs::test

#include <cmath>

#include "../harness.h"

namespace tfjs::test {

TFJS_CASES(Cast) {
  for (int64_t n : edge_lengths()) {
    suite.add({f32({n}, Fill::Special)}, {i32({n})});
    suite.add({f32({n}, Fill::Special)}, {boolean({n})});
    suite.add({i32({n})}, {f32({n})});
    suite.add({i32({n})}, {boolean({n})});
    suite.add({boolean({n})}, {f32({n})});
    suite.add({boolean({n})}, {i32({n})});
  }
  std::vector<double> ends = {NAN,           INFINITY,     -INFINITY,  0.9,          -0.9,          1e9,
                              2147483520,    2147483648.0, 4294967296, 4294967808.0, -2147483648.0, 3e38,
                              -2147483904.0, 5e9,          -5e9,       1e-45};
  for (double& x : ends) x = static_cast<float>(x);
  const int64_t n = static_cast<int64_t>(ends.size());
  suite.add({{DType::Float32, {n}, Fill::Normal, ends, false}}, {i32({n})});
  suite.add({{DType::Float32, {n}, Fill::Normal, ends, false}}, {boolean({n})});
  suite.add({{DType::Int32, {3}, Fill::Whole, {16777217, 2147483647, -2147483648.0}, false}}, {f32({3})});
}

}  // namespace tfjs::test

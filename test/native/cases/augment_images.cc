#include "../harness.h"

namespace tfjs::test {
namespace {

// Pixels, whole ones for bytes.
Spec pixels(Suite& suite, const std::vector<int64_t>& dims, bool bytes) {
  Spec spec = bytes ? boolean(dims) : f32(dims);
  int64_t size = 1;
  for (int64_t d : dims) size *= d;
  for (int64_t i = 0; i < size; i++)
    spec.values.push_back(static_cast<double>(suite.draw(0, 255 * 4)) / (bytes ? 1024 : 4));
  if (bytes) {
    for (double& v : spec.values) v = static_cast<double>(suite.draw(0, 255));
  }
  return spec;
}

// Turned, scaled, shifted; brightness, contrast, a part that is cut out.
Spec numbers(Suite& suite, int64_t n) {
  Spec spec = f32({n, 12});
  for (int64_t i = 0; i < n; i++) {
    const bool identity = suite.chance(0.2);
    for (int64_t k = 0; k < 6; k++) {
      const bool shift = k == 2 || k == 5;
      double value = k == 0 || k == 4 ? 1 : 0;
      if (!identity && suite.chance(0.8))
        value += static_cast<double>(suite.draw(-40, 40)) / (shift ? 4 : 50);
      spec.values.push_back(static_cast<float>(value));
    }
    for (int k = 0; k < 2; k++)
      spec.values.push_back(suite.chance(0.5) ? 1 : static_cast<double>(suite.draw(0, 16)) / 8);
    for (int k = 0; k < 4; k++) spec.values.push_back(static_cast<double>(suite.draw(-3, 30)));
  }
  return spec;
}

void add(Suite& suite, const std::vector<int64_t>& dims) {
  for (int64_t mode = 0; mode < 4; mode++) {
    const bool bytes = suite.chance(0.5), noisy = suite.chance(0.5);
    // The other modes jump at places that a displacement's rounding decides.
    const bool continuous = mode == 1 || mode == 3;
    Spec displacement = absent();
    if (continuous && suite.chance(0.6)) displacement = f32({dims[0], suite.draw(4, 8), suite.draw(4, 8), 2});
    suite.add(
        {pixels(suite, dims, bytes), numbers(suite, dims[0]), displacement, noisy ? f32(dims) : absent()},
        {f32(dims)}, AugmentImagesParams{mode, suite.chance(0.5) ? 0.0f : 128.0f});
  }
}

}  // namespace

TFJS_CASES(AugmentImages) {
  add(suite, {2, 6, 6, 3});
  add(suite, {1, 1, 1, 1});
  add(suite, {1, 1, 7, 2});
  add(suite, {1, 9, 1, 1});
  add(suite, {2, 0, 6, 3});
  add(suite, {2, 6, 6, 0});
  add(suite, {0, 6, 6, 3});
  add(suite, {33, 28, 28, 1});
  add(suite, {3, 60, 50, 3});
  for (int i = 0; i < 40 * repeats(); i++)
    add(suite, {suite.draw(1, 3), suite.draw(1, 12), suite.draw(1, 12), suite.draw(1, 5)});
}

}  // namespace tfjs::test

#include <limits>

#include "../harness.h"

namespace tfjs::test {
namespace {

PhiloxParams draw_state(Suite& suite) {
  const auto word = [&] {
    // Counters that overflow into the next word are worth a try.
    return suite.chance(0.3) ? 0xffffffff - suite.draw(0, 20) : suite.draw(0, 0xffffffff);
  };
  return {word(), word(), word(), word(), word(), word()};
}

std::vector<int64_t> lengths() {
  std::vector<int64_t> list = edge_lengths();
  for (int64_t n : {320, 640, 8192}) list.push_back(n);
  return list;
}

constexpr double kUnlimited = std::numeric_limits<float>::infinity();

RandomUniformParams uniform(const PhiloxParams& s, double min, double range, double limit = kUnlimited) {
  return {s.key0, s.key1, s.counter0, s.counter1, s.counter2, s.counter3, min, range, limit};
}

void normal_cases(Suite& suite) {
  suite.same_bits_everywhere();
  for (int64_t n : lengths()) {
    const PhiloxParams s = draw_state(suite);
    const auto params = [&](float mean, float deviation) {
      return RandomNormalParams{s.key0,     s.key1,     s.counter0, s.counter1,
                                s.counter2, s.counter3, mean,       deviation};
    };
    suite.add({}, {f32({n})}, params(0, 1));
    suite.add({}, {f32({n})}, params(-2, 0.05f));
  }
}

}  // namespace

TFJS_CASES(RandomUniform) {
  suite.same_bits_everywhere();
  for (int64_t n : lengths()) {
    suite.add({}, {f32({n})}, uniform(draw_state(suite), 0, 1));
    suite.add({}, {f32({n})}, uniform(draw_state(suite), -3.5, 0.25f, -3.25f));
    suite.add({}, {f32({n})}, uniform(draw_state(suite), 16777216, 2, 16777216));
    suite.add({}, {i32({n})}, uniform(draw_state(suite), -10, 25));
    suite.add({}, {i32({n})}, uniform(draw_state(suite), 0.75, 1e6 / 3));
  }
}

TFJS_CASES(RandomStandardNormal) { normal_cases(suite); }
TFJS_CASES(TruncatedNormal) { normal_cases(suite); }

TFJS_CASES(Dropout) {
  suite.same_bits_everywhere();
  for (int64_t n : lengths()) {
    const PhiloxParams s = draw_state(suite);
    for (Fill fill : {Fill::Normal, Fill::Special}) {
      suite.add({f32({n}, fill)}, {f32({n})},
                DropoutParams{s.key0, s.key1, s.counter0, s.counter1, s.counter2, s.counter3, 0x40000000,
                              1 / 0.75f});
    }
  }
}

TFJS_CASES(Multinomial) {
  suite.same_bits_everywhere();
  const auto add = [&](int64_t batch, int64_t outcomes, int64_t samples, Fill fill) {
    Spec x = f32({batch, outcomes}, fill);
    if (fill == Fill::Unit) {
      for (int64_t i = 0; i < batch * outcomes; i++)
        x.values.push_back(static_cast<float>(static_cast<double>(suite.draw(0, 1000)) / 500 /
                                              static_cast<double>(outcomes)));
    }
    suite.add({x}, {i32({batch, samples})}, draw_state(suite));
  };
  for (Fill fill : {Fill::Unit, Fill::Special}) {
    add(1, 2, 10000, fill);
    add(1, 1, 5, fill);
    add(300, 10, 1, fill);
    add(0, 5, 3, fill);
    add(3, 5, 0, fill);
    add(5, 1000, 100, fill);
    for (int i = 0; i < 10 * repeats(); i++)
      add(suite.draw(1, 5), suite.draw(2, 40), suite.draw(1, 200), fill);
  }
}

}  // namespace tfjs::test

// A number and how far a computation in float may be from it, step by step: for results that a bound of one
// sum does not describe.
#pragma once
#include <algorithm>
#include <cmath>

namespace tfjs::reference {

struct Tracked {
  double value = 0, error = 0;
};

// Half a unit in the last place of a float, relative.
constexpr double kUnit = 0x1p-24;

inline Tracked rounded(double value, double error, double roundings = 1) {
  return {value, error + roundings * kUnit * (std::abs(value) + error)};
}

inline Tracked operator+(Tracked a, Tracked b) { return rounded(a.value + b.value, a.error + b.error); }
inline Tracked operator-(Tracked a, Tracked b) { return rounded(a.value - b.value, a.error + b.error); }
inline Tracked operator*(Tracked a, Tracked b) {
  return rounded(a.value * b.value,
                 std::abs(a.value) * b.error + std::abs(b.value) * a.error + a.error * b.error);
}

// The sum of products in any order: each has one rounding, and takes part in so many additions.
struct TrackedSum {
  double value = 0, error = 0, magnitude = 0;
  int terms = 0;

  void add(Tracked a, Tracked b) {
    const Tracked product = a * b;
    value += product.value;
    error += product.error;
    magnitude += std::abs(product.value) + product.error;
    terms++;
  }
  Tracked sum() const { return {value, error + terms * kUnit * magnitude}; }
};

// y = f(x) for a function whose slope is nowhere above `slope`, computed with `roundings` roundings' error.
template <class F>
Tracked apply(F f, Tracked x, double slope, double roundings) {
  return rounded(f(x.value), slope * x.error, roundings);
}

}  // namespace tfjs::reference

// What storing a double into an Int32Array keeps (ECMAScript's ToInt32).
#pragma once
#include <cmath>

namespace tfjs::reference {

inline double wrap_to_int32(double v) {
  if (!std::isfinite(v)) return 0;
  const double low = std::fmod(std::trunc(v), 4294967296.0);
  if (low >= 2147483648.0) return low - 4294967296.0;
  return low < -2147483648.0 ? low + 4294967296.0 : low;
}

}  // namespace tfjs::reference

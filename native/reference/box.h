// Coordinates, for the twins of ops that only move elements.
#pragma once
#include <bit>

#include "reference/reference.h"

namespace tfjs::reference {

// The place of an element in row-major order.
inline size_t flat(const std::vector<int64_t>& dims, const std::vector<int64_t>& at) {
  int64_t place = 0;
  for (size_t d = 0; d < dims.size(); d++) place = place * dims[d] + at[d];
  return static_cast<size_t>(place);
}

// visit(coordinates) for every element, in row-major order.
template <class Visit>
void each_coordinate(const std::vector<int64_t>& dims, Visit visit) {
  std::vector<int64_t> at(dims.size(), 0);
  for (int64_t d : dims) {
    if (d == 0) return;
  }
  for (;;) {
    visit(at);
    size_t d = dims.size();
    while (d > 0 && ++at[d - 1] == dims[d - 1]) at[--d] = 0;
    if (d == 0) return;
  }
}

// The number that has these bits in a dtype.
inline double from_pattern(DType dtype, double pattern) {
  const int32_t bits = static_cast<int32_t>(pattern);
  return dtype == DType::Float32 ? static_cast<double>(std::bit_cast<float>(bits))
                                 : static_cast<double>(bits);
}

}  // namespace tfjs::reference

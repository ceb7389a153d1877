#include <algorithm>
#include <cmath>
#include <cstring>

#include "plan/plan.h"

namespace tfjs::plan {
namespace {

// Labels come as numbers of any type; a fraction is cut off as upstream does, and what is no number matches
// no class.
int32_t to_label(float x) {
  return x >= -2147483648.0f && x < 2147483648.0f ? static_cast<int32_t>(std::floor(x)) : -1;
}

template <class From, class To, class F>
void convert(const Source& source, const uint32_t* order, int64_t rows, int64_t elements, To* to, F one) {
  for (int64_t i = 0; i < rows; i++) {
    const From* from = static_cast<const From*>(source.data) + order[i] * elements;
    for (int64_t e = 0; e < elements; e++) *to++ = one(from[e]);
  }
}

void copy(const Source& source, const uint32_t* order, int64_t rows, int64_t elements, char* to) {
  const int64_t bytes = elements * 4;
  for (int64_t i = 0; i < rows; i++, to += bytes) {
    std::memcpy(to, static_cast<const char*>(source.data) + order[i] * bytes, static_cast<size_t>(bytes));
  }
}

void gather_data(const Source& source, const uint32_t* order, int64_t rows, const Value& value, char* to) {
  const int64_t n = value.row_elements();
  const bool floats = value.dtype == DType::Float32;
  switch (source.type) {
    case Source::Type::Float32:
      if (floats) return copy(source, order, rows, n, to);
      return convert<float>(source, order, rows, n, reinterpret_cast<int32_t*>(to), to_label);
    case Source::Type::Int32:
      if (!floats) return copy(source, order, rows, n, to);
      return convert<int32_t>(source, order, rows, n, reinterpret_cast<float*>(to),
                              [](int32_t x) { return static_cast<float>(x); });
    case Source::Type::Uint8: {
      if (!floats) {
        return convert<uint8_t>(source, order, rows, n, reinterpret_cast<int32_t*>(to),
                                [](uint8_t x) { return x; });
      }
      float table[256];
      for (int i = 0; i < 256; i++) table[i] = static_cast<float>(i / source.divisor);
      return convert<uint8_t>(source, order, rows, n, reinterpret_cast<float*>(to),
                              [&](uint8_t x) { return table[x]; });
    }
  }
}

// Asks for rows that the next step gathers, which lie anywhere in memory.
void prefetch(const Source& source, const uint32_t* order, int64_t rows, int64_t elements) {
  const int64_t bytes = elements * (source.type == Source::Type::Uint8 ? 1 : 4);
  for (int64_t i = 0; i < rows; i++) {
    const char* row = static_cast<const char*>(source.data) + order[i] * bytes;
    for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(row + at, 0, 2);
  }
}

bool any_large(const float* values, int64_t n) {
  // Without their signs floats are in the order of their bits, infinities and NaN last.
  int32_t most = 0, limit;
  std::memcpy(&limit, &kLarge, sizeof limit);
  for (int64_t i = 0; i < n; i++) {
    int32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    most = std::max(most, bits & 0x7fffffff);
  }
  return most >= limit;
}

}  // namespace

bool gather(const Plan& plan, const Run& r, const uint32_t* order, int64_t row, int64_t rows, int64_t total,
            char* scratch) {
  bool large = false;
  for (size_t i = 0; i < plan.inputs.size(); i++) {
    const Input& input = plan.inputs[i];
    const Source& source = r.sources[i];
    const Value& value = plan.values[static_cast<size_t>(input.value)];
    char* to = value.place == Place::Scratch
                   ? scratch + value.offset
                   : r.arena + value.offset + row * value.row_elements() * value.element_bytes();
    if (input.kind == Input::Kind::Data) {
      gather_data(source, order + row, rows, value, to);
      if (source.type != Source::Type::Uint8 && value.dtype == DType::Float32) {
        large |= any_large(reinterpret_cast<const float*>(to), rows * value.row_elements());
      }
      const uint32_t* next = order + row + r.batch;
      const int64_t left = std::min(rows, static_cast<int64_t>(r.order + r.end - next));
      prefetch(source, next, left, value.row_elements());
      continue;
    }
    const float* from = static_cast<const float*>(source.data);
    const double share = input.scale / static_cast<double>(total);
    for (int64_t k = 0; k < rows; k++) {
      reinterpret_cast<float*>(to)[k] =
          static_cast<float>(from == nullptr ? share : share * static_cast<double>(from[order[row + k]]));
    }
  }
  return large;
}

}  // namespace tfjs::plan

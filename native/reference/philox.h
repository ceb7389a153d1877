// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"), one block at a time.
#pragma once
#include <array>
#include <cstdint>

#include "core/params.h"

namespace tfjs::reference {

using Words = std::array<uint32_t, 4>;

inline Words philox4x32(Words counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = uint64_t{0xd2511f53} * counter[0], p1 = uint64_t{0xcd9e8d57} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key0, static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key1, static_cast<uint32_t>(p0)};
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  return counter;
}

// Random word number i of an op: groups of 64, word by word of 16 counters that follow each other.
template <class Params>
uint32_t random_word(const Params& p, size_t i) {
  uint64_t counter = static_cast<uint64_t>(p.counter0) + (static_cast<uint64_t>(p.counter1) << 32);
  counter += i / 64 * 16 + i % 16;
  const Words words = philox4x32({static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                                  static_cast<uint32_t>(p.counter2), static_cast<uint32_t>(p.counter3)},
                                 static_cast<uint32_t>(p.key0), static_cast<uint32_t>(p.key1));
  return words[i / 16 % 4];
}

}  // namespace tfjs::reference

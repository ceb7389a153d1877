// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3":
// each block of four words follows from a key and a counter alone, whichever thread asks.
//
// Numbers are made in groups of 64, from 16 counters that follow each other: number 16 w + j of a group is
// word w of its counter j, whatever the vector width.
#pragma once
#include "core/params.h"
#include "parallel/parallel.h"
#include "simd/unfused.h"

namespace tfjs::TFJS_ISA {
namespace {

typedef uint32_t vu32 __attribute__((vector_size(kLanes * 4)));
typedef uint64_t vu64 __attribute__((vector_size(kLanes * 4)));

constexpr int kGroup = 64;
constexpr int kCounters = 16;
constexpr int kRounds = 10;
// Costs of a group, in nanoseconds on one core, for parallel_for.
constexpr double kGroupCost = 400.0 / kLanes;

// The products of the low halves; the high halves of x may hold anything.
TFJS_INLINE vu64 multiply_low_halves(vu64 x, vu64 m) {
#if defined(__AVX512F__)
  return (vu64)_mm512_maskz_mul_epu32(0xff, (__m512i)x, (__m512i)m);  // Without maskz_ gcc 12 warns.
#elif defined(__AVX2__)
  return (vu64)_mm256_mul_epu32((__m256i)x, (__m256i)m);
#elif defined(__x86_64__) || defined(_M_X64)
  return (vu64)_mm_mul_epu32((__m128i)x, (__m128i)m);
#elif defined(__aarch64__)
  return (vu64)vmull_u32(vmovn_u64((uint64x2_t)x), vmovn_u64((uint64x2_t)m));
#endif
}

// The words of a group, as vectors of kLanes numbers in their order.
struct Group {
  vu32 words[kGroup / kLanes];
};

class Philox {
 public:
  // counter0 and counter1 count on from where the parameters begin; the other two stay.
  template <class Params>
  explicit Philox(const Params& p)
      : first_(static_cast<uint64_t>(p.counter0) | static_cast<uint64_t>(p.counter1) << 32),
        counter2_(static_cast<uint32_t>(p.counter2)),
        counter3_(static_cast<uint32_t>(p.counter3)) {
    for (int round = 0; round < kRounds; round++) {
      key0_[round] = vu64{} + (static_cast<uint32_t>(p.key0) + static_cast<uint32_t>(round) * 0x9e3779b9u);
      key1_[round] = vu64{} + (static_cast<uint32_t>(p.key1) + static_cast<uint32_t>(round) * 0xbb67ae85u);
    }
  }

  [[gnu::always_inline]] Group group(int64_t index) const {
    constexpr int kVectors = kCounters / kLanes;
    Group g;
    TFJS_UNROLL
    for (int v = 0; v < kVectors; v++) {
      const uint64_t first =
          first_ + static_cast<uint64_t>(index) * kCounters + static_cast<uint64_t>(v) * kLanes;
      vu64 even[4] = {}, odd[4] = {};
      for (int i = 0; i < kLanes / 2; i++) even[0][i] = static_cast<uint64_t>(2 * i);
      even[0] += first;
      odd[0] = even[0] + 1;
      block(even);
      block(odd);
      for (int w = 0; w < 4; w++) g.words[w * kVectors + v] = (vu32)((even[w] & 0xffffffffu) | odd[w] << 32);
    }
    return g;
  }

 private:
  // x[0]: counters; x: their words, in the low halves.
  [[gnu::always_inline]] void block(vu64* x) const {
    const vu64 m0 = vu64{} + 0xd2511f53u, m1 = vu64{} + 0xcd9e8d57u;
    x[1] = x[0] >> 32;
    x[2] = vu64{} + counter2_;
    x[3] = vu64{} + counter3_;
    TFJS_UNROLL
    for (int round = 0; round < kRounds; round++) {
      const vu64 p0 = multiply_low_halves(x[0], m0), p1 = multiply_low_halves(x[2], m1);
      x[0] = (p1 >> 32) ^ x[1] ^ key0_[round];
      x[1] = p1;
      x[2] = (p0 >> 32) ^ x[3] ^ key1_[round];
      x[3] = p0;
    }
  }

  uint64_t first_;
  uint32_t counter2_, counter3_;
  vu64 key0_[kRounds], key1_[kRounds];
};

// make(words of a group, where its 64 elements go); the last group is cut to what is left of n.
template <class T, class Make>
TFJS_INLINE void each_group(const Philox& philox, T* y, int64_t n, double nanoseconds, Make make) {
  parallel_for((n + kGroup - 1) / kGroup, kGroupCost + nanoseconds, [&](int64_t begin, int64_t end) {
    const Philox own = philox;
    for (int64_t i = begin; i < end; i++) {
      if ((i + 1) * kGroup <= n) {
        make(own.group(i), y + i * kGroup);
      } else {
        T last[kGroup];
        make(own.group(i), last);
        for (int64_t at = i * kGroup; at < n; at++) y[at] = last[at - i * kGroup];
      }
    }
  });
}

}  // namespace
}  // namespace tfjs::TFJS_ISA

// The machine's limits, on as many threads as the argument says, compiled once per instruction set. Answers
// each line on stdin: "flops" with the GFLOP/s that independent multiply-adds in registers reach, "copy N"
// with the GB/s (read and written together) of copies again and again within N bytes, source and target
// counted.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kChains = kRegisters == 32 ? 16 : 12;
// What asm calls all vector registers; with "x" those beyond the 16th would be spilled.
#if defined(__AVX512F__)
#define TFJS_ANY_VECTOR "+v"
#elif defined(__aarch64__)
#define TFJS_ANY_VECTOR "+w"
#else
#define TFJS_ANY_VECTOR "+x"
#endif
constexpr long kRounds = 1000000;  // some milliseconds: cores wake up slowly

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double gflops() {
  vf32 sum[kChains];
  TFJS_UNROLL for (int i = 0; i < kChains; i++) sum[i] = splat(1.0f + static_cast<float>(i));
  vf32 a = splat(0.999f), b = splat(0.001f);
  asm volatile("" : TFJS_ANY_VECTOR(a), TFJS_ANY_VECTOR(b));
  const auto start = Clock::now();
  for (long round = 0; round < kRounds; round++) {
    TFJS_UNROLL for (int i = 0; i < kChains; i++) {
      sum[i] = fma(sum[i], a, b);
      asm volatile("" : TFJS_ANY_VECTOR(sum[i]));
    }
  }
  return 2.0 * kChains * kLanes * kRounds / seconds_since(start) / 1e9;
}

// Passes of one thread: about 20 ms, and the best of them counts.
double copy_gigabytes(size_t bytes, std::atomic<int>& waiting) {
  constexpr int64_t kStep = 4 * kLanes;
  const int64_t n = std::max<int64_t>(static_cast<int64_t>(bytes / 2 / sizeof(float)) / kStep, 1) * kStep;
  std::vector<float> from(static_cast<size_t>(n), 1.0f), to(static_cast<size_t>(n), 2.0f);
  const float* source = from.data();
  float* target = to.data();
  waiting--;
  while (waiting.load() > 0) {
  }
  double best = 0;
  const auto begin = Clock::now();
  while (seconds_since(begin) < 0.02) {
    const auto start = Clock::now();
    for (int64_t i = 0; i < n; i += kStep) {
      for (int v = 0; v < 4; v++) store(target + i + v * kLanes, load(source + i + v * kLanes));
    }
    asm volatile("" ::: "memory");
    best = std::max(best, static_cast<double>(2 * n) * sizeof(float) / seconds_since(start) / 1e9);
  }
  return best;
}

}  // namespace
}  // namespace tfjs::TFJS_ISA

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  char line[64];
  std::printf("{\"ready\":\"peak\"}\n");
  std::fflush(stdout);
  while (std::fgets(line, sizeof line, stdin)) {
    const bool copy = std::strncmp(line, "copy ", 5) == 0;
    const size_t bytes = copy ? static_cast<size_t>(std::atof(line + 5)) / static_cast<size_t>(threads) : 0;
    std::atomic<int> waiting{threads};
    std::vector<double> each(static_cast<size_t>(threads));
    const auto measure = [&](int t) {
      each[static_cast<size_t>(t)] =
          copy ? tfjs::TFJS_ISA::copy_gigabytes(bytes, waiting) : tfjs::TFJS_ISA::gflops();
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; t++) others.emplace_back(measure, t);
    measure(0);
    for (std::thread& other : others) other.join();
    double sum = 0;
    for (double one : each) sum += one;
    std::printf("{\"%s\":%.1f}\n", copy ? "gigabytes" : "gflops", sum);
    std::fflush(stdout);
  }
}

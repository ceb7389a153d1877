// The machine's peak: answers each line on stdin with the GFLOP/s that independent multiply-adds in registers
// reach on as many threads as the argument says. Compiled once per instruction set.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

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

double gflops() {
  vf32 sum[kChains];
  TFJS_UNROLL for (int i = 0; i < kChains; i++) sum[i] = splat(1.0f + static_cast<float>(i));
  vf32 a = splat(0.999f), b = splat(0.001f);
  asm volatile("" : TFJS_ANY_VECTOR(a), TFJS_ANY_VECTOR(b));
  const auto start = std::chrono::steady_clock::now();
  for (long round = 0; round < kRounds; round++) {
    TFJS_UNROLL for (int i = 0; i < kChains; i++) {
      sum[i] = fma(sum[i], a, b);
      asm volatile("" : TFJS_ANY_VECTOR(sum[i]));
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return 2.0 * kChains * kLanes * kRounds / seconds / 1e9;
}

}  // namespace
}  // namespace tfjs::TFJS_ISA

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  char line[64];
  std::printf("{\"ready\":\"peak\"}\n");
  std::fflush(stdout);
  while (std::fgets(line, sizeof line, stdin)) {
    std::vector<double> each(static_cast<size_t>(threads));
    std::vector<std::thread> others;
    for (int t = 1; t < threads; t++) {
      others.emplace_back([&each, t] { each[static_cast<size_t>(t)] = tfjs::TFJS_ISA::gflops(); });
    }
    each[0] = tfjs::TFJS_ISA::gflops();
    for (std::thread& other : others) other.join();
    double sum = 0;
    for (double g : each) sum += g;
    std::printf("{\"gflops\":%.1f}\n", sum);
    std::fflush(stdout);
  }
}

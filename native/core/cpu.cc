#include "core/cpu.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#endif
#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace tfjs {

#if defined(__x86_64__) || defined(_M_X64)
namespace {

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(uint32_t leaf) {
  Registers r;
  if (leaf <= __get_cpuid_max(leaf & 0x80000000u, nullptr))
    __cpuid_count(leaf, 0, r.eax, r.ebx, r.ecx, r.edx);
  return r;
}

uint64_t enabled_state() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

constexpr bool all(uint32_t value, uint32_t bits) { return (value & bits) == bits; }

}  // namespace

bool cpu_has(Isa isa) {
  const Registers one = cpuid(1), seven = cpuid(7), extended = cpuid(0x80000001u);
  // SSE3, SSSE3, CX16, SSE4.1, SSE4.2, POPCNT: x86-64-v2
  if (isa == Isa::Baseline) return all(one.ecx, 1u | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23);
  // FMA, MOVBE, OSXSAVE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT: x86-64-v3
  const bool v3 = all(one.ecx, 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29) &&
                  all(seven.ebx, 1u << 3 | 1u << 5 | 1u << 8) && all(extended.ecx, 1u << 5);
  if (!v3) return false;
  const uint64_t state = enabled_state();
  if (isa == Isa::Avx2) return (state & 0x6) == 0x6;
  // AVX512F, DQ, CD, BW, VL: x86-64-v4
  return (state & 0xe6) == 0xe6 && all(seven.ebx, 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31);
}
#else
bool cpu_has(Isa isa) { return isa == Isa::Baseline; }
#endif

namespace {

#ifdef __linux__
// Cores that the affinity mask allows, hyper-threads of one core counted once.
int affine_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 0;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                       "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) siblings = "cpu" + std::to_string(cpu);
    cores.insert(siblings);
  }
  return static_cast<int>(cores.size());
}

// Cores that the cgroup's quota amounts to (a container's --cpus), or 0 without one.
int quota_cores() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period) {
    if (quota == "max" || period <= 0) return 0;
    return std::max(1, static_cast<int>(std::ceil(std::stod(quota) / period)));
  }
  double amount = 0;
  std::ifstream v1("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1 >> amount && v1_period >> period && amount > 0 && period > 0) {
    return std::max(1, static_cast<int>(std::ceil(amount / period)));
  }
  return 0;
}
#else
int affine_cores() { return 0; }
int quota_cores() { return 0; }
#endif

}  // namespace

#ifdef __linux__
int current_cpu() { return sched_getcpu(); }

int thread_id() { return static_cast<int>(syscall(SYS_gettid)); }

bool exclude_cpu(int thread, int cpu) {
  cpu_set_t mask;
  if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(thread, sizeof mask, &mask) != 0) return false;
  if (!CPU_ISSET(cpu, &mask) || CPU_COUNT(&mask) < 2) return false;
  CPU_CLR(cpu, &mask);
  return sched_setaffinity(thread, sizeof mask, &mask) == 0;
}

void include_cpu(int cpu) {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return;
  CPU_SET(cpu, &mask);
  sched_setaffinity(0, sizeof mask, &mask);
}
#else
int current_cpu() { return -1; }
int thread_id() { return 0; }
bool exclude_cpu(int, int) { return false; }
void include_cpu(int) {}
#endif

int usable_cores() {
  int cores = affine_cores();
  if (cores == 0) cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int quota = quota_cores();
  return quota > 0 ? std::min(cores, quota) : cores;
}

}  // namespace tfjs

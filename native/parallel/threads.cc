#include <atomic>

#include "core/cpu.h"
#include "parallel/parallel.h"

namespace tfjs {
namespace {

std::atomic<int>& threads() {
  static std::atomic<int> count{usable_cores()};
  return count;
}

}  // namespace

int thread_count() { return threads().load(std::memory_order_relaxed); }
void set_thread_count(int count) { threads().store(count, std::memory_order_relaxed); }

}  // namespace tfjs

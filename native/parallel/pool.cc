// A pool of threads that spin for a moment and then sleep: compared with libgomp in docs/performance.md.
#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>

#include "core/cpu.h"
#include "parallel/region.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace tfjs {
namespace detail {
namespace {

inline void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Longer than most gaps between the parallel kernels of a training step that JavaScript drives.
constexpr std::chrono::microseconds kSpin{50};

// Spins until done() or until the time is over; returns done().
template <class Done>
inline bool spin_until(Done done) {
  const auto start = std::chrono::steady_clock::now();
  do {
    // A pause takes 10 to 60 nanoseconds: the clock is asked every microsecond or so.
    for (int i = 0; i < 32; i++) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() - start < kSpin);
  return false;
}

// A region is open while workers may join it: bit 0. Bits 1 to 15 count the workers inside, the rest the
// regions so far, so that a worker that slept through one cannot join the next by mistake.
constexpr uint32_t kOpen = 1, kWorker = 2, kRegion = 1u << 16;
constexpr uint32_t kWorkers = kRegion - kWorker;

class Pool {
 public:
  void run(Region& region, int workers) {
    start(workers);
    region_ = &region;
    caller_cpu_.store(current_cpu(), std::memory_order_relaxed);
    allowed_.store(workers, std::memory_order_relaxed);
    const uint32_t before = state_.load(std::memory_order_relaxed);
    state_.store(((before / kRegion + 1) * kRegion) | kOpen, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) state_.notify_all();
    region.work();
    // From here nobody joins; those inside have taken the last tasks.
    uint32_t state = state_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
    if (spin_until([&] { return ((state = state_.load(std::memory_order_acquire)) & kWorkers) == 0; }))
      return;
    for (; (state & kWorkers) != 0; state = state_.load(std::memory_order_acquire)) {
      state_.wait(state, std::memory_order_acquire);
    }
  }

 private:
  void start(int workers) {
    try {
      for (; started_ < workers; started_++) {
        std::thread([this, index = started_] { serve(index); }).detach();
      }
    } catch (const std::system_error&) {
      // The system has no more threads: those that there are do the work.
    }
  }

  void serve(int index) {
    FlushDenormals flush;
    uint32_t seen = 0;
    for (;;) {
      uint32_t state = wait_for_region(seen);
      seen = state / kRegion;
      if (index >= allowed_.load(std::memory_order_relaxed)) continue;
      while ((state & kOpen) != 0 && state / kRegion == seen) {
        if (!state_.compare_exchange_weak(state, state + kWorker, std::memory_order_acq_rel)) continue;
        region_->work();
        state = state_.fetch_sub(kWorker, std::memory_order_acq_rel) - kWorker;
        if ((state & (kWorkers | kOpen)) == 0) state_.notify_all();
        break;
      }
    }
  }

  uint32_t wait_for_region(uint32_t seen) {
    uint32_t state;
    const auto is_new = [&] { return state / kRegion != seen && (state & kOpen) != 0; };
    if (spin_until([&] {
          state = state_.load(std::memory_order_acquire);
          return is_new();
        })) {
      return state;
    }
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    state = state_.load(std::memory_order_seq_cst);
    while (!is_new()) {
      state_.wait(state, std::memory_order_acquire);
      avoid_caller();
      state = state_.load(std::memory_order_acquire);
    }
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
    return state;
  }

  // The system at times wakes a thread on the CPU that the caller is busy on, and leaves both there for many
  // milliseconds beside an idle one.
  void avoid_caller() {
    const int cpu = current_cpu();
    if (cpu >= 0 && cpu == caller_cpu_.load(std::memory_order_relaxed)) leave_cpu(cpu);
  }

  std::atomic<uint32_t> state_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<int> allowed_{0};
  std::atomic<int> caller_cpu_{-1};
  Region* region_ = nullptr;
  int started_ = 0;
};

// Never destroyed: its threads may still wait in it when the process ends.
Pool& pool() {
  static Pool* instance = new Pool;
  return *instance;
}

}  // namespace

void run_tasks(int64_t tasks, TaskFn fn, void* context) {
  Region region(tasks, fn, context);
  const int workers = static_cast<int>(std::min<int64_t>(thread_count(), tasks)) - 1;
  if (workers < 1 || inside_region || executor_taken.test_and_set(std::memory_order_acquire)) {
    region.work();
  } else {
    pool().run(region, workers);
    executor_taken.clear(std::memory_order_release);
  }
  region.rethrow();
}

}  // namespace detail

const char* executor_name() { return "pool"; }

}  // namespace tfjs

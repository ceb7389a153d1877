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
    allowed_.store(workers, std::memory_order_relaxed);
    const uint32_t before = state_.load(std::memory_order_relaxed);
    state_.store(((before / kRegion + 1) * kRegion) | kOpen, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) wake(workers);
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

  // The system at times wakes a thread on the CPU that the caller is busy on, where it waits for many
  // milliseconds beside an idle CPU: those few that are about to be woken may not go there.
  void wake(int workers) {
    const int cpu = current_cpu();
    for (int i = 0; i < std::min(workers, kPlaced); i++) {
      const int thread = sleeping_[i].exchange(0, std::memory_order_acq_rel);
      if (thread != 0) excluded_[i].store(exclude_cpu(thread, cpu) ? cpu : kNone, std::memory_order_release);
    }
    state_.notify_all();
  }

  void serve(int index) {
    FlushDenormals flush;
    const int thread = thread_id();
    uint32_t seen = 0;
    for (;;) {
      uint32_t state = wait_for_region(seen, index, thread);
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

  uint32_t wait_for_region(uint32_t seen, int index, int thread) {
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
      if (index < kPlaced) sleeping_[index].store(thread, std::memory_order_release);
      state_.wait(state, std::memory_order_acquire);
      if (index < kPlaced) stay(index);
      state = state_.load(std::memory_order_acquire);
    }
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
    return state;
  }

  // Once it runs elsewhere, a thread that a caller has kept off a CPU may go there again.
  void stay(int index) {
    if (sleeping_[index].exchange(0, std::memory_order_acq_rel) != 0) return;
    int cpu;
    while ((cpu = excluded_[index].exchange(kPending, std::memory_order_acq_rel)) == kPending) pause();
    if (cpu != kNone) include_cpu(cpu);
  }

  std::atomic<uint32_t> state_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<int> allowed_{0};
  // Of the first workers: the number of one that sleeps, or 0; then the CPU that its waker has kept it off.
  static constexpr int kPlaced = 7, kPending = -1, kNone = -2;
  std::atomic<int> sleeping_[kPlaced] = {};
  std::atomic<int> excluded_[kPlaced] = {kPending, kPending, kPending, kPending,
                                         kPending, kPending, kPending};
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

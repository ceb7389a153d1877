// What both executors share: the state of one parallel region, and who may start one.
#pragma once
#include <atomic>
#include <exception>

#include "core/denormals.h"
#include "parallel/parallel.h"

namespace tfjs::detail {

// True while this thread runs tasks: a nested region runs on it alone.
inline thread_local bool inside_region = false;

class Region {
 public:
  Region(int64_t tasks, TaskFn fn, void* context) : tasks_(tasks), fn_(fn), context_(context) {}

  // Takes tasks until none is left; the first exception ends the region early.
  void work() {
    const bool outer = inside_region;
    inside_region = true;
    for (int64_t task; (task = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;) {
      try {
        fn_(context_, task);
      } catch (...) {
        if (!failed_.exchange(true)) error_ = std::current_exception();
        next_.store(tasks_, std::memory_order_relaxed);
      }
    }
    inside_region = outer;
  }

  void rethrow() {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const int64_t tasks_;
  const TaskFn fn_;
  void* const context_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

// Held by the one caller that uses the executor's threads.
inline std::atomic_flag executor_taken;

}  // namespace tfjs::detail

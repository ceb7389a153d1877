// The one way to run work on several threads. All work of the process shares one executor (pool.cc, or
// openmp.cc where the build asks for it): whoever comes while it is taken runs its tasks on its own thread.
//
// Tasks are handed out as threads get free, so results may depend on how work is cut into tasks but never on
// which thread runs one: cut sums by the shape alone and equal bits at any thread count follow.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>

namespace tfjs {

// How many threads parallel work uses, the caller's own counted.
int thread_count();
void set_thread_count(int threads);
// "pool" or "openmp".
const char* executor_name();

namespace detail {
using TaskFn = void (*)(void* context, int64_t task);
// Calls fn(context, 0 … tasks-1), each once, on this thread and others; returns when all are done. Nested
// calls run on the calling thread. An exception of a task is thrown again here.
void run_tasks(int64_t tasks, TaskFn fn, void* context);
// Below about this many nanoseconds of work, waking another thread costs more than it saves.
constexpr double kWorthATask = 4000;
}  // namespace detail

// fn(task) for each task in [0, tasks).
template <class F>
[[gnu::always_inline]] inline void parallel_tasks(int64_t tasks, F&& fn) {
  auto call = [](void* context, int64_t task) { (*static_cast<std::remove_reference_t<F>*>(context))(task); };
  detail::run_tasks(tasks, call, const_cast<void*>(static_cast<const void*>(std::addressof(fn))));
}

// fn(begin, end) over parts of [0, count), cut so that each is worth a task. `nanoseconds` is what one item
// costs on one core. Parts depend on the thread count: only for items that do not add into each other.
template <class F>
[[gnu::always_inline]] inline void parallel_for(int64_t count, double nanoseconds, F&& fn) {
  const double total = static_cast<double>(count) * nanoseconds;
  // Four tasks a thread even out cores of unequal speed.
  const int64_t wanted = static_cast<int64_t>(std::min(total / detail::kWorthATask, 4.0 * thread_count()));
  if (wanted < 2 || thread_count() == 1) {
    if (count > 0) fn(int64_t{0}, count);
    return;
  }
  const int64_t tasks = std::min(wanted, count);
  parallel_tasks(tasks, [&](int64_t task) { fn(count * task / tasks, count * (task + 1) / tasks); });
}

}  // namespace tfjs

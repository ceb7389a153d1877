// The executor on OpenMP's team, for builds that ask for it (-DTFJS_NATIVE_OPENMP=ON).
#include <omp.h>

#include "parallel/region.h"

namespace tfjs {
namespace detail {
void run_tasks(int64_t tasks, TaskFn fn, void* context) {
  Region region(tasks, fn, context);
  const int workers = static_cast<int>(std::min<int64_t>(thread_count(), tasks));
  if (workers < 2 || inside_region || executor_taken.test_and_set(std::memory_order_acquire)) {
    region.work();
  } else {
#pragma omp parallel num_threads(workers)
    {
      FlushDenormals flush;
      region.work();
    }
    executor_taken.clear(std::memory_order_release);
  }
  region.rethrow();
}

}  // namespace detail

const char* executor_name() { return "openmp"; }

}  // namespace tfjs

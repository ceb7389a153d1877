// What the CPU has, and how much of it this process may use.
#pragma once
#include "core/dispatch.h"

namespace tfjs {

// By CPUID and XGETBV (the compilers' own builtins always answer no under some toolchains).
bool cpu_has(Isa isa);
// Physical cores within this process' affinity mask and cgroup quota, at least 1.
int usable_cores();
// The CPU that this thread is on; negative where the system does not say.
int current_cpu();
// The system's number of this thread; 0 where it has none.
int thread_id();
// Takes a CPU out of a thread's affinity mask, unless it is the only one. Returns whether it did.
bool exclude_cpu(int thread, int cpu);
// Puts a CPU back into this thread's affinity mask.
void include_cpu(int cpu);

}  // namespace tfjs

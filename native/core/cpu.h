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
// Moves this thread to another CPU of its affinity mask, if there is one; the mask stays what it was.
void leave_cpu(int cpu);

}  // namespace tfjs

// What the CPU has, and how much of it this process may use.
#pragma once
#include "core/dispatch.h"

namespace tfjs {

// By CPUID and XGETBV (the compilers' own builtins always answer no under some toolchains).
bool cpu_has(Isa isa);
// Physical cores within this process' affinity mask and cgroup quota, at least 1.
int usable_cores();

}  // namespace tfjs

// The tables of kernels, one per instruction set, and the choice among them.
#pragma once
#include "core/tensor.h"

namespace tfjs {

enum class Op : int32_t {
#define OP(name, Params) name,
#include "ops.def"
#undef OP
  Count
};

constexpr int kOpCount = static_cast<int>(Op::Count);

struct OpSpec {
  const char* name;
  const char* params;  // each name followed by a comma
};
extern const OpSpec kOps[kOpCount];

enum class Isa : int32_t { Baseline, Avx2, Avx512, Count };
constexpr int kIsaCount = static_cast<int>(Isa::Count);

const char* isa_name(Isa isa);
// Whether both this build and this CPU have it.
bool isa_available(Isa isa);
Isa current_isa();
// Must be available. Affects the whole process; call it while nothing runs.
void set_isa(Isa isa);

// Runs an op with the current instruction set, denormals flushed to zero meanwhile.
// Throws std::bad_alloc when its scratch memory cannot be had.
Status run_op(Op op, const Args& args);

}  // namespace tfjs

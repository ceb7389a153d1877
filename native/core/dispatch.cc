#include "core/dispatch.h"

#include <atomic>

#include "core/cpu.h"
#include "core/denormals.h"

#if defined(__x86_64__) || defined(_M_X64)
#define TFJS_X64 1
#endif

namespace tfjs {

#define OP(name, Params) Status name(const Args&);
namespace baseline {
#include "ops.def"
}
#ifdef TFJS_X64
namespace avx2 {
#include "ops.def"
}
namespace avx512 {
#include "ops.def"
}
#endif
#undef OP

namespace {

#define OP(name, Params) TFJS_NAMESPACE::name,
#define TFJS_NAMESPACE baseline
constexpr Kernel kBaseline[kOpCount] = {
#include "ops.def"
};
#undef TFJS_NAMESPACE
#ifdef TFJS_X64
#define TFJS_NAMESPACE avx2
constexpr Kernel kAvx2[kOpCount] = {
#include "ops.def"
};
#undef TFJS_NAMESPACE
#define TFJS_NAMESPACE avx512
constexpr Kernel kAvx512[kOpCount] = {
#include "ops.def"
};
#undef TFJS_NAMESPACE
constexpr const Kernel* kTables[kIsaCount] = {kBaseline, kAvx2, kAvx512};
#else
constexpr const Kernel* kTables[kIsaCount] = {kBaseline, nullptr, nullptr};
#endif
#undef OP

Isa best_isa() {
  Isa best = Isa::Baseline;
  for (Isa isa : {Isa::Avx2, Isa::Avx512}) {
    if (isa_available(isa)) best = isa;
  }
  return best;
}

std::atomic<Isa>& current() {
  static std::atomic<Isa> isa{best_isa()};
  return isa;
}

}  // namespace

const char* isa_name(Isa isa) {
  constexpr const char* kNames[kIsaCount] = {"baseline", "avx2", "avx512"};
  return kNames[static_cast<int>(isa)];
}

bool isa_available(Isa isa) { return kTables[static_cast<int>(isa)] != nullptr && cpu_has(isa); }

Isa current_isa() { return current().load(std::memory_order_relaxed); }

void set_isa(Isa isa) { current().store(isa, std::memory_order_relaxed); }

Status run_op(Op op, const Args& args) {
  FlushDenormals flush;
  return kTables[static_cast<int>(current_isa())][static_cast<int>(op)](args);
}

}  // namespace tfjs

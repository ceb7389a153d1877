#include "core/dispatch.h"
#include "core/params.h"

namespace tfjs {

const OpSpec kOps[kOpCount] = {
#define OP(name, Params) {#name, Params::kNames},
#include "ops.def"
#undef OP
};

}  // namespace tfjs

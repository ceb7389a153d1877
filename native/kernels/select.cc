// Choice between two tensors by a third, all of one shape.
#include "kernels/map.h"

namespace tfjs::TFJS_ISA {
namespace {

template <class T>
TFJS_INLINE Status choose(const Args& args) {
  // Only copied, so the bits are enough.
  typedef T Bits __attribute__((may_alias));
  const uint8_t* condition = args.inputs[0].u8();
  const Bits* yes = args.inputs[1].as<Bits>();
  const Bits* no = args.inputs[2].as<Bits>();
  Bits* y = args.outputs[0].as<Bits>();
  parallel_for(args.outputs[0].size(), kCheap, [&](int64_t begin, int64_t end) TFJS_ONCE {
#pragma GCC ivdep
    for (int64_t i = begin; i < end; i++) y[i] = condition[i] == 1 ? yes[i] : no[i];
  });
  return Status::Ok;
}

}  // namespace

Status Select(const Args& args) {
  return args.outputs[0].dtype == DType::Bool ? choose<uint8_t>(args) : choose<uint32_t>(args);
}

}  // namespace tfjs::TFJS_ISA

// Comparisons and logic on two tensors, broadcast; the result is bool. Subnormal numbers count as zero.
#include "kernels/broadcast.h"

namespace tfjs::TFJS_ISA {
namespace {

template <class F>
TFJS_INLINE Status compare(const Args& args, F f) {
  switch (args.inputs[0].dtype) {
    case DType::Float32:
      return broadcast_each<float, uint8_t>(args, kCheap, f);
    case DType::Int32:
      return broadcast_each<int32_t, uint8_t>(args, kCheap, f);
    case DType::Bool:
      return broadcast_each<uint8_t, uint8_t>(args, kCheap, f);
  }
  return Status::Unsupported;
}

}  // namespace

#define TFJS_COMPARISON(Name, expression)                                       \
  Status Name(const Args& args) {                                               \
    return compare(args, [](auto a, auto b) -> uint8_t { return expression; }); \
  }
#define TFJS_LOGICAL(Name, expression)                                                                   \
  Status Name(const Args& args) {                                                                        \
    return broadcast_each<uint8_t, uint8_t>(args, kCheap,                                                \
                                            [](uint8_t a, uint8_t b) -> uint8_t { return expression; }); \
  }

TFJS_COMPARISON(Equal, a == b)
TFJS_COMPARISON(NotEqual, a != b)
TFJS_COMPARISON(Greater, a > b)
TFJS_COMPARISON(GreaterEqual, a >= b)
TFJS_COMPARISON(Less, a < b)
TFJS_COMPARISON(LessEqual, a <= b)

// JavaScript's && and ||, which give one of the operands.
TFJS_LOGICAL(LogicalAnd, a ? b : a)
TFJS_LOGICAL(LogicalOr, a ? a : b)

}  // namespace tfjs::TFJS_ISA

// Unary ops on every element.
#include "core/params.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

template <class F>
TFJS_INLINE Status unary(const Args& args, F f) {
  const float* x = args.inputs[0].f32();
  float* y = args.outputs[0].f32();
  parallel_for(args.outputs[0].size(), 0.2, [&](int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) store(y + i, f(load(x + i)));
    if (i < end) store_first(y + i, f(load_first(x + i, end - i)), end - i);
  });
  return Status::Ok;
}

}  // namespace

Status Relu(const Args& args) {
  return unary(args, [](vf32 x) { return max(x, zero()); });
}

Status Square(const Args& args) {
  return unary(args, [](vf32 x) { return x * x; });
}

}  // namespace tfjs::TFJS_ISA

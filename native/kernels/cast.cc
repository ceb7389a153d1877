// Conversion between dtypes, as storing into the typed array of the new dtype does it; to bool: whether it
// differs from zero.
#include "kernels/map.h"
#include "simd/whole.h"

namespace tfjs::TFJS_ISA {
namespace {

TFJS_INLINE vi32 to_int32(vf32 x) {
  const vi32 in_range = abs(x) < 2147483648.0f;
  if (any(~in_range)) {
    float from[kLanes];
    int32_t to[kLanes];
    store(from, x);
    for (int i = 0; i < kLanes; i++) to[i] = wrap_to_int32(static_cast<double>(from[i]));
    return load(to);
  }
  return to_int(x);
}

}  // namespace

Status Cast(const Args& args) {
  const DType from = args.inputs[0].dtype, to = args.outputs[0].dtype;
  if (from == DType::Float32 && to == DType::Int32)
    return map_vectors<float, int32_t>(args, kCheap, to_int32);
  if (from == DType::Int32 && to == DType::Float32) {
    return map_vectors<int32_t, float>(args, kCheap, [](vi32 x) { return to_float(x); });
  }
  if (from == DType::Float32 && to == DType::Bool) {
    return map_each<FloatBits, uint8_t>(args, kCheap,
                                        [](FloatBits x) -> uint8_t { return (x & kMagnitudeBits) != 0; });
  }
  if (from == DType::Int32 && to == DType::Bool) {
    return map_each<int32_t, uint8_t>(args, kCheap, [](int32_t x) -> uint8_t { return x != 0; });
  }
  if (from == DType::Bool && to == DType::Int32) {
    return map_each<uint8_t, int32_t>(args, kCheap, [](uint8_t x) -> int32_t { return x; });
  }
  if (from == DType::Bool && to == DType::Float32) {
    return map_each<uint8_t, float>(args, kCheap, [](uint8_t x) -> float { return x; });
  }
  return Status::Unsupported;
}

}  // namespace tfjs::TFJS_ISA

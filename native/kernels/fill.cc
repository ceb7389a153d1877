// Tensors of one value.
#include <cstring>

#include "kernels/map.h"

namespace tfjs::TFJS_ISA {
namespace {

// `pattern` holds the bits of a value of y's dtype.
TFJS_INLINE Status fill(const Tensor& y, int32_t pattern) {
  if (y.dtype == DType::Bool) {
    parallel_for(y.size(), kCheap / 4, [&](int64_t begin, int64_t end) {
      std::memset(y.u8() + begin, pattern, static_cast<size_t>(end - begin));
    });
  } else {
    const vi32 value = splat(pattern);
    int32_t* to = y.i32();
    parallel_for(y.size(), kCheap, [&](int64_t begin, int64_t end) {
      int64_t i = begin;
      for (; i + kLanes <= end; i += kLanes) store(to + i, value);
      if (i < end) store_first(to + i, value, end - i);
    });
  }
  return Status::Ok;
}

}  // namespace

Status Fill(const Args& args) {
  return fill(args.outputs[0], static_cast<int32_t>(FillParams::decode(args.params).pattern));
}

Status ZerosLike(const Args& args) { return fill(args.outputs[0], 0); }

Status OnesLike(const Args& args) {
  const Tensor& y = args.outputs[0];
  return fill(y, y.dtype == DType::Float32 ? int32_t{0x3f800000} : 1);
}

}  // namespace tfjs::TFJS_ISA

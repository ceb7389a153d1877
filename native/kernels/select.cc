// Choice between two tensors by a third, all of one shape.
#include "kernels/map.h"

namespace tfjs::TFJS_ISA {
namespace {

template <class T>
TFJS_INLINE void choose_loop(const uint8_t* condition, const T* yes, const T* no, T* y, int64_t n) {
  TFJS_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    // Both are read, so that no branch depends on the condition.
    const T if_yes = yes[i], if_no = no[i];
    y[i] = condition[i] == 1 ? if_yes : if_no;
  }
}

template <class T>
TFJS_INLINE Status choose(const Args& args) {
  const uint8_t* condition = args.inputs[0].u8();
  const T *yes = args.inputs[1].as<T>(), *no = args.inputs[2].as<T>();
  T* y = args.outputs[0].as<T>();
  parallel_for(args.outputs[0].size(), kCheap, [=](int64_t begin, int64_t end) TFJS_ONCE {
    choose_loop(condition + begin, yes + begin, no + begin, y + begin, end - begin);
  });
  return Status::Ok;
}

}  // namespace

Status Select(const Args& args) {
  return args.outputs[0].dtype == DType::Bool ? choose<uint8_t>(args) : choose<FloatBits>(args);
}

}  // namespace tfjs::TFJS_ISA

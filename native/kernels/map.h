// Loops over all elements of one tensor, for the ops that treat each alone.
#pragma once
#include "core/params.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

// On the body of a parallel_for, which would otherwise be inlined twice: for one thread and for several.
#define TFJS_ONCE __attribute__((noinline))

// Before a loop: no iteration depends on another, whatever pointers may alias.
#if defined(__clang__)
#define TFJS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define TFJS_INDEPENDENT _Pragma("GCC ivdep")
#endif

// Costs of one element, in nanoseconds on one core, for parallel_for.
constexpr double kCheap = 0.2;
constexpr double kPolynomial = 0.8;
constexpr double kLibm = 20;

// A float to be told apart by its bits: comparisons of floats do not see subnormals when these are flushed.
typedef uint32_t FloatBits __attribute__((may_alias));
constexpr uint32_t kMagnitudeBits = 0x7fffffff;

// Several lambdas as one callable: the dtypes that an op has code for.
template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

// The loops take their pointers by value: stores may alias what a closure refers to.

template <class In, class Out, class F>
TFJS_INLINE void vector_loop(const In* x, Out* y, int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, f(load(x + i)));
  if (i < n) store_first(y + i, f(load_first(x + i, n - i)), n - i);
}

template <class In, class Out, class F>
TFJS_INLINE void scalar_loop(const In* x, Out* y, int64_t n, F f) {
  TFJS_INDEPENDENT
  for (int64_t i = 0; i < n; i++) y[i] = f(x[i]);
}

// y = f(x) by vectors; In and Out have four bytes.
template <class In, class Out, class F>
TFJS_INLINE Status map_vectors(const Args& args, double nanoseconds, F f) {
  const In* x = args.inputs[0].as<In>();
  Out* y = args.outputs[0].as<Out>();
  parallel_for(args.outputs[0].size(), nanoseconds, [=](int64_t begin, int64_t end) TFJS_ONCE {
    vector_loop(x + begin, y + begin, end - begin, f);
  });
  return Status::Ok;
}

// y = f(x) element by element, which the compiler turns into vectors of its own: for dtypes of unequal width.
template <class In, class Out, class F>
TFJS_INLINE Status map_each(const Args& args, double nanoseconds, F f) {
  const In* x = args.inputs[0].as<In>();
  Out* y = args.outputs[0].as<Out>();
  parallel_for(args.outputs[0].size(), nanoseconds, [=](int64_t begin, int64_t end) TFJS_ONCE {
    scalar_loop(x + begin, y + begin, end - begin, f);
  });
  return Status::Ok;
}

}  // namespace
}  // namespace tfjs::TFJS_ISA

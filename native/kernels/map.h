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

// Costs of one element, in nanoseconds on one core, for parallel_for.
constexpr double kCheap = 0.2;
constexpr double kPolynomial = 0.8;
constexpr double kLibm = 20;

// Several lambdas as one callable: the dtypes that an op has code for.
template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

// y = f(x) by vectors; In and Out have four bytes.
template <class In, class Out, class F>
TFJS_INLINE Status map_vectors(const Args& args, double nanoseconds, F f) {
  const In* x = args.inputs[0].as<In>();
  Out* y = args.outputs[0].as<Out>();
  parallel_for(args.outputs[0].size(), nanoseconds, [&](int64_t begin, int64_t end) TFJS_ONCE {
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) store(y + i, f(load(x + i)));
    if (i < end) store_first(y + i, f(load_first(x + i, end - i)), end - i);
  });
  return Status::Ok;
}

// y = f(x) element by element, which the compiler turns into vectors of its own: for dtypes of unequal width.
template <class In, class Out, class F>
TFJS_INLINE Status map_each(const Args& args, double nanoseconds, F f) {
  const In* x = args.inputs[0].as<In>();
  Out* y = args.outputs[0].as<Out>();
  parallel_for(args.outputs[0].size(), nanoseconds, [&](int64_t begin, int64_t end) TFJS_ONCE {
#pragma GCC ivdep
    for (int64_t i = begin; i < end; i++) y[i] = f(x[i]);
  });
  return Status::Ok;
}

}  // namespace
}  // namespace tfjs::TFJS_ISA

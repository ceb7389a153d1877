// Arithmetic that gives the same bits on every instruction set: a product is rounded before anything is added
// to it, where the compiler would fuse the two if there is an instruction for that.
#pragma once
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {

#if defined(__x86_64__) || defined(_M_X64)
#define TFJS_OPAQUE(value) asm("" : "+v"(value))
#elif defined(__aarch64__)
#define TFJS_OPAQUE(value) asm("" : "+w"(value))
#endif

// The value of an expression as it is: what it was made from is hidden from the compiler.
TFJS_INLINE double rounded(double value) {
  TFJS_OPAQUE(value);
  return value;
}
TFJS_INLINE vf32 rounded(vf32 value) {
  TFJS_OPAQUE(value);
  return value;
}
TFJS_INLINE vf32 multiply_add(vf32 a, vf32 b, vf32 c) { return rounded(a * b) + c; }

}  // namespace tfjs::TFJS_ISA

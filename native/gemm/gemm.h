// Matrix products of float32 matrices of any shape.
#pragma once
#include "gemm/micro_kernel.h"

namespace tfjs::TFJS_ISA {

// c = epilogue(op(a) op(b)), where op(a) is m by k and op(b) is k by n. All are row-major with rows that
// far apart; a transposed operand is stored as k by m, or n by k.
struct Gemm {
  int64_t m, n, k;
  const float* a;
  int64_t lda;
  bool transpose_a;
  const float* b;
  int64_t ldb;
  bool transpose_b;
  float* c;
  int64_t ldc;
  Epilogue epilogue;  // `accumulate` is not taken
};

// Splits the result over the threads, never a sum: every element has the same bits at any thread count.
void gemm(const Gemm& g);

// About how long it takes on one core.
TFJS_INLINE double gemm_nanoseconds(double m, double n, double k) {
  return 100 + 2 * m * n * k / (8.0 * kLanes);
}

}  // namespace tfjs::TFJS_ISA

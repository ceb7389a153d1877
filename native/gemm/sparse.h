// Products of a left-hand side that has many zeros, such as the pixels of a drawing: these are passed over.
#pragma once
#include <cstdint>

#include "simd/simd.h"

namespace tfjs::TFJS_ISA {

// c = a b; a is m by k, b is k by n, all with rows that far apart; n >= kLanes. A zero of a
// times an infinity or NaN of b counts as zero. On the calling thread.
struct SparseProduct {
  int64_t m, n, k;
  const float* a;
  int64_t lda;
  const float* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
};

void multiply_sparse(const SparseProduct& p);

}  // namespace tfjs::TFJS_ISA

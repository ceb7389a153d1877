// Products with a thin side: a row or a column of the result, or a few of them, which are bound by reading
// the large operand and gain nothing from packing it.
#pragma once
#include "gemm/gemm.h"

namespace tfjs::TFJS_ISA {

// False if the product has no thin side that is done better here.
bool thin_gemm(const Gemm& g);

}  // namespace tfjs::TFJS_ISA

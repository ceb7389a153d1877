#include "pairs.h"

namespace tfjs::test {

#define TFJS_COMPARISON_CASES(Name)                                \
  TFJS_CASES(Name) {                                               \
    pair_cases(suite, DType::Float32, DType::Bool, Fill::Special); \
    pair_cases(suite, DType::Int32, DType::Bool, Fill::Whole);     \
    pair_cases(suite, DType::Bool, DType::Bool, Fill::Whole);      \
  }

TFJS_COMPARISON_CASES(Equal)
TFJS_COMPARISON_CASES(NotEqual)
TFJS_COMPARISON_CASES(Greater)
TFJS_COMPARISON_CASES(GreaterEqual)
TFJS_COMPARISON_CASES(Less)
TFJS_COMPARISON_CASES(LessEqual)

TFJS_CASES(LogicalAnd) { pair_cases(suite, DType::Bool, DType::Bool, Fill::Whole); }
TFJS_CASES(LogicalOr) { pair_cases(suite, DType::Bool, DType::Bool, Fill::Whole); }

}  // namespace tfjs::test

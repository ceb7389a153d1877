// The same ops, naive, in double: what tests compare the kernels with. Kept plain enough to be checked by
// eye.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/dispatch.h"
#include "core/params.h"

namespace tfjs::reference {

struct Tensor {
  DType dtype = DType::Float32;
  std::vector<int64_t> dims;
  std::vector<double> value;

  // For outputs: |computed - value| <= gamma(rounding_steps) * magnitude, where magnitude is the sum of the
  // absolute values of all terms that were added up (Higham, Accuracy and Stability of Numerical Algorithms,
  // 2nd ed., section 3.1). Left empty: |value|. Ignored for whole-number dtypes, which must be exact.
  std::vector<double> magnitude;
  double rounding_steps = 0;

  int64_t size() const {
    int64_t n = 1;
    for (int64_t d : dims) n *= d;
    return n;
  }
  // Sizes value and magnitude by dims, filled with zero.
  void clear() {
    value.assign(static_cast<size_t>(size()), 0.0);
    magnitude.assign(static_cast<size_t>(size()), 0.0);
  }
};

// Outputs come with dtype and dims set and fill in the rest.
using Function = void (*)(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                          const double* params);

#define OP(name, Params) \
  void name(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params);
#include "ops.def"
#undef OP

}  // namespace tfjs::reference

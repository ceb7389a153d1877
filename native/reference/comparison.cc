#include "reference/broadcast.h"

namespace tfjs::reference {

#define TFJS_TWIN(Name, expression)                                                                    \
  void Name(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {          \
    for_each_pair(inputs, outputs[0], [](double a, double b, double& y, double&) { y = expression; }); \
  }

TFJS_TWIN(Equal, a == b)
TFJS_TWIN(NotEqual, a != b)
TFJS_TWIN(Greater, a > b)
TFJS_TWIN(GreaterEqual, a >= b)
TFJS_TWIN(Less, a < b)
TFJS_TWIN(LessEqual, a <= b)
TFJS_TWIN(LogicalAnd, a != 0 ? b : a)
TFJS_TWIN(LogicalOr, a != 0 ? a : b)

}  // namespace tfjs::reference

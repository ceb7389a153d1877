// What a step changes, as it was before.
#pragma once
#include <vector>

#include "plan/plan.h"

namespace tfjs::plan {

class Snapshot {
 public:
  Snapshot() = default;
  // Copies the weights that steps change and the optimizer's slots. Throws std::bad_alloc.
  Snapshot(const Plan& plan, const Run& r);
  void restore() const;
  // Whether the weights are finite as they are now.
  bool weights_finite() const;

 private:
  struct Part {
    float* at;
    std::vector<float> values;
    bool weights;
  };
  std::vector<Part> parts_;
};

}  // namespace tfjs::plan

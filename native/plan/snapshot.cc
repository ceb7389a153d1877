#include "plan/snapshot.h"

#include <algorithm>
#include <cmath>

namespace tfjs::plan {

Snapshot::Snapshot(const Plan& plan, const Run& r) {
  const auto keep = [&](int64_t offset, int64_t length, bool weights) {
    float* at = reinterpret_cast<float*>(r.arena + offset);
    parts_.push_back({at, std::vector<float>(at, at + length), weights});
  };
  for (const Parameter& p : plan.parameters) {
    if (!p.trained()) continue;
    keep(plan.weights_offset + p.offset * 4, p.length, true);
    for (int64_t slot : r.optimizer.slots) keep(slot + p.offset * 4, p.length, false);
  }
  // Moving averages.
  for (const Segment& segment : plan.segments) {
    if (!segment.closing) continue;
    for (const Call& call : segment.calls) {
      for (int output : call.outputs) {
        if (output < 0) continue;
        const Value& v = plan.values[static_cast<size_t>(output)];
        // A state of a layer has all samples' rows.
        int64_t length = v.rows > 0 ? r.batch : 1;
        for (int i = 0; i < v.rank; i++) length *= v.dims[i];
        keep(v.offset, length, true);
      }
    }
  }
}

void Snapshot::restore() const {
  for (const Part& part : parts_) std::copy(part.values.begin(), part.values.end(), part.at);
}

bool Snapshot::weights_finite() const {
  return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return !part.weights ||
           std::all_of(part.at, part.at + part.values.size(), [](float w) { return std::isfinite(w); });
  });
}

}  // namespace tfjs::plan

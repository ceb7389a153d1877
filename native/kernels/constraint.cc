// Constraints on weights, applied after an optimizer's step.
#include "core/params.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {

Status ConstrainNorm(const Args& args) {
  const auto p = ConstrainNormParams::decode(args.params);
  const Tensor& x = args.inputs[0];
  if (x.rank != 3 || x.size() != args.outputs[0].size()) return Status::InvalidArgument;
  const int64_t outer = x.dims[0], length = x.dims[1], inner = x.dims[2];
  const float* from = x.f32();
  float* to = args.outputs[0].f32();
  // A task has the vectors of some columns.
  const int64_t vectors = (inner + kLanes - 1) / kLanes;
  parallel_for(outer * vectors, 2 * static_cast<double>(length), [=](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t column = task % vectors * kLanes, at = task / vectors * length * inner + column;
      const int64_t n = inner - column < kLanes ? inner - column : kLanes;
      const auto get = [=](int64_t i) {
        return n == kLanes ? load(from + at + i * inner) : load_first(from + at + i * inner, n);
      };
      vf32 square = zero();
      for (int64_t i = 0; i < length; i++) square += get(i) * get(i);
      const vf32 norm = sqrt(square);
      const vf32 within = min(max(norm, splat(p.minValue)), splat(p.maxValue));
      const vf32 wanted = p.rate * within + (1 - p.rate) * norm;
      const vf32 scale = wanted / (norm + p.epsilon);
      for (int64_t i = 0; i < length; i++) {
        if (n == kLanes) {
          store(to + at + i * inner, get(i) * scale);
        } else {
          store_first(to + at + i * inner, get(i) * scale, n);
        }
      }
    }
  });
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

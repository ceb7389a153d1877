#include <algorithm>
#include <cmath>

#include "core/params.h"
#include "core/scratch.h"
#include "parallel/parallel.h"
#include "plan/plan.h"

namespace tfjs::plan {
namespace {

// Floats of a task: few enough for the gradients of all slices to stay in the first-level cache.
constexpr int64_t kChunk = 2048;

Tensor vector_of(char* data, int64_t length) { return {data, DType::Float32, 1, {length}}; }

// The regularizer's part of the loss; its gradient is added to `gradient`, unless that is null.
double regularize(const Parameter& p, const float* weights, float* gradient, int64_t n) {
  if (p.l1 == 0 && p.l2 == 0) return 0;
  double loss = 0;
  for (int64_t i = 0; i < n; i++) {
    const float w = weights[i];
    loss += static_cast<double>(p.l1) * std::abs(w) + static_cast<double>(p.l2) * w * w;
    if (gradient != nullptr) gradient[i] += p.l1 * static_cast<float>((w > 0) - (w < 0)) + 2 * p.l2 * w;
  }
  return loss;
}

}  // namespace

double update(const Plan& plan, const Run& r, int64_t slices) {
  const Optimizer& optimizer = r.optimizer;
  Scratch scratch;
  const int64_t count = static_cast<int64_t>(plan.parameters.size());
  int64_t* first = scratch.get<int64_t>(count + 1);  // task of each parameter
  first[0] = 0;
  for (int64_t i = 0; i < count; i++) {
    first[i + 1] = first[i] + (plan.parameters[static_cast<size_t>(i)].length + kChunk - 1) / kChunk;
  }
  double* losses = scratch.get<double>(first[count]);
  float scalars[8];
  const double done = static_cast<double>(optimizer.iterations + r.steps_done);
  for (size_t i = 0; i < optimizer.scalars.size(); i++) {
    const double base = optimizer.scalars[i];
    scalars[i] = static_cast<float>(base == 0 ? done : std::pow(base, done + 1));
  }

  const auto update_chunk = [&](int64_t task) {
    const int64_t which = std::upper_bound(first, first + count, task) - first - 1;
    const Parameter& p = plan.parameters[static_cast<size_t>(which)];
    const int64_t begin = (task - first[which]) * kChunk, n = std::min(kChunk, p.length - begin);
    const int64_t at = (p.offset + begin) * 4;
    char* weights = r.arena + plan.weights_offset + at;
    if (p.gradient < 0) {
      losses[task] = regularize(p, reinterpret_cast<float*>(weights), nullptr, n);
      return;
    }
    char* gradient = r.arena + p.gradient + begin * 4;
    if (p.place == Place::Slice && slices > 1) {
      Tensor parts[64];
      for (int64_t s = 0; s < slices; s++) parts[s] = vector_of(gradient + s * plan.slice_bytes, n);
      run_op(Op::AddN, {parts, static_cast<int>(slices), parts, 1, nullptr});
    }
    losses[task] = regularize(p, reinterpret_cast<float*>(weights), reinterpret_cast<float*>(gradient), n);
    Tensor tensors[16];
    int inputs = 0;
    tensors[inputs++] = vector_of(weights, n);
    for (int64_t slot : optimizer.slots) tensors[inputs++] = vector_of(r.arena + slot + at, n);
    const int outputs = inputs;
    for (size_t i = 0; i < optimizer.scalars.size(); i++) {
      tensors[inputs++] = {&scalars[i], DType::Float32, 0, {}};
    }
    tensors[inputs++] = vector_of(gradient, n);
    run_op(optimizer.op, {tensors, inputs, tensors, outputs, optimizer.params.data()});
  };
  // A part for each thread, which most often is the same in every step: then it has its part in its cache.
  const int64_t parts = std::min<int64_t>(thread_count(), first[count]);
  parallel_tasks(parts, [&](int64_t part) {
    for (int64_t task = first[count] * part / parts; task < first[count] * (part + 1) / parts; task++) {
      update_chunk(task);
    }
  });

  double loss = 0;
  for (int64_t task = 0; task < first[count]; task++) loss += losses[task];
  return loss;
}

}  // namespace tfjs::plan

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/params.h"
#include "core/scratch.h"
#include "parallel/parallel.h"
#include "plan/plan.h"

namespace tfjs::plan {
namespace {

// Floats of a task, about: few enough for the gradients of all slices to stay in the first-level cache.
constexpr int64_t kChunk = 2048;

// Of a gradient that is a product, whole rows of it: multiples of what the products' tiles have, on all
// instruction sets.
int64_t chunk_of(const Plan& plan, const Parameter& p) {
  const auto product =
      std::find_if(p.gradients.begin(), p.gradients.end(), [](const Gradient& g) { return g.is_product(); });
  if (product == p.gradients.end()) return kChunk;
  const Value& dy = plan.values[static_cast<size_t>(product->dy)];
  const int64_t units = dy.row_elements() / dy.rows, tile = units < 32 ? 96 : 12;
  return (std::max(kChunk / units, int64_t{1}) + tile - 1) / tile * tile * units;
}

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

double sum_of_squares(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

// Brings numbers within [-most, most]; NaN stays.
void clamp(float* x, int64_t n, float most) {
  for (int64_t i = 0; i < n; i++) x[i] = x[i] > most ? most : x[i] < -most ? -most : x[i];
}

// A value [rows, columns] of the whole batch.
Tensor matrix_of(const Plan& plan, const Run& r, int value, int64_t rows) {
  const Value& v = plan.values[static_cast<size_t>(value)];
  const int64_t columns = v.row_elements() / v.rows;
  return {r.arena + v.offset, DType::Float32, 2, {rows * v.rows, columns}};
}

}  // namespace

double update(const Plan& plan, Run& r, int64_t rows, int64_t slices) {
  const Optimizer& optimizer = r.optimizer;
  Scratch scratch;
  const size_t count = plan.parameters.size();
  // The task that each parameter begins with.
  int64_t* first = scratch.get<int64_t>(static_cast<int64_t>(count) + 1);
  first[0] = 0;
  int64_t longest = 0, total = 0;
  for (size_t i = 0; i < count; i++) {
    const Parameter& p = plan.parameters[i];
    const int64_t chunk = chunk_of(plan, p);
    longest = std::max(longest, std::min(chunk, p.length));
    total = std::max(total, p.offset + p.length);
    first[i + 1] = first[i] + (p.length + chunk - 1) / chunk;
  }
  double* losses = scratch.get<double>(first[count]);
  float scalars[8];
  const double done = static_cast<double>(optimizer.iterations + r.steps_done);
  for (size_t i = 0; i < optimizer.scalars.size(); i++) {
    const double base = optimizer.scalars[i];
    scalars[i] = static_cast<float>(base == 0 ? done : std::pow(base, done + 1));
  }
  std::atomic<const char*> failed{nullptr};
  const auto take = [&](Op op, const Args& args) {
    if (run_op(op, args) != Status::Ok) failed.store(kOps[static_cast<int>(op)].name);
  };

  // What a use adds to the gradient of `n` weights from `begin` on; made in `memory` if it is a product.
  const auto part_of = [&](const Gradient& g, int64_t begin, int64_t n, float* memory) {
    if (g.is_product()) {
      const Tensor dy = matrix_of(plan, r, g.dy, rows);
      const int64_t units = dy.dims[1];
      const Tensor inputs[] = {matrix_of(plan, r, g.x, rows), dy};
      Tensor output = {memory, DType::Float32, 2, {n / units, units}};
      const double row = static_cast<double>(begin / units);
      take(Op::MatMulRows, {inputs, 2, &output, 1, &row});
      return memory;
    }
    char* gradient = r.arena + g.offset + begin * 4;
    if (g.place == Place::Slice && slices > 1) {
      Tensor parts[64];
      for (int64_t s = 0; s < slices; s++) parts[s] = vector_of(gradient + s * plan.slice_bytes, n);
      take(Op::AddN, {parts, static_cast<int>(slices), parts, 1, nullptr});
    }
    return reinterpret_cast<float*>(gradient);
  };
  // The whole gradient of these weights. `memory` has room for two parts.
  const auto gradient_of = [&](const Parameter& p, int64_t begin, int64_t n, float* memory) {
    float* sum = part_of(p.gradients[0], begin, n, memory);
    for (size_t i = 1; i < p.gradients.size(); i++) {
      float* part = part_of(p.gradients[i], begin, n, memory + longest);
      const Tensor both[] = {vector_of(reinterpret_cast<char*>(sum), n),
                             vector_of(reinterpret_cast<char*>(part), n)};
      take(Op::AddN, {both, 2, both, 1, nullptr});
    }
    return sum;
  };
  const auto weights_at = [&](const Parameter& p, int64_t begin) {
    return r.arena + plan.weights_offset + (p.offset + begin) * 4;
  };
  const auto step = [&](const Parameter& p, int64_t begin, int64_t n, float* gradient) {
    Tensor tensors[16];
    int inputs = 0;
    tensors[inputs++] = vector_of(weights_at(p, begin), n);
    for (int64_t slot : optimizer.slots)
      tensors[inputs++] = vector_of(r.arena + slot + (p.offset + begin) * 4, n);
    const int outputs = inputs;
    for (size_t i = 0; i < optimizer.scalars.size(); i++) {
      tensors[inputs++] = {&scalars[i], DType::Float32, 0, {}};
    }
    tensors[inputs++] = vector_of(reinterpret_cast<char*>(gradient), n);
    take(optimizer.op, {tensors, inputs, tensors, outputs, optimizer.params.data()});
  };
  // visit(parameter, its number, the task's, begin, n, memory) for parts of all weights, some a thread, the
  // same in every step: then its weights and their slots stay in its cache.
  const auto each_chunk = [&](const auto& visit) {
    const int64_t parts = std::min<int64_t>(thread_count(), first[count]);
    parallel_tasks(parts, [&](int64_t part) {
      const int64_t low = total * part / parts, high = total * (part + 1) / parts;
      Scratch own;
      float* memory = own.get<float>(2 * longest);
      for (size_t i = 0; i < count; i++) {
        const Parameter& p = plan.parameters[i];
        const int64_t chunk = chunk_of(plan, p);
        for (int64_t begin = 0; begin < p.length; begin += chunk) {
          if (p.offset + begin < low || p.offset + begin >= high) continue;
          visit(p, i, first[i] + begin / chunk, begin, std::min(chunk, p.length - begin), memory);
        }
      }
    });
  };
  // The gradient of a chunk, with the regularizer's; null for one that is not trained.
  const auto prepared = [&](const Parameter& p, int64_t task, int64_t begin, int64_t n, float* memory) {
    float* gradient = p.trained() ? gradient_of(p, begin, n, memory) : nullptr;
    losses[task] = regularize(p, reinterpret_cast<float*>(weights_at(p, begin)), gradient, n);
    return gradient;
  };

  if (optimizer.clip == Clip::Norm || optimizer.clip == Clip::GlobalNorm) {
    // All gradients are in memory then, none is a product.
    double* squares = scratch.get<double>(first[count]);
    each_chunk([&](const Parameter& p, size_t, int64_t task, int64_t begin, int64_t n, float* memory) {
      const float* gradient = prepared(p, task, begin, n, memory);
      squares[task] = gradient == nullptr ? 0 : sum_of_squares(gradient, n);
    });
    double* scales = scratch.get<double>(static_cast<int64_t>(count));
    const bool global = optimizer.clip == Clip::GlobalNorm;
    const auto scale_of = [&](int64_t begin, int64_t end) {
      double sum = 0;
      for (int64_t task = begin; task < end; task++) sum += squares[task];
      return optimizer.clip_value / std::max(std::sqrt(sum), optimizer.clip_value);
    };
    for (size_t i = 0; i < count; i++)
      scales[i] = global ? scale_of(0, first[count]) : scale_of(first[i], first[i + 1]);
    each_chunk([&](const Parameter& p, size_t i, int64_t, int64_t begin, int64_t n, float*) {
      if (!p.trained()) return;
      float* gradient = reinterpret_cast<float*>(r.arena + p.gradients[0].offset) + begin;
      for (int64_t k = 0; k < n; k++) gradient[k] *= static_cast<float>(scales[i]);
      step(p, begin, n, gradient);
    });
  } else {
    each_chunk([&](const Parameter& p, size_t, int64_t task, int64_t begin, int64_t n, float* memory) {
      float* gradient = prepared(p, task, begin, n, memory);
      if (gradient == nullptr) return;
      if (optimizer.clip == Clip::Value) clamp(gradient, n, static_cast<float>(optimizer.clip_value));
      step(p, begin, n, gradient);
    });
  }
  r.failed_op = failed.load();

  double loss = 0;
  for (int64_t task = 0; task < first[count]; task++) loss += losses[task];
  return loss;
}

}  // namespace tfjs::plan

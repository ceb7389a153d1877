#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/aligned.h"
#include "core/scratch.h"
#include "parallel/parallel.h"
#include "plan/plan.h"
#include "plan/snapshot.h"

namespace tfjs::plan {
namespace {

// A tensor of this size has left the second-level cache by the time that all of its micro-batches were
// visited.
constexpr int64_t kFarBytes = 1 << 20;

// What the calls of a micro-batch, or of the whole batch, compute with.
struct Rows {
  int64_t row, rows;
  char* scratch;
  int64_t slice;
  // Gradients of micro-batches after a slice's first go here, and are then added to the slice.
  char* more;
  char* own;  // of the thread
};

// What a thread has made of the weights, and for which step.
class ThreadMemory {
 public:
  ~ThreadMemory() { aligned_release(memory_); }
  ThreadMemory() = default;
  ThreadMemory(const ThreadMemory&) = delete;
  ThreadMemory& operator=(const ThreadMemory&) = delete;

  // Returns whether this step's has still to be made.
  bool take(uint64_t step, int64_t bytes) {
    if (step_ == step) return false;
    if (bytes_ < bytes) {
      aligned_release(memory_);
      bytes_ = 0;
      memory_ = nullptr;
      memory_ = static_cast<char*>(aligned_acquire(static_cast<size_t>(bytes)));
      bytes_ = bytes;
    }
    step_ = step;
    return true;
  }
  char* data() const { return memory_; }

 private:
  uint64_t step_ = 0;
  char* memory_ = nullptr;
  int64_t bytes_ = 0;
};

thread_local ThreadMemory thread_memory;
std::atomic<uint64_t> steps_begun{0};

class Step {
 public:
  Step(const Plan& plan, Run& run, const uint32_t* order, int64_t rows)
      : plan_(plan), run_(run), order_(order), rows_(rows), number_(++steps_begun) {}

  // By the size of the batch, which the last step of an epoch may not fill: several micro-batches even out
  // cores of unequal speed, larger ones share the work on filters.
  int64_t micro_rows() const {
    constexpr int64_t kMicroBatches = 8;
    return std::clamp((run_.batch + kMicroBatches - 1) / kMicroBatches, int64_t{1}, plan_.micro_rows);
  }
  int64_t micro_batches() const { return (rows_ + micro_rows() - 1) / micro_rows(); }
  int64_t slices() const { return std::min(plan_.slices, micro_batches()); }

  // The segments before the loss is known, or those after the update.
  void take(bool closing) {
    for (size_t i = 0; i < plan_.segments.size(); i++) {
      const Segment& segment = plan_.segments[i];
      if (segment.closing != closing) continue;
      if (segment.micro) {
        run_micro(segment, i == plan_.gathering);
      } else {
        if (i == plan_.gathering) gather_all();
        for (const Call& call : segment.calls) run_call(call, {0, rows_, nullptr, 0, nullptr, nullptr});
      }
    }
  }

  // Whether the data have large values.
  bool large() const { return large_.load(std::memory_order_relaxed); }

  const char* failed_op() const { return failed_.load(std::memory_order_relaxed); }

  void sum_results(double* to) const {
    std::fill(to, to + plan_.result_count, 0.0);
    for (const Result& result : plan_.results) {
      const Value& value = plan_.values[static_cast<size_t>(result.value)];
      const int64_t per_row = value.row_elements();
      const float* v = reinterpret_cast<const float*>(run_.arena + value.offset);
      const float* w = result.weights < 0
                           ? nullptr
                           : reinterpret_cast<const float*>(
                                 run_.arena + plan_.values[static_cast<size_t>(result.weights)].offset);
      double sum = 0;
      for (int64_t row = 0; row < rows_; row++) {
        double part = 0;
        for (int64_t e = 0; e < per_row; e++) part += static_cast<double>(*v++);
        sum += w == nullptr ? part / static_cast<double>(rows_) : part * static_cast<double>(w[row]);
      }
      to[result.to] += result.scale * sum;
    }
  }

  // Appends the rows of the plan's outputs to those of the steps before.
  void write_outputs() const {
    for (size_t i = 0; i < plan_.outputs.size(); i++) {
      const Value& v = plan_.values[static_cast<size_t>(plan_.outputs[i])];
      const int64_t row = v.row_elements() * v.element_bytes();
      std::memcpy(run_.outputs[i] + run_.steps_done * run_.batch * row, run_.arena + v.offset,
                  static_cast<size_t>(rows_ * row));
    }
  }

 private:
  void run_micro(const Segment& segment, bool first) {
    const int64_t count = micro_batches(), tasks = slices();
    parallel_tasks(tasks, [&](int64_t slice) {
      Scratch memory;
      char* scratch = memory.get<char>(plan_.scratch_bytes);
      char* own = prepare_thread();
      char* more = tasks < count ? memory.get<char>(plan_.slice_bytes) : nullptr;
      const int64_t begin = count * slice / tasks, end = count * (slice + 1) / tasks;
      for (int64_t m = begin; m < end; m++) {
        const int64_t row = m * micro_rows(), rows = std::min(micro_rows(), rows_ - row);
        if (first) gather_rows(row, rows, scratch);
        const Rows part{row, rows, scratch, slice, m > begin ? more : nullptr, own};
        for (const Call& call : segment.calls) run_call(call, part);
      }
    });
  }

  // Makes what this thread needs for the step, unless it has.
  char* prepare_thread() {
    if (plan_.thread_calls.empty()) return nullptr;
    if (thread_memory.take(number_, plan_.thread_bytes)) {
      const Rows none{0, 0, nullptr, 0, nullptr, thread_memory.data()};
      for (const Call& call : plan_.thread_calls) run_call(call, none);
    }
    return thread_memory.data();
  }

  void gather_all() {
    const int64_t rows = micro_rows();
    parallel_tasks(micro_batches(),
                   [&](int64_t m) { gather_rows(m * rows, std::min(rows, rows_ - m * rows), nullptr); });
  }

  void gather_rows(int64_t row, int64_t rows, char* scratch) {
    if (gather(plan_, run_, order_, row, rows, rows_, scratch)) large_.store(true, std::memory_order_relaxed);
  }

  Tensor bind(int index, const Rows& part) const {
    if (index < 0) return {nullptr, DType::Float32, 0, {}};
    const Value& v = plan_.values[static_cast<size_t>(index)];
    Tensor t{nullptr, v.dtype, v.rank, {}};
    std::copy(v.dims, v.dims + v.rank, t.dims);
    if (v.rows > 0) t.dims[v.batch_dim] = v.rows * part.rows;
    switch (v.place) {
      case Place::Scratch:
        t.data = part.scratch + v.offset;
        break;
      case Place::Arena:
        t.data = run_.arena + v.offset + part.row * v.row_elements() * v.element_bytes();
        t.far = part.rows < rows_ && rows_ * v.row_elements() * v.element_bytes() >= kFarBytes;
        break;
      case Place::Thread:
        t.data = part.own + v.offset;
        break;
      case Place::External:
        t.data = run_.externals[static_cast<size_t>(v.offset)];
        break;
      case Place::Slice:
        t.data = part.more != nullptr ? part.more + v.offset - plan_.slice_offset
                                      : run_.arena + v.offset + part.slice * plan_.slice_bytes;
        break;
    }
    return t;
  }

  void run_call(const Call& call, const Rows& part) {
    Tensor tensors[32];
    int n = 0;
    for (int value : call.inputs) tensors[n++] = bind(value, part);
    Tensor* outputs = tensors + n;
    for (int value : call.outputs) tensors[n++] = bind(value, part);
    const double* params = call.params.data();
    double drawn[32];
    if (call.random) {
      std::copy(call.params.begin(), call.params.end(), drawn);
      // Key and counters; the last counter is the call's own.
      drawn[0] = static_cast<double>(run_.seed & 0xffffffff);
      drawn[1] = static_cast<double>(run_.seed >> 32);
      drawn[2] = 0;
      drawn[3] = static_cast<double>(part.row);
      drawn[4] = static_cast<double>((run_.step + static_cast<uint64_t>(run_.steps_done)) & 0xffffffff);
      params = drawn;
    }
    const Status status = run_op(call.op, {tensors, static_cast<int>(call.inputs.size()), outputs,
                                           static_cast<int>(call.outputs.size()), params});
    if (status != Status::Ok) failed_.store(kOps[static_cast<int>(call.op)].name, std::memory_order_relaxed);
    if (part.more != nullptr) add_to_slice(call, outputs, part);
  }

  void add_to_slice(const Call& call, const Tensor* outputs, const Rows& part) {
    for (size_t i = 0; i < call.outputs.size(); i++) {
      if (call.outputs[i] < 0) continue;
      const Value& v = plan_.values[static_cast<size_t>(call.outputs[i])];
      if (v.place != Place::Slice) continue;
      Tensor parts[2] = {outputs[i], outputs[i]};
      parts[0].data = run_.arena + v.offset + part.slice * plan_.slice_bytes;
      run_op(Op::AddN, {parts, 2, parts, 1, nullptr});
    }
  }

  const Plan& plan_;
  Run& run_;
  const uint32_t* const order_;
  const int64_t rows_;
  const uint64_t number_;  // of all steps of the process
  std::atomic<const char*> failed_{nullptr};
  std::atomic<bool> large_{false};
};

}  // namespace

void run(const Plan& plan, Run& r) {
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  while (r.steps_done < r.max_steps) {
    const int64_t begin = r.begin + r.steps_done * r.batch, rows = std::min(r.batch, r.end - begin);
    if (rows <= 0) return;
    Step step(plan, r, r.order + begin, rows);
    step.take(false);
    r.failed_op = step.failed_op();
    if (r.failed_op != nullptr) return;
    double* results = r.results + r.steps_done * plan.result_count;
    step.sum_results(results);
    step.write_outputs();
    const bool trains = !plan.parameters.empty();
    if (trains && !std::isfinite(results[0])) {
      r.not_finite = true;
      return;
    }
    // The centered one takes the root of a difference, which of small gradients is negative.
    const bool careful = trains && (step.large() || std::abs(results[0]) >= static_cast<double>(kLarge) ||
                                    r.optimizer.op == Op::ApplyCenteredRMSProp);
    const Snapshot before = careful ? Snapshot(plan, r) : Snapshot();
    results[0] += update(plan, r, rows, step.slices());
    if (r.failed_op == nullptr) {
      step.take(true);
      r.failed_op = step.failed_op();
    }
    if (r.failed_op != nullptr) {
      before.restore();
      return;
    }
    if (!before.weights_finite()) {
      before.restore();
      r.not_finite = true;
      return;
    }
    r.steps_done++;
    if (r.stop->load(std::memory_order_relaxed)) return;
    if (std::chrono::duration<double>(clock::now() - start).count() >= r.seconds) return;
  }
}

}  // namespace tfjs::plan

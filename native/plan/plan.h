// A training step, or a forward pass alone, lowered by src/compiler to calls of ops, and how it runs. A plan
// knows shapes and where each value lies, not the data: that comes with each run.
#pragma once
#include <atomic>
#include <cstdint>
#include <vector>

#include "core/dispatch.h"

namespace tfjs::plan {

// Where a value lies, `offset` bytes from the start of:
enum class Place : int32_t {
  Scratch,   // memory of the thread that takes a micro-batch, only while it does
  Arena,     // the plan's memory; values of each sample lie one after the other, for the whole batch
  Slice,     // the arena, again in each slice: gradients that micro-batches add up
  Thread,    // memory of each thread, for a whole step
  External,  // memory that a run brings along; the offset is its number
};

struct Value {
  DType dtype;
  Place place;
  int64_t offset;
  // What each sample has of the dimension that the batch is in; 0 for a value that the batch has only once.
  // Any dimensions before that one are 1.
  int64_t rows;
  int batch_dim;
  int rank;
  int64_t dims[kMaxRank];

  int64_t row_elements() const {
    int64_t n = rows;
    for (int i = batch_dim + 1; i < rank; i++) n *= dims[i];
    return n;
  }
  int64_t element_bytes() const { return dtype == DType::Bool ? 1 : 4; }
};

struct Call {
  Op op;
  std::vector<int> inputs, outputs;  // values; -1 for an absent one
  std::vector<double> params;
  bool random;  // its parameters begin with those of Philox, which each step and micro-batch sets anew
};

// Calls that run micro-batch by micro-batch, each on one thread, or each on the whole batch, on all threads.
struct Segment {
  bool micro;
  bool closing;  // waits until the loss has been found finite
  std::vector<Call> calls;
};

// What is gathered for each step from the rows of the data.
struct Input {
  enum class Kind : int32_t { Data, Weights } kind;
  int value;
  double scale;  // of weights, beside one over the samples of the step
};

// A number of each step: `scale` times the sum of a value's elements, each times the weight of its sample, if
// there are weights; otherwise the mean over samples. Added to number `to`; number 0 is the loss.
struct Result {
  int value, weights, to;
  double scale;
};

// What one use of a weight adds to its gradient: memory, or the product x^T dy of two values.
struct Gradient {
  Place place;
  int64_t offset;  // bytes
  int x, dy;       // -1 for memory

  bool is_product() const { return x >= 0; }
};

struct Parameter {
  int64_t offset, length;           // in floats, in the weights and in each slot
  float l1, l2;                     // of its regularizer
  std::vector<Gradient> gradients;  // none for a weight that is not trained

  bool trained() const { return !gradients.empty(); }
};

struct Plan {
  int64_t micro_rows;     // samples in a micro-batch, at most
  int64_t scratch_bytes;  // of a micro-batch
  int64_t slices, slice_bytes, slice_offset;
  int64_t weights_offset;  // bytes, in the arena
  std::vector<Value> values;
  std::vector<Input> inputs;
  // What each thread makes of the weights before its first micro-batch of a step: other threads' would come
  // from their caches.
  int64_t thread_bytes;
  std::vector<Call> thread_calls;
  std::vector<Segment> segments;
  size_t gathering;  // the segment that begins with the gathering of inputs
  std::vector<Result> results;
  int64_t result_count;
  // Those that the step trains or whose regularizers count; none in a forward pass alone.
  std::vector<Parameter> parameters;
  std::vector<int> outputs;  // values whose rows each step writes behind those of the step before
};

// Reads what src/compiler/emit.ts writes.
Plan decode(const double* from);

// Data of which rows are gathered: float32, int32 or bytes. Bytes are divided by `divisor`.
struct Source {
  enum class Type : int32_t { Float32, Int32, Uint8 } type;
  const void* data;  // null: weights that are all 1
  double divisor;
};

// What is done to gradients before the optimizer's step: each number is brought within [-value, value], or
// the Euclidean norm of each weight's gradient, or of all together, to at most value.
enum class Clip : int32_t { None, Value, Norm, GlobalNorm };

struct Optimizer {
  Op op;
  Clip clip;
  double clip_value;
  std::vector<int64_t> slots;  // bytes, in the arena
  std::vector<double> params;
  // Numbers that change with each step: a base to the power of the step's number, from 1 on, or where the
  // base is 0 the steps done before.
  std::vector<double> scalars;
  int64_t iterations;  // steps done before the run
};

struct Run {
  char* arena;
  const uint32_t* order;  // the rows of the data, in the order of training
  int64_t begin, end, batch;
  int64_t max_steps;
  double seconds;               // after which no new step begins
  uint64_t seed, step;          // of random numbers; counts on
  std::vector<Source> sources;  // of the plan's inputs
  Optimizer optimizer;
  double* results;                // [max_steps, result_count]
  const std::atomic<bool>* stop;  // ends it between two steps
  std::vector<char*> externals;   // memory of values whose place that is
  std::vector<char*> outputs;     // where the plan's outputs go

  // Set by run().
  int64_t steps_done = 0;
  const char* failed_op = nullptr;
  bool not_finite = false;  // the loss of the step after steps_done, which changed nothing
};

// Takes steps. Throws std::bad_alloc.
void run(const Plan& plan, Run& r);

// From here on, values of the data or the loss may make gradients overflow that the loss says nothing of:
// those of the weights before a tanh, say.
constexpr float kLarge = 4294967296.0f;

// The rows [row, row + rows) of a step with `total` rows, as inputs of the plan. Returns whether values are
// among them that are large, infinite or NaN.
bool gather(const Plan& plan, const Run& r, const uint32_t* order, int64_t row, int64_t rows, int64_t total,
            char* scratch);
// Adds up the slices of each gradient, or makes the product that it is, and takes the optimizer's step.
// `rows` are those of the step. Sets `failed_op`. Returns the regularizers' loss.
double update(const Plan& plan, Run& r, int64_t rows, int64_t slices);

}  // namespace tfjs::plan

// What the recurrent layers share: whole sequences, step after step, for some samples a thread. Inside,
// values are time-major [steps, batch, …], so that the rows of a step lie together, and so do those of all
// steps for the products over all of them.
#pragma once
#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "gemm/columns.h"
#include "gemm/gemm.h"
#include "gemm/pack.h"
#include "kernels/activation.h"
#include "parallel/parallel.h"

namespace tfjs::TFJS_ISA {

// Vectors of n floats: visit(at, get, put), where get(p) loads p[at …] and put(p, v) stores it.
template <class Visit>
TFJS_INLINE void each_of(int64_t n, Visit visit) {
  int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    visit([&](const float* p) { return load(p + at); }, [&](float* p, vf32 v) { store(p + at, v); });
  }
  if (at < n) {
    visit([&](const float* p) { return load_first(p + at, n - at); },
          [&](float* p, vf32 v) { store_first(p + at, v, n - at); });
  }
}

TFJS_INLINE vf32 hard_sigmoid(vf32 x) { return math::clamp(x * 0.2f + 0.5f, 0, 1); }
TFJS_INLINE vf32 softsign(vf32 x) { return x / (1.0f + abs(x)); }

// p = activation(p), n floats.
TFJS_INLINE void activate(RecurrentActivation activation, float* p, int64_t n) {
  const auto map = [=](auto f) { each_of(n, [=](auto get, auto put) { put(p, f(get(p))); }); };
  switch (activation) {
    case RecurrentActivation::Relu:
      return map([](vf32 x) { return select(x < zero(), zero(), x); });
    case RecurrentActivation::Tanh:
      return map([](vf32 x) { return tanh(x); });
    case RecurrentActivation::Sigmoid:
      return map([](vf32 x) { return sigmoid(x); });
    case RecurrentActivation::HardSigmoid:
      return map([](vf32 x) { return hard_sigmoid(x); });
    case RecurrentActivation::Elu:
      return map([](vf32 x) { return elu(x); });
    case RecurrentActivation::Softsign:
      return map([](vf32 x) { return softsign(x); });
    default:
      return;
  }
}

// d *= the activation's derivative where its result is y, n floats.
TFJS_INLINE void multiply_slope(RecurrentActivation activation, const float* y, float* d, int64_t n) {
  const auto map = [=](auto f) { each_of(n, [=](auto get, auto put) { put(d, f(get(d), get(y))); }); };
  const vf32 one = splat(1.0f);
  switch (activation) {
    case RecurrentActivation::Relu:
      return map([](vf32 g, vf32 v) { return select(v > zero(), g, zero()); });
    case RecurrentActivation::Tanh:
      return map([=](vf32 g, vf32 v) { return g * (one - v * v); });
    case RecurrentActivation::Sigmoid:
      return map([=](vf32 g, vf32 v) { return g * (v * (one - v)); });
    case RecurrentActivation::HardSigmoid:
      return map([=](vf32 g, vf32 v) { return select((v > zero()) & (v < one), g * 0.2f, zero()); });
    case RecurrentActivation::Elu:
      return map([=](vf32 g, vf32 v) { return select(v > zero(), g, g * (v + one)); });
    case RecurrentActivation::Softsign:
      return map([=](vf32 g, vf32 v) { return g * ((one - abs(v)) * (one - abs(v))); });
    default:
      return;
  }
}

// A right-hand side [depth, columns] in panels.
struct Packed {
  int64_t depth, columns;
  const float* panels;
};

// Packs b [depth, columns], or its transpose from [columns, depth].
TFJS_INLINE Packed pack_all(Scratch& scratch, const float* b, int64_t ldb, int64_t depth, int64_t columns,
                            bool transposed) {
  float* panels = scratch.get<float>(panels_size(depth, columns));
  for (int64_t p = 0; p < panel_count(columns); p++) {
    const int64_t column = p * kPanel, some = panel_columns(columns - column);
    if (transposed)
      pack_panel_transposed(b + column * ldb, ldb, depth, some, panels + column * depth);
    else
      pack_panel(b + column, ldb, depth, some, panels + column * depth);
  }
  return {depth, columns, panels};
}

// c += a b, or c = a b, for `rows` rows.
TFJS_INLINE void multiply(const float* a, int64_t lda, const Packed& b, float* c, int64_t ldc, int64_t rows,
                          bool accumulate) {
  Epilogue epilogue;
  epilogue.accumulate = accumulate;
  const int64_t tiles = (rows + kTileRows - 1) / kTileRows;
  // The tiles take turns with a panel, which stays in the first-level cache.
  for (int64_t p = 0; p < panel_count(b.columns); p++) {
    const int64_t column = p * kPanel;
    for (int64_t tile = 0; tile < tiles; tile++) {
      const int64_t first = rows * tile / tiles, count = rows * (tile + 1) / tiles - first;
      const float* a_row[kMaxTileRows];
      float* c_row[kMaxTileRows];
      for (int64_t r = 0; r < count; r++) {
        a_row[r] = a + (first + r) * lda;
        c_row[r] = c + (first + r) * ldc;
      }
      multiply_rows(static_cast<int>(count), {a_row, 1, b.depth, b.panels + column * b.depth, c_row, column,
                                              panel_columns(b.columns - column), &epilogue});
    }
  }
}

// The sizes of a layer.
struct Sequence {
  int64_t batch, steps, depth, units, gates;  // gates: as many times `units` columns

  [[gnu::always_inline]] int64_t columns() const { return gates * units; }
  // Floats of a value of all units, for all samples.
  [[gnu::always_inline]] int64_t state() const { return batch * units; }
};

TFJS_INLINE bool is(const Tensor& t, int64_t size) { return t.size() == size && t.dtype == DType::Float32; }
TFJS_INLINE bool is_optional(const Tensor& t, int64_t size) { return t.data == nullptr || is(t, size); }

// x [batch, steps, depth], kernel [depth, gates * units], recurrentKernel [units, gates * units], bias?,
// mask?
TFJS_INLINE bool read_sequence(const Tensor& x, const Tensor& kernel, const Tensor& recurrent,
                               const Tensor& bias, const Tensor& mask, int64_t gates, Sequence* s) {
  if (x.rank != 3 || kernel.rank != 2 || recurrent.rank != 2 || x.dtype != DType::Float32) return false;
  *s = {x.dims[0], x.dims[1], x.dims[2], recurrent.dims[0], gates};
  return s->steps > 0 && s->units > 0 && is(kernel, s->depth * s->columns()) &&
         is(recurrent, s->units * s->columns()) && is_optional(bias, s->columns()) &&
         is_optional(mask, s->batch * s->steps);
}

// run(begin, end) for parts of the samples, which are independent of each other.
template <class Run>
TFJS_INLINE void each_part(const Sequence& s, double nanoseconds, Run run) {
  // With fewer rows, reading the weights takes longer than the products.
  constexpr int64_t kLeastRows = 4;
  const double wanted = nanoseconds / (4 * detail::kWorthATask);
  int64_t parts =
      wanted < static_cast<double>(thread_count()) ? static_cast<int64_t>(wanted) : thread_count();
  if (parts > s.batch / kLeastRows) parts = s.batch / kLeastRows;
  if (parts < 2) return run(int64_t{0}, s.batch);
  parallel_tasks(parts, [&](int64_t part) { run(s.batch * part / parts, s.batch * (part + 1) / parts); });
}

// About how long the products with the recurrent weights take on one core.
TFJS_INLINE double recurrent_nanoseconds(const Sequence& s) {
  return gemm_nanoseconds(static_cast<double>(s.batch * s.steps), static_cast<double>(s.columns()),
                          static_cast<double>(s.units));
}

// Where step t of a sequence is in the data: the last step comes first if it goes backwards.
TFJS_INLINE int64_t place_of(const Sequence& s, int64_t t, bool backwards) {
  return backwards ? s.steps - 1 - t : t;
}

TFJS_INLINE void copy_floats(float* to, const float* from, int64_t n) {
  each_of(n, [=](auto get, auto put) { put(to, get(from)); });
}
TFJS_INLINE void fill_zero(float* to, int64_t n) {
  each_of(n, [=](auto, auto put) { put(to, zero()); });
}
// A state that may be absent, which is zero.
TFJS_INLINE void copy_state(const Tensor& from, float* to, int64_t n) {
  if (from.data == nullptr)
    fill_zero(to, n);
  else
    copy_floats(to, from.f32(), n);
}

// copy(step's row, sample's row) for each row of `width` floats of [steps, batch, width] and [batch, steps,
// width].
template <class Copy>
TFJS_INLINE void each_row(const Sequence& s, int64_t width, bool backwards, Copy copy) {
  parallel_for(s.batch, 0.1 * static_cast<double>(s.steps * (width + 30)), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      for (int64_t t = 0; t < s.steps; t++)
        copy((t * s.batch + b) * width, (b * s.steps + place_of(s, t, backwards)) * width);
    }
  });
}

TFJS_INLINE float* time_major(Scratch& scratch, const Sequence& s, const float* x, int64_t width,
                              bool backwards) {
  float* to = scratch.get<float>(s.steps * s.batch * width);
  each_row(
      s, width, backwards, [=](int64_t step, int64_t sample) __attribute__((noinline)) {
        copy_floats(to + step, x + sample, width);
      });
  return to;
}

// gates [steps, batch, gates * units] = x kernel + bias
TFJS_INLINE void project(const Sequence& s, const float* x, const Tensor& kernel, const Tensor& bias,
                         float* gates) {
  Gemm g{s.steps * s.batch, s.columns(), s.depth, x,     s.depth,     false,
         kernel.f32(),      s.columns(), false,   gates, s.columns(), {}};
  g.epilogue.bias = bias.f32();
  gemm(g);
}

// Writes the layer's result, of all steps or the last one, and the state after the last one, from h [steps +
// 1, batch, units].
TFJS_INLINE void write_output(const Sequence& s, const float* h, bool sequences, const Tensor& y,
                              const Tensor& last) {
  const float* end = h + s.steps * s.state();
  if (last.data != nullptr) copy_floats(last.f32(), end, s.state());
  if (y.data == nullptr) return;
  if (!sequences) return copy_floats(y.f32(), end, s.state());
  float* to = y.f32();
  each_row(
      s, s.units, false, [ =, &s ](int64_t step, int64_t sample) __attribute__((noinline)) {
        copy_floats(to + sample, h + s.state() + step, s.units);
      });
}

// c [rows, columns] = a^T b over all steps and samples.
TFJS_INLINE void weight_gradient(const Sequence& s, const float* a, int64_t rows, const float* b,
                                 int64_t columns, float* c) {
  gemm({rows, columns, s.steps * s.batch, a, rows, true, b, s.columns(), false, c, s.columns(), {}});
}

// Writes what follows from dgates [steps, batch, gates * units]: the gradients of the data, of the kernel and
// of the bias, those that are not absent.
TFJS_INLINE void project_back(const Sequence& s, const float* x, const Tensor& kernel, const float* dgates,
                              bool backwards, const Tensor& dx, const Tensor& dkernel, const Tensor& dbias) {
  const int64_t rows = s.steps * s.batch, columns = s.columns();
  if (dkernel.data != nullptr) weight_gradient(s, x, s.depth, dgates, columns, dkernel.f32());
  if (dbias.data != nullptr) {
    float* to = dbias.f32();
    constexpr int64_t kBlock = 4 * kLanes;
    const int64_t blocks = (columns + kBlock - 1) / kBlock;
    parallel_for(
        blocks, 0.5 * static_cast<double>(rows * kBlock) / kLanes,
        [=](int64_t begin, int64_t end) __attribute__((noinline)) {
          for (int64_t block = begin; block < end; block++) {
            const int64_t at = block * kBlock, n = smaller(kBlock, columns - at);
            // Sums of 64 rows each, so that rounding does not grow with their number.
            fill_zero(to + at, n);
            for (int64_t first = 0; first < rows; first += 64) {
              float sum[kBlock] = {};
              for (int64_t row = first; row < smaller(first + 64, rows); row++) {
                const float* from = dgates + row * columns + at;
                each_of(n, [&](auto get, auto put) { put(sum, get(sum) + get(from)); });
              }
              each_of(n, [&](auto get, auto put) { put(to + at, get(to + at) + get(sum)); });
            }
          }
        });
  }
  if (dx.data == nullptr) return;
  Scratch scratch;
  float* gradient = scratch.get<float>(rows * s.depth);
  gemm({rows, s.depth, columns, dgates, columns, false, kernel.f32(), columns, true, gradient, s.depth, {}});
  float* to = dx.f32();
  each_row(
      s, s.depth, backwards, [ =, &s ](int64_t step, int64_t sample) __attribute__((noinline)) {
        copy_floats(to + sample, gradient + step, s.depth);
      });
}

// The gradient of a step's result, which is added to dh: of all steps, or of the last one alone.
TFJS_INLINE void add_output_gradient(const Sequence& s, const Tensor& dy, bool sequences, int64_t t,
                                     int64_t b, float* dh) {
  if (dy.data == nullptr || (!sequences && t + 1 < s.steps)) return;
  const float* from = dy.f32() + (sequences ? b * s.steps + t : b) * s.units;
  each_of(s.units, [=](auto get, auto put) { put(dh, get(dh) + get(from)); });
}

// to = h * factors, n floats: what the recurrent product takes instead of the states (recurrentDropout).
TFJS_INLINE void times_factors(const float* h, const float* factors, int64_t n, float* to) {
  each_of(n, [=](auto get, auto put) { put(to, get(h) * get(factors)); });
}

// The states [begin, end) of a step that the recurrent product takes; `to` has room for them if there are
// factors.
TFJS_INLINE const float* taken(const float* h, const float* factors, int64_t begin, int64_t end,
                               int64_t units, float* to) {
  if (factors == nullptr) return h + begin * units;
  times_factors(h + begin * units, factors + begin * units, (end - begin) * units, to);
  return to;
}

// Whether a step of a sample counts. Absent: all do.
TFJS_INLINE bool counts(const Sequence& s, const Tensor& mask, int64_t t, int64_t b, bool backwards) {
  return mask.data == nullptr || mask.f32()[b * s.steps + place_of(s, t, backwards)] != 0.0f;
}

// What a layer computes of some samples and steps: `gates` [steps, batch, gates * units], where project()
// writes; the state h [steps + 1, batch, units]; and what a class of layers has beside that.
struct Workspace {
  float *gates, *h, *c;
};

// The samples [begin, end) of a value [samples, width].
TFJS_INLINE Tensor rows_of(const Tensor& t, int64_t begin, int64_t end, int64_t width) {
  if (t.data == nullptr) return t;
  return {t.f32() + begin * width, DType::Float32, 2, {end - begin, width}};
}

// The forward pass where nothing is kept for a gradient: some samples and some steps at a time, so that their
// gates stay in the second-level cache. Cut by the shape alone, as a product of few rows may add up in
// another order.
template <class Cell>
void forward_in_blocks(const Args& args, const Sequence& s, const Cell& cell, bool sequences,
                       bool backwards) {
  constexpr int64_t kRows = 16, kFloats = 128 * 1024;
  const Tensor &x = args.inputs[0], &mask = args.inputs[4], &y = args.outputs[0];
  const int64_t u = s.units, blocks = (s.batch + kRows - 1) / kRows;
  const auto run_block = [&](int64_t block) {
    const int64_t begin = block * kRows, end = smaller(begin + kRows, s.batch), rows = end - begin;
    Sequence part = s;
    part.batch = rows;
    part.steps = kFloats / (rows * s.columns());
    part.steps = part.steps < 1 ? 1 : smaller(part.steps, s.steps);
    Scratch scratch;
    float *memory = scratch.get<float>(Cell::workspace_size(part)),
          *data = scratch.get<float>(part.steps * rows * s.depth);
    float *h = scratch.get<float>(rows * u), *c = scratch.get<float>(rows * u);
    copy_state(rows_of(args.inputs[6], begin, end, u), h, rows * u);
    if (Cell::kCarries) copy_state(rows_of(args.inputs[7], begin, end, u), c, rows * u);
    for (int64_t first = 0; first < s.steps; first += part.steps) {
      part.steps = smaller(part.steps, s.steps - first);
      const Workspace w = Cell::workspace(memory, part);
      for (int64_t t = 0; t < part.steps; t++) {
        for (int64_t b = 0; b < rows; b++)
          copy_floats(data + (t * rows + b) * s.depth,
                      x.f32() + ((begin + b) * s.steps + place_of(s, first + t, backwards)) * s.depth,
                      s.depth);
      }
      project(part, data, args.inputs[1], args.inputs[3], w.gates);
      copy_floats(w.h, h, rows * u);
      if (Cell::kCarries) copy_floats(w.c, c, rows * u);
      cell.advance(part, w, 0, rows, rows_of(args.inputs[5], begin, end, u).f32(),
                   [&](int64_t t, int64_t b) { return counts(s, mask, first + t, begin + b, backwards); });
      for (int64_t t = 0; t < part.steps && sequences && y.data != nullptr; t++) {
        for (int64_t b = 0; b < rows; b++)
          copy_floats(y.f32() + ((begin + b) * s.steps + first + t) * u, w.h + ((t + 1) * rows + b) * u, u);
      }
      copy_floats(h, w.h + part.steps * rows * u, rows * u);
      if (Cell::kCarries) copy_floats(c, w.c + part.steps * rows * u, rows * u);
    }
    if (!sequences && y.data != nullptr) copy_floats(y.f32() + begin * u, h, rows * u);
    if (args.outputs[2].data != nullptr) copy_floats(args.outputs[2].f32() + begin * u, h, rows * u);
    if (Cell::kCarries && args.outputs[3].data != nullptr)
      copy_floats(args.outputs[3].f32() + begin * u, c, rows * u);
  };
  const double nanoseconds = recurrent_nanoseconds(s) / static_cast<double>(blocks);
  parallel_for(
      blocks, nanoseconds, [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        for (int64_t block = begin; block < end; block++) run_block(block);
      });
}

// A layer's forward op: x, kernel, recurrentKernel, bias?, mask?, factors?, h0?, c0? -> y?,
// workspace?, h?, c?
//
// A Cell has the number of its gates; kCarries, whether c is a state of [steps + 1, batch, units] too; the
// size of its workspace and where its parts are; and advance(s, w, begin, end, counts), which makes the
// samples [begin, end) of h and c from projected gates.
template <class Cell>
Status forward(const Args& args) {
  const auto p = RecurrentParams::decode(args.params);
  const bool sequences = p.returnSequences != 0, backwards = p.goBackwards != 0;
  const Tensor &x = args.inputs[0], &kernel = args.inputs[1], &recurrent = args.inputs[2];
  const Tensor &bias = args.inputs[3], &mask = args.inputs[4], &kept = args.outputs[1];
  Sequence s;
  if (!read_sequence(x, kernel, recurrent, bias, mask, Cell::kGates, &s) ||
      !is_optional(kept, Cell::workspace_size(s)) || !is_optional(args.inputs[5], s.state()) ||
      !is_optional(args.inputs[6], s.state()) || (Cell::kCarries && !is_optional(args.inputs[7], s.state())))
    return Status::InvalidArgument;
  if (s.batch == 0) return Status::Ok;
  Scratch scratch;
  const Cell cell(scratch, s, recurrent.f32(), p);
  if (kept.data == nullptr) {
    forward_in_blocks(args, s, cell, sequences, backwards);
    return Status::Ok;
  }
  const Workspace w = Cell::workspace(kept.f32(), s);
  project(s, time_major(scratch, s, x.f32(), s.depth, backwards), kernel, bias, w.gates);
  copy_state(args.inputs[6], w.h, s.state());
  if (Cell::kCarries) copy_state(args.inputs[7], w.c, s.state());
  each_part(
      s, recurrent_nanoseconds(s), [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        cell.advance(s, w, begin, end, args.inputs[5].f32(),
                     [&](int64_t t, int64_t b) { return counts(s, mask, t, b, backwards); });
      });
  write_output(s, w.h, sequences, args.outputs[0], args.outputs[2]);
  if (Cell::kCarries && args.outputs[3].data != nullptr)
    copy_floats(args.outputs[3].f32(), w.c + s.steps * s.state(), s.state());
  return Status::Ok;
}

// The activations of a cell and of its gates.
struct Activations {
  RecurrentActivation cell, gate;

  [[gnu::always_inline]] explicit Activations(const RecurrentParams& p)
      : cell(static_cast<RecurrentActivation>(p.activation)),
        gate(static_cast<RecurrentActivation>(p.recurrentActivation)) {}
};

// What goes back through the steps: gradients of the gates' sums [steps, batch, gates * units], and of the
// states [batch, units].
struct Gradients {
  float *gates, *h, *c;
};

// d.h += gates b, times the factors: what step t hands back to the states [begin, end) before it, from as
// many gates as b has rows. Of a step that does not count the gates' gradients are zero, and the state's has
// not gone through the product.
template <class Counts>
TFJS_INLINE void hand_back(const Sequence& s, const Gradients& d, const Packed& b, int64_t t, int64_t begin,
                           int64_t end, const float* factors, const Counts& counts) {
  const int64_t u = s.units;
  multiply(d.gates + (t * s.batch + begin) * s.columns(), s.columns(), b, d.h + begin * u, u, end - begin,
           true);
  for (int64_t row = begin; row < end && factors != nullptr; row++) {
    if (counts(t, row)) times_factors(d.h + row * u, factors + row * u, u, d.h + row * u);
  }
}

// A layer's gradient op: dy?, x, kernel, recurrentKernel, workspace, mask?, factors?, dh?, dc? -> dx?,
// dkernel?, drecurrentKernel?, dbias?, dh0?, dc0?
//
// Back, beside a Cell, has retreat(s, w, d, begin, end, factors, give, counts), which makes the gradients of
// the samples [begin, end), where give(t, b) adds that of a step's result to d.h; and recurrent_gradient(s,
// w, gates, to).
template <class Cell, class Back>
Status backward(const Args& args) {
  const auto p = RecurrentParams::decode(args.params);
  const bool sequences = p.returnSequences != 0, backwards = p.goBackwards != 0;
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &kernel = args.inputs[2];
  const Tensor &recurrent = args.inputs[3], &mask = args.inputs[5];
  const Tensor none{nullptr, DType::Float32, 0, {}};
  Sequence s;
  if (!read_sequence(x, kernel, recurrent, none, mask, Cell::kGates, &s) ||
      !is(args.inputs[4], Cell::workspace_size(s)) ||
      !is_optional(dy, s.state() * (sequences ? s.steps : 1)) || !is_optional(args.inputs[6], s.state()) ||
      !is_optional(args.inputs[7], s.state()) || (Cell::kCarries && !is_optional(args.inputs[8], s.state())))
    return Status::InvalidArgument;
  const Workspace w = Cell::workspace(args.inputs[4].f32(), s);
  Scratch scratch;
  const Gradients d{scratch.get<float>(s.steps * s.batch * s.columns()), scratch.get<float>(s.state()),
                    Cell::kCarries ? scratch.get<float>(s.state()) : nullptr};
  copy_state(args.inputs[7], d.h, s.state());
  if (Cell::kCarries) copy_state(args.inputs[8], d.c, s.state());
  const float* factors = args.inputs[6].f32();
  const Back back(scratch, s, recurrent.f32(), p);
  each_part(
      s, recurrent_nanoseconds(s), [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        back.retreat(
            s, w, d, begin, end, factors,
            [&](int64_t t, int64_t b) { add_output_gradient(s, dy, sequences, t, b, d.h + b * s.units); },
            [&](int64_t t, int64_t b) { return counts(s, mask, t, b, backwards); });
      });
  const float* time_major_x = time_major(scratch, s, x.f32(), s.depth, backwards);
  project_back(s, time_major_x, kernel, d.gates, backwards, args.outputs[0], args.outputs[1],
               args.outputs[3]);
  if (args.outputs[2].data != nullptr) {
    float* multiplied = factors == nullptr ? nullptr : scratch.get<float>(s.steps * s.state());
    for (int64_t t = 0; t < s.steps && factors != nullptr; t++)
      times_factors(w.h + t * s.state(), factors, s.state(), multiplied + t * s.state());
    Back::recurrent_gradient(s, w, factors == nullptr ? w.h : multiplied, d.gates, args.outputs[2].f32());
  }
  if (args.outputs[4].data != nullptr) copy_floats(args.outputs[4].f32(), d.h, s.state());
  if (Cell::kCarries && args.outputs[5].data != nullptr) copy_floats(args.outputs[5].f32(), d.c, s.state());
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

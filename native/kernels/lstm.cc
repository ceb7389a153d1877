// LSTM over whole sequences (Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000), as
// tf.layers has it: gates i, f, c, o.
#include "kernels/recurrent.h"

namespace tfjs::TFJS_ISA {
namespace {

// The workspace: activated gates [steps, batch, 4, units], then h and c, [steps + 1, batch, units] each.
class Cell {
 public:
  static constexpr int64_t kGates = 4;
  static constexpr bool kCarries = true;

  TFJS_INLINE int64_t workspace_size(const Sequence& s) {
    return s.steps * s.batch * s.columns() + 2 * (s.steps + 1) * s.state();
  }
  TFJS_INLINE Workspace workspace(float* memory, const Sequence& s) {
    float* h = memory + s.steps * s.batch * s.columns();
    return {memory, h, h + (s.steps + 1) * s.state()};
  }

  [[gnu::always_inline]] Cell(Scratch& scratch, const Sequence& s, const float* recurrent,
                              const RecurrentParams& p)
      : packed_(pack_all(scratch, recurrent, s.columns(), s.units, s.columns(), false)),
        activation_(static_cast<RecurrentActivation>(p.activation)),
        gate_(static_cast<RecurrentActivation>(p.recurrentActivation)) {}

  template <class Counts>
  [[gnu::always_inline]] void advance(const Sequence& s, const Workspace& w, int64_t begin, int64_t end,
                                      const Counts& counts) const {
    const int64_t u = s.units;
    for (int64_t t = 0; t < s.steps; t++) {
      const int64_t first = t * s.batch + begin;
      multiply(w.h + first * u, u, packed_, w.gates + first * s.columns(), s.columns(), end - begin, true);
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = t * s.batch + b, next = row + s.batch;
        float *i = w.gates + row * s.columns(), *f = i + u, *g = f + u, *o = g + u;
        float *h = w.h + next * u, *c = w.c + next * u;
        if (!counts(t, b)) {
          copy_floats(h, w.h + row * u, u);
          copy_floats(c, w.c + row * u, u);
          continue;
        }
        activate(gate_, i, 2 * u);
        activate(activation_, g, u);
        activate(gate_, o, u);
        const float* before = w.c + row * u;
        each_of(u, [=](auto get, auto put) {
          const vf32 sum = get(f) * get(before) + get(i) * get(g);
          put(c, sum);
          put(h, sum);
        });
        activate(activation_, h, u);
        each_of(u, [=](auto get, auto put) { put(h, get(h) * get(o)); });
      }
    }
  }

 private:
  Packed packed_;
  RecurrentActivation activation_, gate_;
};

}  // namespace

// x, kernel, recurrentKernel, bias?, mask?, h0?, c0? -> y?, workspace?, h?, c?
Status LSTM(const Args& args) { return forward<Cell>(args); }

// dy?, x, kernel, recurrentKernel, workspace, mask?, dh?, dc? -> dx?, dkernel?, drecurrentKernel?, dbias?,
// dh0?, dc0?
Status LSTMGrad(const Args& args) {
  const auto p = RecurrentParams::decode(args.params);
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &kernel = args.inputs[2];
  const Tensor &recurrent = args.inputs[3], &mask = args.inputs[5];
  const Tensor none{nullptr, DType::Float32, 0, {}};
  Sequence s;
  if (!read_sequence(x, kernel, recurrent, none, mask, Cell::kGates, &s)) return Status::InvalidArgument;
  const bool sequences = p.returnSequences != 0, backwards = p.goBackwards != 0;
  if (!is(args.inputs[4], Cell::workspace_size(s)) ||
      !is_optional(dy, s.state() * (sequences ? s.steps : 1)) || !is_optional(args.inputs[6], s.state()) ||
      !is_optional(args.inputs[7], s.state()))
    return Status::InvalidArgument;
  const Workspace w = Cell::workspace(args.inputs[4].f32(), s);
  const auto activation = static_cast<RecurrentActivation>(p.activation),
             gate = static_cast<RecurrentActivation>(p.recurrentActivation);
  Scratch scratch;
  float* dgates = scratch.get<float>(s.steps * s.batch * s.columns());
  float *dh = scratch.get<float>(s.state()), *dc = scratch.get<float>(s.state());
  copy_state(args.inputs[6], dh, s.state());
  copy_state(args.inputs[7], dc, s.state());
  const Packed packed = pack_all(scratch, recurrent.f32(), s.columns(), s.columns(), s.units, true);
  each_part(
      s, recurrent_nanoseconds(s), [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        const int64_t u = s.units;
        Scratch own;
        float* slope = own.get<float>(u);
        for (int64_t t = s.steps - 1; t >= 0; t--) {
          for (int64_t b = begin; b < end; b++) {
            const int64_t row = t * s.batch + b, next = row + s.batch;
            float *di = dgates + row * s.columns(), *df = di + u, *dg = df + u, *dO = dg + u;
            float *h = dh + b * u, *c = dc + b * u;
            add_output_gradient(s, dy, sequences, t, b, h);
            if (!counts(s, mask, t, b, backwards)) {
              fill_zero(di, s.columns());
              continue;
            }
            const float *i = w.gates + row * s.columns(), *f = i + u, *g = f + u, *o = g + u;
            const float *before = w.c + row * u, *after = w.c + next * u;
            each_of(u, [=](auto get, auto put) { put(slope, get(after)); });
            activate(activation, slope, u);
            // The gradient of c through h, before the activation's slope.
            each_of(u, [=](auto get, auto put) {
              put(dO, get(h) * get(slope));
              put(dg, get(h) * get(o));
            });
            multiply_slope(activation, slope, dg, u);
            each_of(u, [=](auto get, auto put) {
              const vf32 d = get(c) + get(dg);
              put(di, d * get(g));
              put(df, d * get(before));
              put(dg, d * get(i));
              put(c, d * get(f));
            });
            multiply_slope(gate, i, di, 2 * u);
            multiply_slope(activation, g, dg, u);
            multiply_slope(gate, o, dO, u);
            // Where a step does not count, its gradient goes on to the one before.
            fill_zero(h, u);
          }
          // Where a step does not count, this adds nothing.
          multiply(dgates + (t * s.batch + begin) * s.columns(), s.columns(), packed, dh + begin * u, u,
                   end - begin, true);
        }
      });
  const float* time_major_x = time_major(scratch, s, x.f32(), s.depth, backwards);
  project_back(s, time_major_x, kernel, dgates, backwards, args.outputs[0], args.outputs[1], args.outputs[3]);
  weight_gradient(s, w.h, s.units, dgates, s.columns(), args.outputs[2].f32());
  if (args.outputs[4].data != nullptr) copy_floats(args.outputs[4].f32(), dh, s.state());
  if (args.outputs[5].data != nullptr) copy_floats(args.outputs[5].f32(), dc, s.state());
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

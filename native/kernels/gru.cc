// GRU over whole sequences (Cho et al., 2014), as tf.layers has it: gates z, r, h, the reset gate before the
// product.
#include "kernels/recurrent.h"

namespace tfjs::TFJS_ISA {
namespace {

// The workspace: activated gates [steps, batch, 3, units], then h [steps + 1, batch, units] and, as c, r h
// [steps, batch, units].
class Cell {
 public:
  static constexpr int64_t kGates = 3;
  static constexpr bool kCarries = false;

  TFJS_INLINE int64_t workspace_size(const Sequence& s) {
    return s.steps * s.batch * s.columns() + (2 * s.steps + 1) * s.state();
  }
  TFJS_INLINE Workspace workspace(float* memory, const Sequence& s) {
    float* h = memory + s.steps * s.batch * s.columns();
    return {memory, h, h + (s.steps + 1) * s.state()};
  }

  [[gnu::always_inline]] Cell(Scratch& scratch, const Sequence& s, const float* recurrent,
                              const RecurrentParams& p)
      : zr_(pack_all(scratch, recurrent, s.columns(), s.units, 2 * s.units, false)),
        candidate_(pack_all(scratch, recurrent + 2 * s.units, s.columns(), s.units, s.units, false)),
        activation_(static_cast<RecurrentActivation>(p.activation)),
        gate_(static_cast<RecurrentActivation>(p.recurrentActivation)) {}

  template <class Counts>
  [[gnu::always_inline]] void advance(const Sequence& s, const Workspace& w, int64_t begin, int64_t end,
                                      const Counts& counts) const {
    const int64_t u = s.units;
    for (int64_t t = 0; t < s.steps; t++) {
      const int64_t first = t * s.batch + begin;
      float* gates = w.gates + first * s.columns();
      multiply(w.h + first * u, u, zr_, gates, s.columns(), end - begin, true);
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = t * s.batch + b;
        float *z = w.gates + row * s.columns(), *r = z + u, *rh = w.c + row * u;
        const float* h = w.h + row * u;
        activate(gate_, z, 2 * u);
        each_of(u, [=](auto get, auto put) { put(rh, get(r) * get(h)); });
      }
      multiply(w.c + first * u, u, candidate_, gates + 2 * u, s.columns(), end - begin, true);
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = t * s.batch + b;
        float *z = w.gates + row * s.columns(), *c = z + 2 * u;
        const float* before = w.h + row * u;
        float* h = w.h + (row + s.batch) * u;
        if (!counts(t, b)) {
          copy_floats(h, before, u);
          continue;
        }
        activate(activation_, c, u);
        each_of(u, [=](auto get, auto put) { put(h, get(z) * get(before) + (1.0f - get(z)) * get(c)); });
      }
    }
  }

 private:
  Packed zr_, candidate_;
  RecurrentActivation activation_, gate_;
};

}  // namespace

// x, kernel, recurrentKernel, bias?, mask?, h0? -> y?, workspace?, h?
Status GRU(const Args& args) { return forward<Cell>(args); }

// dy?, x, kernel, recurrentKernel, workspace, mask?, dh? -> dx?, dkernel?, drecurrentKernel?, dbias?, dh0?
Status GRUGrad(const Args& args) {
  const auto p = RecurrentParams::decode(args.params);
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &kernel = args.inputs[2];
  const Tensor &recurrent = args.inputs[3], &mask = args.inputs[5];
  const Tensor none{nullptr, DType::Float32, 0, {}};
  Sequence s;
  if (!read_sequence(x, kernel, recurrent, none, mask, Cell::kGates, &s)) return Status::InvalidArgument;
  const bool sequences = p.returnSequences != 0, backwards = p.goBackwards != 0;
  if (!is(args.inputs[4], Cell::workspace_size(s)) ||
      !is_optional(dy, s.state() * (sequences ? s.steps : 1)) || !is_optional(args.inputs[6], s.state()))
    return Status::InvalidArgument;
  const Workspace w = Cell::workspace(args.inputs[4].f32(), s);
  const auto activation = static_cast<RecurrentActivation>(p.activation),
             gate = static_cast<RecurrentActivation>(p.recurrentActivation);
  Scratch scratch;
  const int64_t u = s.units;
  float* dgates = scratch.get<float>(s.steps * s.batch * s.columns());
  float* dh = scratch.get<float>(s.state());
  copy_state(args.inputs[6], dh, s.state());
  const Packed zr = pack_all(scratch, recurrent.f32(), s.columns(), 2 * u, u, true);
  const Packed candidate = pack_all(scratch, recurrent.f32() + 2 * u, s.columns(), u, u, true);
  each_part(
      s, recurrent_nanoseconds(s), [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        Scratch own;
        // The gradients of r h, then those of h through the gates.
        float* products = own.get<float>((end - begin) * u);
        for (int64_t t = s.steps - 1; t >= 0; t--) {
          float* gradients = dgates + (t * s.batch + begin) * s.columns();
          for (int64_t b = begin; b < end; b++) {
            const int64_t row = t * s.batch + b;
            float *dz = dgates + row * s.columns(), *dcandidate = dz + 2 * u, *h = dh + b * u;
            add_output_gradient(s, dy, sequences, t, b, h);
            if (!counts(s, mask, t, b, backwards)) {
              fill_zero(dz, s.columns());
              continue;
            }
            const float *z = w.gates + row * s.columns(), *c = z + 2 * u, *before = w.h + row * u;
            each_of(u, [=](auto get, auto put) {
              put(dz, get(h) * (get(before) - get(c)));
              put(dcandidate, get(h) * (1.0f - get(z)));
            });
            multiply_slope(gate, z, dz, u);
            multiply_slope(activation, c, dcandidate, u);
          }
          multiply(gradients + 2 * u, s.columns(), candidate, products, u, end - begin, false);
          for (int64_t b = begin; b < end; b++) {
            if (!counts(s, mask, t, b, backwards)) continue;
            const int64_t row = t * s.batch + b;
            const float *z = w.gates + row * s.columns(), *r = z + u, *before = w.h + row * u;
            float *dr = dgates + row * s.columns() + u, *h = dh + b * u,
                  *product = products + (b - begin) * u;
            each_of(u, [=](auto get, auto put) {
              put(dr, get(product) * get(before));
              put(h, get(h) * get(z) + get(product) * get(r));
            });
            multiply_slope(gate, r, dr, u);
          }
          // Where a step does not count, this adds nothing.
          multiply(gradients, s.columns(), zr, dh + begin * u, u, end - begin, true);
        }
      });
  const float* time_major_x = time_major(scratch, s, x.f32(), s.depth, backwards);
  project_back(s, time_major_x, kernel, dgates, backwards, args.outputs[0], args.outputs[1], args.outputs[3]);
  if (float* to = args.outputs[2].f32()) {
    weight_gradient(s, w.h, u, dgates, 2 * u, to);
    weight_gradient(s, w.c, u, dgates + 2 * u, u, to + 2 * u);
  }
  if (args.outputs[4].data != nullptr) copy_floats(args.outputs[4].f32(), dh, s.state());
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

// SimpleRNN over whole sequences: h = activation(x kernel + bias + h recurrentKernel).
#include "kernels/recurrent.h"

namespace tfjs::TFJS_ISA {
namespace {

// The workspace: h [steps + 1, batch, units], in which a step's gate becomes the state behind it.
class Cell {
 public:
  static constexpr int64_t kGates = 1;
  static constexpr bool kCarries = false;

  TFJS_INLINE int64_t workspace_size(const Sequence& s) { return (s.steps + 1) * s.state(); }
  TFJS_INLINE Workspace workspace(float* memory, const Sequence& s) {
    return {memory + s.state(), memory, nullptr};
  }

  [[gnu::always_inline]] Cell(Scratch& scratch, const Sequence& s, const float* recurrent,
                              const RecurrentParams& p)
      : packed_(pack_all(scratch, recurrent, s.units, s.units, s.units, false)),
        activation_(static_cast<RecurrentActivation>(p.activation)) {}

  template <class Counts>
  [[gnu::always_inline]] void advance(const Sequence& s, const Workspace& w, int64_t begin, int64_t end,
                                      const Counts& counts) const {
    const int64_t u = s.units;
    for (int64_t t = 0; t < s.steps; t++) {
      const float* before = w.h + (t * s.batch + begin) * u;
      float* h = w.h + ((t + 1) * s.batch + begin) * u;
      multiply(before, u, packed_, h, u, end - begin, true);
      for (int64_t b = begin; b < end; b++, h += u, before += u) {
        if (counts(t, b))
          activate(activation_, h, u);
        else
          copy_floats(h, before, u);
      }
    }
  }

 private:
  Packed packed_;
  RecurrentActivation activation_;
};

}  // namespace

// x, kernel, recurrentKernel, bias?, mask?, h0? -> y?, workspace?, h?
Status SimpleRNN(const Args& args) { return forward<Cell>(args); }

// dy?, x, kernel, recurrentKernel, workspace, mask?, dh? -> dx?, dkernel?, drecurrentKernel?, dbias?, dh0?
Status SimpleRNNGrad(const Args& args) {
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
  const float* states = args.inputs[4].f32();
  const auto activation = static_cast<RecurrentActivation>(p.activation);
  Scratch scratch;
  const int64_t u = s.units;
  float *dz = scratch.get<float>(s.steps * s.state()), *dh = scratch.get<float>(s.state());
  copy_state(args.inputs[6], dh, s.state());
  const Packed packed = pack_all(scratch, recurrent.f32(), u, u, u, true);
  each_part(
      s, recurrent_nanoseconds(s), [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        for (int64_t t = s.steps - 1; t >= 0; t--) {
          for (int64_t b = begin; b < end; b++) {
            const int64_t row = t * s.batch + b;
            float *to = dz + row * u, *h = dh + b * u;
            add_output_gradient(s, dy, sequences, t, b, h);
            if (!counts(s, mask, t, b, backwards)) {
              fill_zero(to, u);
              continue;
            }
            copy_floats(to, h, u);
            multiply_slope(activation, states + (row + s.batch) * u, to, u);
            // Where a step does not count, its gradient goes on to the one before.
            fill_zero(h, u);
          }
          multiply(dz + (t * s.batch + begin) * u, u, packed, dh + begin * u, u, end - begin, true);
        }
      });
  const float* time_major_x = time_major(scratch, s, x.f32(), s.depth, backwards);
  project_back(s, time_major_x, kernel, dz, backwards, args.outputs[0], args.outputs[1], args.outputs[3]);
  weight_gradient(s, states, u, dz, u, args.outputs[2].f32());
  if (args.outputs[4].data != nullptr) copy_floats(args.outputs[4].f32(), dh, s.state());
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

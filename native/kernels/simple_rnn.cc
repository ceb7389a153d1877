// SimpleRNN over whole sequences: h = activation(x kernel + bias + h recurrentKernel).
#include "kernels/recurrent.h"

namespace tfjs::TFJS_ISA {
namespace {

// The workspace: h [steps + 1, batch, units].
TFJS_INLINE int64_t workspace_size(const Sequence& s) { return (s.steps + 1) * s.state(); }

}  // namespace

// x, kernel, recurrentKernel, bias?, mask?, h0? -> y, workspace?, h?
Status SimpleRNN(const Args& args) {
  const auto p = RecurrentParams::decode(args.params);
  const Tensor &x = args.inputs[0], &kernel = args.inputs[1], &recurrent = args.inputs[2];
  const Tensor &bias = args.inputs[3], &mask = args.inputs[4];
  Sequence s;
  if (!read_sequence(x, kernel, recurrent, bias, mask, 1, &s)) return Status::InvalidArgument;
  const Tensor& kept = args.outputs[1];
  if (!is_optional(args.inputs[5], s.state()) || !is_optional(kept, workspace_size(s)))
    return Status::InvalidArgument;
  if (s.batch == 0) return Status::Ok;
  Scratch scratch;
  float* states = kept.data ? kept.f32() : scratch.get<float>(workspace_size(s));
  const auto activation = static_cast<RecurrentActivation>(p.activation);
  project(s, time_major(scratch, s, x.f32(), s.depth, p.goBackwards != 0), kernel, bias, states + s.state());
  copy_state(args.inputs[5], states, s.state());
  const int64_t u = s.units;
  const Packed packed = pack_all(scratch, recurrent.f32(), u, u, u, false);
  each_part(
      s, recurrent_nanoseconds(s), [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        for (int64_t t = 0; t < s.steps; t++) {
          const float* before = states + (t * s.batch + begin) * u;
          float* h = states + ((t + 1) * s.batch + begin) * u;
          multiply(before, u, packed, h, u, end - begin, true);
          for (int64_t b = begin; b < end; b++, h += u, before += u) {
            if (counts(s, mask, t, b, p.goBackwards != 0))
              activate(activation, h, u);
            else
              copy_floats(h, before, u);
          }
        }
      });
  write_output(s, states, p.returnSequences != 0, args.outputs[0], args.outputs[2]);
  return Status::Ok;
}

// dy?, x, kernel, recurrentKernel, workspace, mask?, dh? -> dx?, dkernel?, drecurrentKernel?, dbias?, dh0?
Status SimpleRNNGrad(const Args& args) {
  const auto p = RecurrentParams::decode(args.params);
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &kernel = args.inputs[2];
  const Tensor &recurrent = args.inputs[3], &mask = args.inputs[5];
  const Tensor none{nullptr, DType::Float32, 0, {}};
  Sequence s;
  if (!read_sequence(x, kernel, recurrent, none, mask, 1, &s)) return Status::InvalidArgument;
  const bool sequences = p.returnSequences != 0, backwards = p.goBackwards != 0;
  if (!is(args.inputs[4], workspace_size(s)) || !is_optional(dy, s.state() * (sequences ? s.steps : 1)) ||
      !is_optional(args.inputs[6], s.state()))
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

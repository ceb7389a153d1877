// Updates of a variable by its gradient, one pass each: what tf.train's optimizers do in a dozen ops.
// Inputs: variable, slots (moments and the like), whole-step scalars, gradient. Outputs: variable, slots.
#include "core/params.h"
#include "core/tensor.h"
#include "parallel/parallel.h"
#include "simd/simd.h"

namespace tfjs::TFJS_ISA {
namespace {

// step(variable, slots, gradient) changes variable and slots in place.
template <int kSlots, class F>
TFJS_INLINE Status update(const Args& args, F step) {
  const int64_t n = args.inputs[0].size();
  const float* gradient = args.inputs[args.input_count - 1].f32();
  const float* from[kSlots + 1];
  float* to[kSlots + 1];
  for (int s = 0; s <= kSlots; s++) {
    from[s] = args.inputs[s].f32();
    to[s] = args.outputs[s].f32();
  }
  parallel_for(n, 0.3 + 0.2 * kSlots, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kLanes) {
      const int64_t count = end - i < kLanes ? end - i : kLanes;
      vf32 value[kSlots + 1];
      if (count == kLanes) {
        for (int s = 0; s <= kSlots; s++) value[s] = load(from[s] + i);
        step(value[0], value + 1, load(gradient + i));
        for (int s = 0; s <= kSlots; s++) store(to[s] + i, value[s]);
      } else {
        for (int s = 0; s <= kSlots; s++) value[s] = load_first(from[s] + i, count);
        step(value[0], value + 1, load_first(gradient + i, count));
        for (int s = 0; s <= kSlots; s++) store_first(to[s] + i, value[s], count);
      }
    }
  });
  return Status::Ok;
}

TFJS_INLINE vf32 blend(vf32 old, float decay, vf32 fresh, float one_minus_decay) {
  return old * decay + fresh * one_minus_decay;
}

}  // namespace

Status ApplyGradientDescent(const Args& args) {
  const auto p = ApplyGradientDescentParams::decode(args.params);
  return update<0>(args, [=](vf32& x, vf32*, vf32 g) { x = g * -p.learningRate + x; });
}

Status ApplyMomentum(const Args& args) {
  const auto p = ApplyMomentumParams::decode(args.params);
  return update<1>(args, [=](vf32& x, vf32* slot, vf32 g) {
    slot[0] = slot[0] * p.momentum + g;
    x = (p.useNesterov ? g + slot[0] * p.momentum : slot[0]) * -p.learningRate + x;
  });
}

Status ApplyRMSProp(const Args& args) {
  const auto p = ApplyRMSPropParams::decode(args.params);
  return update<2>(args, [=](vf32& x, vf32* slot, vf32 g) {
    slot[0] = blend(slot[0], p.decay, g * g, p.oneMinusDecay);
    slot[1] = slot[1] * p.momentum + g * p.learningRate / sqrt(slot[0] + p.epsilon);
    x = x - slot[1];
  });
}

Status ApplyCenteredRMSProp(const Args& args) {
  const auto p = ApplyRMSPropParams::decode(args.params);
  return update<3>(args, [=](vf32& x, vf32* slot, vf32 g) {
    slot[0] = blend(slot[0], p.decay, g * g, p.oneMinusDecay);
    slot[2] = blend(slot[2], p.decay, g, p.oneMinusDecay);
    slot[1] = slot[1] * p.momentum + g * p.learningRate / sqrt(slot[0] - (slot[2] * slot[2] + p.epsilon));
    x = x - slot[1];
  });
}

Status ApplyAdagrad(const Args& args) {
  const auto p = ApplyAdagradParams::decode(args.params);
  return update<1>(args, [=](vf32& x, vf32* slot, vf32 g) {
    slot[0] = slot[0] + g * g;
    x = g / sqrt(slot[0] + p.epsilon) * -p.learningRate + x;
  });
}

Status ApplyAdadelta(const Args& args) {
  const auto p = ApplyAdadeltaParams::decode(args.params);
  return update<2>(args, [=](vf32& x, vf32* slot, vf32 g) {
    // With the accumulated gradient of before this step, as TensorFlow.js has it.
    const vf32 change = sqrt(slot[1] + p.epsilon) / sqrt(slot[0] + p.epsilon) * g;
    slot[0] = blend(slot[0], p.rho, g * g, p.oneMinusRho);
    slot[1] = blend(slot[1], p.rho, change * change, p.oneMinusRho);
    x = change * -p.learningRate + x;
  });
}

// Inputs 3 and 4: the powers of beta1 and beta2.
Status ApplyAdam(const Args& args) {
  const auto p = ApplyAdamParams::decode(args.params);
  // A division of each element would cost several multiplications; one rounding more each.
  const float first = 1 / (1 - *args.inputs[3].f32()), second = 1 / (1 - *args.inputs[4].f32());
  return update<2>(args, [=](vf32& x, vf32* slot, vf32 g) {
    slot[0] = blend(slot[0], p.beta1, g, p.oneMinusBeta1);
    slot[1] = blend(slot[1], p.beta2, g * g, p.oneMinusBeta2);
    x = slot[0] * first / (sqrt(slot[1] * second) + p.epsilon) * -p.learningRate + x;
  });
}

// Inputs 3 and 4: the power of beta1, the steps done.
Status ApplyAdaMax(const Args& args) {
  const auto p = ApplyAdaMaxParams::decode(args.params);
  const float rate = -p.learningRate / (*args.inputs[4].f32() * p.decay + 1) / (1 - *args.inputs[3].f32());
  return update<2>(args, [=](vf32& x, vf32* slot, vf32 g) {
    slot[0] = blend(slot[0], p.beta1, g, p.oneMinusBeta1);
    slot[1] = max(slot[1] * p.beta2, abs(g));
    x = slot[0] / (slot[1] + p.epsilon) * rate + x;
  });
}

}  // namespace tfjs::TFJS_ISA

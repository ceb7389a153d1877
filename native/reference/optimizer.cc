#include "reference/reference.h"

namespace tfjs::reference {
namespace {

// step(variable, slots, gradient, scalars) changes variable and slots; magnitude is the size of what was
// added up in the variable. A slot is a sum of terms of one sign or blended with small rounding, so |value|
// serves, except where `slot_magnitude` says otherwise.
struct Element {
  double x, slot[3], g;
  double magnitude, slot_magnitude[3];
};

template <class F>
void update(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, size_t slots,
            double rounding_steps, F step) {
  for (Tensor& y : outputs) {
    y.clear();
    y.rounding_steps = rounding_steps;
  }
  const std::vector<double>& gradient = inputs.back().value;
  for (size_t i = 0; i < gradient.size(); i++) {
    Element e{};
    e.x = inputs[0].value[i];
    e.g = gradient[i];
    for (size_t s = 0; s < slots; s++) e.slot[s] = inputs[s + 1].value[i];
    const double before = e.x;
    step(e);
    outputs[0].value[i] = e.x;
    outputs[0].magnitude[i] = e.magnitude + std::abs(before);
    for (size_t s = 0; s < slots; s++) {
      outputs[s + 1].value[i] = e.slot[s];
      outputs[s + 1].magnitude[i] = e.slot_magnitude[s];
    }
  }
}

// old * decay + fresh * rest and the size of its terms.
void blend(Element& e, int slot, double decay, double fresh, double rest) {
  e.slot_magnitude[slot] = std::abs(e.slot[slot] * decay) + std::abs(fresh * rest);
  e.slot[slot] = e.slot[slot] * decay + fresh * rest;
}

}  // namespace

void ApplyGradientDescent(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                          const double* params) {
  const auto p = ApplyGradientDescentParams::decode(params);
  update(inputs, outputs, 0, 2, [&](Element& e) {
    e.magnitude = std::abs(p.learningRate * e.g);
    e.x -= p.learningRate * e.g;
  });
}

void ApplyMomentum(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = ApplyMomentumParams::decode(params);
  update(inputs, outputs, 1, 6, [&](Element& e) {
    blend(e, 0, p.momentum, e.g, 1);
    const double change = p.useNesterov ? e.g + e.slot[0] * p.momentum : e.slot[0];
    e.magnitude = p.learningRate *
                  (p.useNesterov ? std::abs(e.g) + e.slot_magnitude[0] * p.momentum : e.slot_magnitude[0]);
    e.x -= p.learningRate * change;
  });
}

void ApplyRMSProp(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = ApplyRMSPropParams::decode(params);
  update(inputs, outputs, 2, 9, [&](Element& e) {
    blend(e, 0, p.decay, e.g * e.g, p.oneMinusDecay);
    blend(e, 1, p.momentum, e.g * p.learningRate / std::sqrt(e.slot[0] + p.epsilon), 1);
    e.magnitude = e.slot_magnitude[1];
    e.x -= e.slot[1];
  });
}

void ApplyCenteredRMSProp(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs,
                          const double* params) {
  const auto p = ApplyRMSPropParams::decode(params);
  update(inputs, outputs, 3, 12, [&](Element& e) {
    blend(e, 0, p.decay, e.g * e.g, p.oneMinusDecay);
    blend(e, 2, p.decay, e.g, p.oneMinusDecay);
    const double spread = e.slot[0] - (e.slot[2] * e.slot[2] + p.epsilon);
    // Cancellation in the difference under the root carries into the quotient.
    const double loss =
        (e.slot_magnitude[0] + 2 * e.slot_magnitude[2] * std::abs(e.slot[2]) + p.epsilon) / spread;
    const double change = e.g * p.learningRate / std::sqrt(spread);
    blend(e, 1, p.momentum, change, 1);
    e.slot_magnitude[1] += std::abs(change) * loss;
    e.magnitude = e.slot_magnitude[1];
    e.x -= e.slot[1];
  });
}

void ApplyAdagrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = ApplyAdagradParams::decode(params);
  update(inputs, outputs, 1, 8, [&](Element& e) {
    blend(e, 0, 1, e.g * e.g, 1);
    const double change = e.g / std::sqrt(e.slot[0] + p.epsilon) * p.learningRate;
    e.magnitude = std::abs(change);
    e.x -= change;
  });
}

void ApplyAdadelta(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = ApplyAdadeltaParams::decode(params);
  update(inputs, outputs, 2, 14, [&](Element& e) {
    const double change = std::sqrt(e.slot[1] + p.epsilon) / std::sqrt(e.slot[0] + p.epsilon) * e.g;
    blend(e, 0, p.rho, e.g * e.g, p.oneMinusRho);
    blend(e, 1, p.rho, change * change, p.oneMinusRho);
    e.magnitude = std::abs(change * p.learningRate);
    e.x -= change * p.learningRate;
  });
}

void ApplyAdam(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = ApplyAdamParams::decode(params);
  // 1 - power is exact enough: the power is a float, and their difference is rounded once.
  const double first = 1 - inputs[3].value[0], second = 1 - inputs[4].value[0];
  update(inputs, outputs, 2, 14, [&](Element& e) {
    blend(e, 0, p.beta1, e.g, p.oneMinusBeta1);
    blend(e, 1, p.beta2, e.g * e.g, p.oneMinusBeta2);
    const double scale = p.learningRate / (std::sqrt(e.slot[1] / second) + p.epsilon) / first;
    e.magnitude = e.slot_magnitude[0] * scale;
    e.x -= e.slot[0] * scale;
  });
}

void ApplyAdaMax(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = ApplyAdaMaxParams::decode(params);
  const double rate = p.learningRate / (inputs[4].value[0] * p.decay + 1) / (1 - inputs[3].value[0]);
  update(inputs, outputs, 2, 12, [&](Element& e) {
    blend(e, 0, p.beta1, e.g, p.oneMinusBeta1);
    e.slot[1] = std::max(e.slot[1] * p.beta2, std::abs(e.g));
    e.slot_magnitude[1] = e.slot[1];
    const double scale = rate / (e.slot[1] + p.epsilon);
    e.magnitude = e.slot_magnitude[0] * scale;
    e.x -= e.slot[0] * scale;
  });
}

}  // namespace tfjs::reference

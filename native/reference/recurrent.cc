#include <cstddef>

#include "reference/reference.h"
#include "reference/tracked.h"

namespace tfjs::reference {
namespace {

Tracked activate(int64_t activation, Tracked x) {
  switch (static_cast<RecurrentActivation>(activation)) {
    case RecurrentActivation::Relu:
      return apply([](double v) { return v < 0 ? 0 : v; }, x, 1, 0);
    case RecurrentActivation::Tanh:
      return apply([](double v) { return std::tanh(v); }, x, 1, 4);
    case RecurrentActivation::Sigmoid:
      return apply([](double v) { return 1 / (1 + std::exp(-v)); }, x, 0.25, 6);
    case RecurrentActivation::HardSigmoid: {
      // The product and the sum are rounded before they are cut off.
      const Tracked line = x * Tracked{0.2, 0.2 * kUnit} + Tracked{0.5};
      return {std::min(1.0, std::max(0.0, line.value)), line.error};
    }
    case RecurrentActivation::Elu:
      return apply([](double v) { return v >= 0 ? v : std::expm1(v); }, x, 1, 4);
    case RecurrentActivation::Softsign:
      return apply([](double v) { return v / (1 + std::abs(v)); }, x, 1, 2);
    default:
      return x;
  }
}

// d times the derivative where the result is y.
Tracked back(int64_t activation, Tracked y, Tracked d) {
  const Tracked one{1};
  switch (static_cast<RecurrentActivation>(activation)) {
    case RecurrentActivation::Relu:
      return y.value > 0 ? d : Tracked{};
    case RecurrentActivation::Tanh:
      return d * (one - y * y);
    case RecurrentActivation::Sigmoid:
      return d * (y * (one - y));
    case RecurrentActivation::HardSigmoid:
      return y.value > 0 && y.value < 1 ? d * Tracked{0.2, 0.2 * kUnit} : Tracked{};
    case RecurrentActivation::Elu:
      return y.value > 0 ? d : d * (y + one);
    case RecurrentActivation::Softsign: {
      const Tracked rest = one - Tracked{std::abs(y.value), y.error};
      return d * (rest * rest);
    }
    default:
      return d;
  }
}

struct Sizes {
  int64_t batch, steps, depth, units, gates;
  int64_t columns() const { return units * gates; }
};

// What both directions look at: [steps, batch, …] values of the workspace, and the data in the order of
// steps.
class Sequence {
 public:
  Sequence(const Tensor& x, const Tensor& recurrent, int64_t gates, const Tensor& mask, const Tensor& factors,
           const RecurrentParams& p)
      : n{x.dims[0], x.dims[1], x.dims[2], recurrent.dims[0], gates},
        x_(x),
        mask_(mask),
        factors_(factors),
        p_(p) {}

  const Sizes n;

  int64_t place(int64_t t) const { return p_.goBackwards ? n.steps - 1 - t : t; }
  size_t x_at(int64_t t, int64_t b, int64_t d) const {
    return static_cast<size_t>((b * n.steps + place(t)) * n.depth + d);
  }
  Tracked x(int64_t t, int64_t b, int64_t d) const { return {x_.value[x_at(t, b, d)]}; }
  bool counts(int64_t t, int64_t b) const {
    return mask_.value.empty() || mask_.value[static_cast<size_t>(b * n.steps + place(t))] != 0;
  }
  // A state or its gradient, times the factor of unit `k`.
  Tracked times_factor(int64_t b, int64_t k, Tracked h) const {
    return factors_.value.empty() ? h : h * Tracked{factors_.value[static_cast<size_t>(b * n.units + k)]};
  }
  // What the recurrent product takes in a step of a sample.
  std::vector<Tracked> taken(int64_t t, int64_t b, const std::vector<Tracked>& h) const {
    std::vector<Tracked> of(static_cast<size_t>(n.units));
    for (int64_t k = 0; k < n.units; k++)
      of[static_cast<size_t>(k)] = times_factor(b, k, h[state_at(t, b, k)]);
    return of;
  }
  // All states of [steps + 1, batch, units] times the factors.
  std::vector<Tracked> times_factors(std::vector<Tracked> h) const {
    for (size_t i = 0; i < h.size(); i++) {
      const auto at = static_cast<int64_t>(i);
      h[i] = times_factor(at / n.units % n.batch, at % n.units, h[i]);
    }
    return h;
  }
  size_t gate_at(int64_t t, int64_t b, int64_t g, int64_t j) const {
    return static_cast<size_t>(((t * n.batch + b) * n.gates + g) * n.units + j);
  }
  size_t state_at(int64_t t, int64_t b, int64_t j) const {
    return static_cast<size_t>((t * n.batch + b) * n.units + j);
  }
  size_t gate_count() const { return static_cast<size_t>(n.steps * n.batch * n.columns()); }
  size_t state_count(int64_t steps) const { return static_cast<size_t>(steps * n.batch * n.units); }

  // x kernel + bias + h recurrentKernel, of column `j` of gate `g`.
  Tracked gate(int64_t t, int64_t b, int64_t g, int64_t j, const Tensor& kernel, const Tensor& recurrent,
               const Tensor& bias, const std::vector<Tracked>& h, size_t h_at) const {
    TrackedSum sum;
    const int64_t column = g * n.units + j;
    if (!bias.value.empty()) sum.add({bias.value[static_cast<size_t>(column)]}, {1});
    for (int64_t d = 0; d < n.depth; d++)
      sum.add(x(t, b, d), {kernel.value[static_cast<size_t>(d * n.columns() + column)]});
    for (int64_t k = 0; k < n.units; k++)
      sum.add(h[h_at + static_cast<size_t>(k)],
              {recurrent.value[static_cast<size_t>(k * n.columns() + column)]});
    return sum.sum();
  }

 private:
  const Tensor &x_, &mask_, &factors_;
  const RecurrentParams& p_;
};

void put(Tensor& to, size_t at, Tracked v) {
  to.value[at] = v.value;
  to.magnitude[at] = v.error / kUnit;
}

void begin(std::vector<Tensor>& outputs) {
  for (Tensor& t : outputs) {
    if (t.dims.empty()) continue;
    t.clear();
    t.rounding_steps = 1;
  }
}

void put_all(Tensor& to, const std::vector<Tracked>& from, size_t first) {
  for (size_t i = 0; i < from.size(); i++) put(to, first + i, from[i]);
}

std::vector<Tracked> slice(const Tensor& from, size_t first, size_t count) {
  std::vector<Tracked> values(count);
  for (size_t i = 0; i < count; i++) values[i] = {from.value[first + i]};
  return values;
}

void start(std::vector<Tracked>& states, const Tensor& from) {
  for (size_t i = 0; i < from.value.size(); i++) states[i] = {from.value[i]};
}

void put_outputs(const Sequence& s, const std::vector<Tracked>& h, bool sequences, Tensor& y, Tensor& last) {
  const int64_t u = s.n.units;
  for (int64_t b = 0; b < s.n.batch; b++) {
    for (int64_t j = 0; j < u; j++) {
      const Tracked end = h[s.state_at(s.n.steps, b, j)];
      if (!last.dims.empty()) put(last, static_cast<size_t>(b * u + j), end);
      if (y.dims.empty()) continue;
      if (!sequences) put(y, static_cast<size_t>(b * u + j), end);
      for (int64_t t = 0; t < s.n.steps && sequences; t++)
        put(y, static_cast<size_t>((b * s.n.steps + t) * u + j), h[s.state_at(t + 1, b, j)]);
    }
  }
}

// The gradient of a step's result, added to that of its state.
Tracked with_output(const Sequence& s, const Tensor& dy, bool sequences, int64_t t, int64_t b, int64_t j,
                    Tracked dh) {
  if (dy.value.empty() || (!sequences && t + 1 < s.n.steps)) return dh;
  const int64_t row = sequences ? b * s.n.steps + t : b;
  return dh + Tracked{dy.value[static_cast<size_t>(row * s.n.units + j)]};
}

// dh recurrentKernel^T, of the columns [first, first + count) of all gates.
Tracked through(const Sequence& s, const Tensor& recurrent, const std::vector<Tracked>& dgates, int64_t t,
                int64_t b, int64_t first, int64_t count, int64_t k, Tracked add) {
  TrackedSum sum;
  sum.add(add, {1});
  for (int64_t c = first; c < first + count; c++)
    sum.add(dgates[s.gate_at(t, b, 0, 0) + static_cast<size_t>(c)],
            {recurrent.value[static_cast<size_t>(k * s.n.columns() + c)]});
  return sum.sum();
}

// The gradients of data, kernel and bias.
void project_back(const Sequence& s, const Tensor& kernel, const std::vector<Tracked>& dgates,
                  std::vector<Tensor>& outputs) {
  Tensor &dx = outputs[0], &dkernel = outputs[1], &dbias = outputs[3];
  const int64_t columns = s.n.columns();
  for (int64_t d = 0; d < s.n.depth && !dkernel.dims.empty(); d++) {
    for (int64_t c = 0; c < columns; c++) {
      TrackedSum sum;
      for (int64_t t = 0; t < s.n.steps; t++) {
        for (int64_t b = 0; b < s.n.batch; b++)
          sum.add(s.x(t, b, d), dgates[s.gate_at(t, b, 0, 0) + static_cast<size_t>(c)]);
      }
      put(dkernel, static_cast<size_t>(d * columns + c), sum.sum());
    }
  }
  for (int64_t c = 0; c < columns && !dbias.dims.empty(); c++) {
    TrackedSum sum;
    for (int64_t t = 0; t < s.n.steps; t++) {
      for (int64_t b = 0; b < s.n.batch; b++)
        sum.add({1}, dgates[s.gate_at(t, b, 0, 0) + static_cast<size_t>(c)]);
    }
    put(dbias, static_cast<size_t>(c), sum.sum());
  }
  for (int64_t t = 0; t < s.n.steps && !dx.dims.empty(); t++) {
    for (int64_t b = 0; b < s.n.batch; b++) {
      for (int64_t d = 0; d < s.n.depth; d++) {
        TrackedSum sum;
        for (int64_t c = 0; c < columns; c++)
          sum.add(dgates[s.gate_at(t, b, 0, 0) + static_cast<size_t>(c)],
                  {kernel.value[static_cast<size_t>(d * columns + c)]});
        put(dx, s.x_at(t, b, d), sum.sum());
      }
    }
  }
}

// The gradient of the recurrent kernel's columns [first, first + count), which met `states`.
void recurrent_gradient(const Sequence& s, const std::vector<Tracked>& states,
                        const std::vector<Tracked>& dgates, int64_t first, int64_t count, Tensor& to) {
  for (int64_t k = 0; k < s.n.units && !to.dims.empty(); k++) {
    for (int64_t c = first; c < first + count; c++) {
      TrackedSum sum;
      for (int64_t t = 0; t < s.n.steps; t++) {
        for (int64_t b = 0; b < s.n.batch; b++)
          sum.add(states[s.state_at(t, b, k)], dgates[s.gate_at(t, b, 0, 0) + static_cast<size_t>(c)]);
      }
      put(to, static_cast<size_t>(k * s.n.columns() + c), sum.sum());
    }
  }
}

}  // namespace

void LSTM(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = RecurrentParams::decode(params);
  begin(outputs);
  const Sequence s(inputs[0], inputs[2], 4, inputs[4], inputs[5], p);
  std::vector<Tracked> gates(s.gate_count()), h(s.state_count(s.n.steps + 1)), c(h.size());
  start(h, inputs[6]);
  start(c, inputs[7]);
  for (int64_t t = 0; t < s.n.steps; t++) {
    for (int64_t b = 0; b < s.n.batch; b++) {
      const std::vector<Tracked> taken = s.taken(t, b, h);
      for (int64_t j = 0; j < s.n.units; j++) {
        const size_t before = s.state_at(t, b, j), after = s.state_at(t + 1, b, j);
        Tracked gate[4];
        for (int64_t g = 0; g < 4; g++) {
          gate[g] = s.gate(t, b, g, j, inputs[1], inputs[2], inputs[3], taken, 0);
          if (s.counts(t, b)) gate[g] = activate(g == 2 ? p.activation : p.recurrentActivation, gate[g]);
          gates[s.gate_at(t, b, g, j)] = gate[g];
        }
        c[after] = s.counts(t, b) ? gate[1] * c[before] + gate[0] * gate[2] : c[before];
        h[after] = s.counts(t, b) ? gate[3] * activate(p.activation, c[after]) : h[before];
      }
    }
  }
  put_outputs(s, h, p.returnSequences != 0, outputs[0], outputs[2]);
  for (int64_t b = 0; b < s.n.batch && !outputs[3].dims.empty(); b++) {
    for (int64_t j = 0; j < s.n.units; j++)
      put(outputs[3], static_cast<size_t>(b * s.n.units + j), c[s.state_at(s.n.steps, b, j)]);
  }
  if (outputs[1].dims.empty()) return;
  put_all(outputs[1], gates, 0);
  put_all(outputs[1], h, gates.size());
  put_all(outputs[1], c, gates.size() + h.size());
}

void LSTMGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = RecurrentParams::decode(params);
  begin(outputs);
  const Tensor &dy = inputs[0], &recurrent = inputs[3], &workspace = inputs[4];
  const Sequence s(inputs[1], recurrent, 4, inputs[5], inputs[6], p);
  const std::vector<Tracked> gates = slice(workspace, 0, s.gate_count());
  const size_t states = s.state_count(s.n.steps + 1);
  const std::vector<Tracked> h = slice(workspace, gates.size(), states),
                             c = slice(workspace, gates.size() + states, states);
  std::vector<Tracked> dgates(gates.size()), dh(s.state_count(1)), dc(dh.size());
  start(dh, inputs[7]);
  start(dc, inputs[8]);
  for (int64_t t = s.n.steps - 1; t >= 0; t--) {
    for (int64_t b = 0; b < s.n.batch; b++) {
      for (int64_t j = 0; j < s.n.units; j++) {
        const size_t at = static_cast<size_t>(b * s.n.units + j);
        dh[at] = with_output(s, dy, p.returnSequences != 0, t, b, j, dh[at]);
        if (!s.counts(t, b)) continue;
        Tracked gate[4];
        for (int64_t g = 0; g < 4; g++) gate[g] = gates[s.gate_at(t, b, g, j)];
        const Tracked out = activate(p.activation, c[s.state_at(t + 1, b, j)]);
        const Tracked d = dc[at] + back(p.activation, out, dh[at] * gate[3]);
        const Tracked to[4] = {d * gate[2], d * c[s.state_at(t, b, j)], d * gate[0], dh[at] * out};
        for (int64_t g = 0; g < 4; g++)
          dgates[s.gate_at(t, b, g, j)] = back(g == 2 ? p.activation : p.recurrentActivation, gate[g], to[g]);
        dc[at] = d * gate[1];
      }
      for (int64_t k = 0; k < s.n.units && s.counts(t, b); k++)
        dh[static_cast<size_t>(b * s.n.units + k)] =
            s.times_factor(b, k, through(s, recurrent, dgates, t, b, 0, s.n.columns(), k, {}));
    }
  }
  project_back(s, inputs[2], dgates, outputs);
  recurrent_gradient(s, s.times_factors(h), dgates, 0, s.n.columns(), outputs[2]);
  if (!outputs[4].dims.empty()) put_all(outputs[4], dh, 0);
  if (!outputs[5].dims.empty()) put_all(outputs[5], dc, 0);
}

void GRU(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = RecurrentParams::decode(params);
  begin(outputs);
  const Sequence s(inputs[0], inputs[2], 3, inputs[4], inputs[5], p);
  std::vector<Tracked> gates(s.gate_count()), h(s.state_count(s.n.steps + 1)), rh(s.state_count(s.n.steps));
  start(h, inputs[6]);
  const auto gate = [&](int64_t t, int64_t b, int64_t g, int64_t j, const std::vector<Tracked>& from,
                        size_t at) { return s.gate(t, b, g, j, inputs[1], inputs[2], inputs[3], from, at); };
  for (int64_t t = 0; t < s.n.steps; t++) {
    for (int64_t b = 0; b < s.n.batch; b++) {
      const std::vector<Tracked> taken = s.taken(t, b, h);
      for (int64_t j = 0; j < s.n.units; j++) {
        for (int64_t g = 0; g < 2; g++)
          gates[s.gate_at(t, b, g, j)] = activate(p.recurrentActivation, gate(t, b, g, j, taken, 0));
        rh[s.state_at(t, b, j)] = gates[s.gate_at(t, b, 1, j)] * taken[static_cast<size_t>(j)];
      }
      for (int64_t j = 0; j < s.n.units; j++) {
        const size_t before = s.state_at(t, b, j), after = s.state_at(t + 1, b, j);
        const Tracked z = gates[s.gate_at(t, b, 0, j)], sum = gate(t, b, 2, j, rh, s.state_at(t, b, 0));
        const Tracked candidate = s.counts(t, b) ? activate(p.activation, sum) : sum;
        gates[s.gate_at(t, b, 2, j)] = candidate;
        h[after] =
            s.counts(t, b) ? z * taken[static_cast<size_t>(j)] + (Tracked{1} - z) * candidate : h[before];
      }
    }
  }
  put_outputs(s, h, p.returnSequences != 0, outputs[0], outputs[2]);
  if (outputs[1].dims.empty()) return;
  put_all(outputs[1], gates, 0);
  put_all(outputs[1], h, gates.size());
  put_all(outputs[1], rh, gates.size() + h.size());
}

void GRUGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = RecurrentParams::decode(params);
  begin(outputs);
  const Tensor &dy = inputs[0], &recurrent = inputs[3], &workspace = inputs[4];
  const Sequence s(inputs[1], recurrent, 3, inputs[5], inputs[6], p);
  const int64_t u = s.n.units;
  const std::vector<Tracked> gates = slice(workspace, 0, s.gate_count());
  const std::vector<Tracked> h = slice(workspace, gates.size(), s.state_count(s.n.steps + 1));
  const std::vector<Tracked> rh = slice(workspace, gates.size() + h.size(), s.state_count(s.n.steps));
  std::vector<Tracked> dgates(gates.size()), dh(s.state_count(1));
  start(dh, inputs[7]);
  for (int64_t t = s.n.steps - 1; t >= 0; t--) {
    for (int64_t b = 0; b < s.n.batch; b++) {
      const std::vector<Tracked> taken = s.taken(t, b, h);
      for (int64_t j = 0; j < u; j++) {
        const size_t at = static_cast<size_t>(b * u + j);
        dh[at] = with_output(s, dy, p.returnSequences != 0, t, b, j, dh[at]);
        if (!s.counts(t, b)) continue;
        const Tracked z = gates[s.gate_at(t, b, 0, j)], candidate = gates[s.gate_at(t, b, 2, j)];
        dgates[s.gate_at(t, b, 0, j)] =
            back(p.recurrentActivation, z, dh[at] * (taken[static_cast<size_t>(j)] - candidate));
        dgates[s.gate_at(t, b, 2, j)] = back(p.activation, candidate, dh[at] * (Tracked{1} - z));
      }
      if (!s.counts(t, b)) continue;
      for (int64_t j = 0; j < u; j++) {
        const size_t at = static_cast<size_t>(b * u + j);
        const Tracked product = through(s, recurrent, dgates, t, b, 2 * u, u, j, {});
        const Tracked r = gates[s.gate_at(t, b, 1, j)];
        dgates[s.gate_at(t, b, 1, j)] =
            back(p.recurrentActivation, r, product * taken[static_cast<size_t>(j)]);
        dh[at] = dh[at] * gates[s.gate_at(t, b, 0, j)] + product * r;
      }
      for (int64_t k = 0; k < u; k++) {
        const size_t at = static_cast<size_t>(b * u + k);
        dh[at] = s.times_factor(b, k, through(s, recurrent, dgates, t, b, 0, 2 * u, k, dh[at]));
      }
    }
  }
  project_back(s, inputs[2], dgates, outputs);
  recurrent_gradient(s, s.times_factors(h), dgates, 0, 2 * u, outputs[2]);
  recurrent_gradient(s, rh, dgates, 2 * u, u, outputs[2]);
  if (!outputs[4].dims.empty()) put_all(outputs[4], dh, 0);
}

void SimpleRNN(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = RecurrentParams::decode(params);
  begin(outputs);
  const Sequence s(inputs[0], inputs[2], 1, inputs[4], inputs[5], p);
  std::vector<Tracked> h(s.state_count(s.n.steps + 1));
  start(h, inputs[6]);
  for (int64_t t = 0; t < s.n.steps; t++) {
    for (int64_t b = 0; b < s.n.batch; b++) {
      const std::vector<Tracked> taken = s.taken(t, b, h);
      for (int64_t j = 0; j < s.n.units; j++)
        h[s.state_at(t + 1, b, j)] =
            s.counts(t, b)
                ? activate(p.activation, s.gate(t, b, 0, j, inputs[1], inputs[2], inputs[3], taken, 0))
                : h[s.state_at(t, b, j)];
    }
  }
  put_outputs(s, h, p.returnSequences != 0, outputs[0], outputs[2]);
  if (!outputs[1].dims.empty()) put_all(outputs[1], h, 0);
}

void SimpleRNNGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const auto p = RecurrentParams::decode(params);
  begin(outputs);
  const Tensor &dy = inputs[0], &recurrent = inputs[3];
  const Sequence s(inputs[1], recurrent, 1, inputs[5], inputs[6], p);
  const std::vector<Tracked> h = slice(inputs[4], 0, s.state_count(s.n.steps + 1));
  std::vector<Tracked> dgates(s.gate_count()), dh(s.state_count(1));
  start(dh, inputs[7]);
  for (int64_t t = s.n.steps - 1; t >= 0; t--) {
    for (int64_t b = 0; b < s.n.batch; b++) {
      for (int64_t j = 0; j < s.n.units; j++) {
        const size_t at = static_cast<size_t>(b * s.n.units + j);
        dh[at] = with_output(s, dy, p.returnSequences != 0, t, b, j, dh[at]);
        if (s.counts(t, b))
          dgates[s.gate_at(t, b, 0, j)] = back(p.activation, h[s.state_at(t + 1, b, j)], dh[at]);
      }
      for (int64_t k = 0; k < s.n.units && s.counts(t, b); k++)
        dh[static_cast<size_t>(b * s.n.units + k)] =
            s.times_factor(b, k, through(s, recurrent, dgates, t, b, 0, s.n.columns(), k, {}));
    }
  }
  project_back(s, inputs[2], dgates, outputs);
  recurrent_gradient(s, s.times_factors(h), dgates, 0, s.n.columns(), outputs[2]);
  if (!outputs[4].dims.empty()) put_all(outputs[4], dh, 0);
}

}  // namespace tfjs::reference

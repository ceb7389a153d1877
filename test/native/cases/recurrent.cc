#include "../harness.h"

namespace tfjs::test {
namespace {

// Of a layer: so many gates, and floats of its workspace a sample.
struct Kind {
  Op forward, gradient;
  int64_t gates;
  bool carries;  // a second state

  int64_t workspace(int64_t steps, int64_t units) const {
    const int64_t h = (steps + 1) * units;
    if (carries) return steps * gates * units + 2 * h;
    return gates == 1 ? h : steps * gates * units + h + steps * units;
  }
};
const Kind kSimpleRNN{Op::SimpleRNN, Op::SimpleRNNGrad, 1, false}, kGRU{Op::GRU, Op::GRUGrad, 3, false},
    kLSTM{Op::LSTM, Op::LSTMGrad, 4, true};

struct Case {
  int64_t batch, steps, depth, units;
  RecurrentParams params;
  bool bias, mask, states;
  double scale = 1;  // of the recurrent kernel
  bool factors = false;
};

std::vector<Case> cases(Suite& suite) {
  const auto code = [](RecurrentActivation a) { return static_cast<int64_t>(a); };
  const int64_t tanh = code(RecurrentActivation::Tanh), sigmoid = code(RecurrentActivation::Sigmoid),
                hard = code(RecurrentActivation::HardSigmoid);
  std::vector<Case> list = {
      {7, 4, 3, 18, {tanh, sigmoid, 1, 0}, true, true, true, 1, true},
      {14, 3, 5, 20, {tanh, hard, 0, 1}, true, false, false, 1, true},
      {0, 3, 2, 4, {tanh, sigmoid, 1, 0}, true, false, false},
      {1, 1, 1, 1, {tanh, hard, 0, 0}, true, false, false},
      {2, 5, 3, 4, {tanh, sigmoid, 1, 1}, true, true, true},
      {3, 4, 7, 17, {tanh, hard, 0, 1}, false, true, false},
      {13, 6, 5, 33, {tanh, sigmoid, 1, 0}, true, false, true},
      {29, 7, 20, 24, {tanh, hard, 0, 0}, true, false, false},
      {5, 3, 350, 40, {tanh, sigmoid, 1, 0}, true, true, false},
      {64, 4, 30, 64, {tanh, sigmoid, 0, 0}, true, false, false},
      // Without a workspace in several parts; with larger weights errors could grow beyond all bounds.
      {18, 50, 3, 64, {tanh, sigmoid, 1, 1}, false, true, true, 0.1},
  };
  const int64_t last = code(RecurrentActivation::Count) - 1;
  // Of gates that are not bounded, states would grow beyond all numbers.
  const int64_t gates[] = {tanh, sigmoid, hard, code(RecurrentActivation::Softsign)};
  for (int64_t a = 0; a <= last; a++)
    list.push_back({4, 3, 5, 19, {a, gates[a % 4], a % 2, 0}, true, false, a % 2 == 0});
  for (int i = 0; i < 12 * repeats(); i++) {
    list.push_back({suite.draw(1, 30),
                    suite.draw(1, 6),
                    suite.draw(1, 40),
                    suite.draw(1, 50),
                    {suite.draw(0, last), gates[suite.draw(0, 3)], suite.draw(0, 1), suite.draw(0, 1)},
                    suite.chance(0.7),
                    suite.chance(0.4),
                    suite.chance(0.5),
                    1,
                    suite.chance(0.3)});
  }
  return list;
}

Spec when(bool there, Spec spec) { return there ? spec : absent(); }

// Weights small enough for values to stay apart from where activations saturate.
Spec weights(Suite& suite, int64_t rows, int64_t columns, double factor = 1) {
  Spec spec = f32({rows, columns});
  const double scale = factor / std::sqrt(static_cast<double>(rows));
  for (int64_t i = 0; i < rows * columns; i++)
    spec.values.push_back(
        static_cast<double>(static_cast<float>(scale * static_cast<double>(suite.draw(-1000, 1000)) / 577)));
  return spec;
}

Spec mask_of(Suite& suite, const Case& c) {
  Spec spec = f32({c.batch, c.steps});
  for (int64_t i = 0; i < c.batch * c.steps; i++) spec.values.push_back(suite.chance(0.6) ? 1 : 0);
  return when(c.mask, spec);
}

void add_forward(Suite& suite, const Kind& kind) {
  for (const Case& c : cases(suite)) {
    const int64_t columns = kind.gates * c.units;
    const Spec state = f32({c.batch, c.units});
    std::vector<Spec> inputs = {f32({c.batch, c.steps, c.depth}),
                                weights(suite, c.depth, columns),
                                weights(suite, c.units, columns, c.scale),
                                when(c.bias, f32({columns})),
                                mask_of(suite, c),
                                when(c.factors, state),
                                when(c.states, state)};
    const Spec y = c.params.returnSequences ? f32({c.batch, c.steps, c.units}) : state;
    const Spec kept = f32({c.batch, kind.workspace(c.steps, c.units)});
    std::vector<Spec> outputs = {y, when(!c.mask || c.bias, kept), when(c.states, state)};
    if (kind.carries) {
      inputs.push_back(when(c.states, state));
      outputs.push_back(when(c.states, state));
    }
    suite.add(inputs, outputs, c.params);
  }
}

void add_gradient(Suite& suite, const Kind& kind) {
  for (const Case& c : cases(suite)) {
    if (c.batch == 0) continue;
    const int64_t columns = kind.gates * c.units;
    const Spec state = f32({c.batch, c.units}),
               kept = f32({c.batch, kind.workspace(c.steps, c.units)}, Fill::Unit);
    const Spec y = c.params.returnSequences ? f32({c.batch, c.steps, c.units}) : state;
    const Spec x = f32({c.batch, c.steps, c.depth}), kernel = weights(suite, c.depth, columns),
               recurrent = weights(suite, c.units, columns, c.scale), bias = f32({columns});
    std::vector<Spec> inputs = {
        y, x, kernel, recurrent, kept, mask_of(suite, c), when(c.factors, state), when(c.states, state)};
    std::vector<Spec> outputs = {when(!c.mask, x), f32(kernel.dims), f32(recurrent.dims), when(c.bias, bias),
                                 when(c.states, state)};
    if (kind.carries) {
      inputs.push_back(when(c.states, state));
      outputs.push_back(when(c.states, state));
    }
    suite.add(inputs, outputs, c.params);
  }
}

// Twins' derivatives, with a mask and states.
constexpr int64_t kBatch = 2, kSteps = 3, kDepth = 3, kUnits = 4;
using Twin = reference::Function;

struct Twins {
  Kind kind;
  Twin forward, gradient;
  RecurrentParams params;

  std::vector<std::vector<int64_t>> shapes() const {
    const int64_t columns = kind.gates * kUnits;
    std::vector<std::vector<int64_t>> list = {
        {kBatch, kSteps, kDepth}, {kDepth, columns}, {kUnits, columns}, {columns}, {kBatch, kUnits}};
    if (kind.carries) list.push_back({kBatch, kUnits});
    return list;
  }

  reference::Tensor mask() const {
    reference::Tensor t;
    t.dims = {kBatch, kSteps};
    t.value = {1, 0, 1, 1, 1, 0};
    return t;
  }

  reference::Tensor factors() const {
    reference::Tensor t;
    t.dims = {kBatch, kUnits};
    t.value = {2, 0, 2, 2, 0.5, 1, -1, 0};
    return t;
  }

  std::vector<reference::Tensor> run(const std::vector<reference::Tensor>& in) const {
    std::vector<reference::Tensor> inputs = {in[0], in[1], in[2], in[3], mask(), factors(), in[4]};
    if (kind.carries) inputs.push_back(in[5]);
    std::vector<reference::Tensor> outputs(4);
    outputs[0].dims = {kBatch, kSteps, kUnits};
    if (!params.returnSequences) outputs[0].dims = {kBatch, kUnits};
    outputs[1].dims = {kBatch, kind.workspace(kSteps, kUnits)};
    double encoded[8];
    params.encode(encoded);
    forward(inputs, outputs, encoded);
    return outputs;
  }

  Forward result() const {
    return [self = *this](const std::vector<reference::Tensor>& in) { return self.run(in)[0]; };
  }

  // Of forward's input `of`: outputs are in another order.
  Gradient derivative(size_t of) const {
    return [self = *this, of](const std::vector<reference::Tensor>& in, const reference::Tensor& dy) {
      std::vector<reference::Tensor> inputs = {dy,          in[0],          in[1], in[2], self.run(in)[1],
                                               self.mask(), self.factors(), {},    {}};
      std::vector<reference::Tensor> outputs(6);
      const auto dims = self.shapes();
      for (size_t i = 0; i < dims.size(); i++) outputs[i].dims = dims[i];
      double encoded[8];
      self.params.encode(encoded);
      self.gradient(inputs, outputs, encoded);
      return outputs[of];
    };
  }
};

std::vector<GradientCheck> checks_of(const char* name, const Twins& twins) {
  std::vector<GradientCheck> list;
  const size_t count = twins.shapes().size();
  for (size_t of = 0; of < count; of++)
    list.emplace_back(name, twins.shapes(), static_cast<int>(of), twins.result(), twins.derivative(of));
  return list;
}

const RecurrentParams kSequences{static_cast<int64_t>(RecurrentActivation::Tanh),
                                 static_cast<int64_t>(RecurrentActivation::Sigmoid), 1, 1};
const RecurrentParams kLast{static_cast<int64_t>(RecurrentActivation::Softsign),
                            static_cast<int64_t>(RecurrentActivation::Sigmoid), 0, 0};

const std::vector<GradientCheck> checks[] = {
    checks_of("SimpleRNN", {kSimpleRNN, reference::SimpleRNN, reference::SimpleRNNGrad, kSequences}),
    checks_of("SimpleRNN last", {kSimpleRNN, reference::SimpleRNN, reference::SimpleRNNGrad, kLast}),
    checks_of("GRU", {kGRU, reference::GRU, reference::GRUGrad, kSequences}),
    checks_of("GRU last", {kGRU, reference::GRU, reference::GRUGrad, kLast}),
    checks_of("LSTM", {kLSTM, reference::LSTM, reference::LSTMGrad, kSequences}),
    checks_of("LSTM last", {kLSTM, reference::LSTM, reference::LSTMGrad, kLast}),
};

}  // namespace

TFJS_CASES(SimpleRNN) { add_forward(suite, kSimpleRNN); }
TFJS_CASES(GRU) { add_forward(suite, kGRU); }
TFJS_CASES(LSTM) { add_forward(suite, kLSTM); }
TFJS_CASES(SimpleRNNGrad) { add_gradient(suite, kSimpleRNN); }
TFJS_CASES(GRUGrad) { add_gradient(suite, kGRU); }
TFJS_CASES(LSTMGrad) { add_gradient(suite, kLSTM); }

}  // namespace tfjs::test

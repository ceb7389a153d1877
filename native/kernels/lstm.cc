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
      : packed_(pack_all(scratch, recurrent, s.columns(), s.units, s.columns(), false)), activations_(p) {}

  template <class Counts>
  [[gnu::always_inline]] void advance(const Sequence& s, const Workspace& w, int64_t begin, int64_t end,
                                      const float* factors, const Counts& counts) const {
    const int64_t u = s.units;
    Scratch own;
    float* multiplied = factors == nullptr ? nullptr : own.get<float>((end - begin) * u);
    for (int64_t t = 0; t < s.steps; t++) {
      const int64_t first = t * s.batch + begin;
      multiply(taken(w.h + t * s.state(), factors, begin, end, u, multiplied), u, packed_,
               w.gates + first * s.columns(), s.columns(), end - begin, true);
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = t * s.batch + b, next = row + s.batch;
        float *i = w.gates + row * s.columns(), *f = i + u, *g = f + u, *o = g + u;
        float *h = w.h + next * u, *c = w.c + next * u;
        if (!counts(t, b)) {
          copy_floats(h, w.h + row * u, u);
          copy_floats(c, w.c + row * u, u);
          continue;
        }
        activate(activations_.gate, i, 2 * u);
        activate(activations_.cell, g, u);
        activate(activations_.gate, o, u);
        const float* before = w.c + row * u;
        each_of(u, [=](auto get, auto put) {
          const vf32 sum = get(f) * get(before) + get(i) * get(g);
          put(c, sum);
          put(h, sum);
        });
        activate(activations_.cell, h, u);
        each_of(u, [=](auto get, auto put) { put(h, get(h) * get(o)); });
      }
    }
  }

 private:
  Packed packed_;
  Activations activations_;
};

class Back {
 public:
  [[gnu::always_inline]] Back(Scratch& scratch, const Sequence& s, const float* recurrent,
                              const RecurrentParams& p)
      : packed_(pack_all(scratch, recurrent, s.columns(), s.columns(), s.units, true)), activations_(p) {}

  template <class Give, class Counts>
  [[gnu::always_inline]] void retreat(const Sequence& s, const Workspace& w, const Gradients& d,
                                      int64_t begin, int64_t end, const float* factors, const Give& give,
                                      const Counts& counts) const {
    const int64_t u = s.units;
    Scratch own;
    float* slope = own.get<float>(u);
    for (int64_t t = s.steps - 1; t >= 0; t--) {
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = t * s.batch + b, next = row + s.batch;
        float *di = d.gates + row * s.columns(), *df = di + u, *dg = df + u, *dO = dg + u;
        float *h = d.h + b * u, *c = d.c + b * u;
        give(t, b);
        if (!counts(t, b)) {
          fill_zero(di, s.columns());
          continue;
        }
        const float *i = w.gates + row * s.columns(), *f = i + u, *g = f + u, *o = g + u;
        const float *before = w.c + row * u, *after = w.c + next * u;
        copy_floats(slope, after, u);
        activate(activations_.cell, slope, u);
        // The gradient of c through h, before the activation's slope.
        each_of(u, [=](auto get, auto put) {
          put(dO, get(h) * get(slope));
          put(dg, get(h) * get(o));
        });
        multiply_slope(activations_.cell, slope, dg, u);
        each_of(u, [=](auto get, auto put) {
          const vf32 sum = get(c) + get(dg);
          put(di, sum * get(g));
          put(df, sum * get(before));
          put(dg, sum * get(i));
          put(c, sum * get(f));
        });
        multiply_slope(activations_.gate, i, di, 2 * u);
        multiply_slope(activations_.cell, g, dg, u);
        multiply_slope(activations_.gate, o, dO, u);
        // Where a step does not count, its gradient goes on to the one before.
        fill_zero(h, u);
      }
      hand_back(s, d, packed_, t, begin, end, factors, counts);
    }
  }

  TFJS_INLINE void recurrent_gradient(const Sequence& s, const Workspace&, const float* h, const float* gates,
                                      float* to) {
    weight_gradient(s, h, s.units, gates, s.columns(), to);
  }

 private:
  Packed packed_;
  Activations activations_;
};

}  // namespace

// x, kernel, recurrentKernel, bias?, mask?, factors?, h0?, c0? -> y?, workspace?, h?, c?
Status LSTM(const Args& args) { return forward<Cell>(args); }

// dy?, x, kernel, recurrentKernel, workspace, mask?, factors?, dh?, dc?
//   -> dx?, dkernel?, drecurrentKernel?, dbias?, dh0?, dc0?
Status LSTMGrad(const Args& args) { return backward<Cell, Back>(args); }

}  // namespace tfjs::TFJS_ISA

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
      : packed_(pack_all(scratch, recurrent, s.units, s.units, s.units, false)), activations_(p) {}

  template <class Counts>
  [[gnu::always_inline]] void advance(const Sequence& s, const Workspace& w, int64_t begin, int64_t end,
                                      const float* factors, const Counts& counts) const {
    const int64_t u = s.units;
    Scratch own;
    float* multiplied = factors == nullptr ? nullptr : own.get<float>((end - begin) * u);
    for (int64_t t = 0; t < s.steps; t++) {
      const float* before = w.h + (t * s.batch + begin) * u;
      float* h = w.h + ((t + 1) * s.batch + begin) * u;
      multiply(taken(w.h + t * s.state(), factors, begin, end, u, multiplied), u, packed_, h, u, end - begin,
               true);
      for (int64_t b = begin; b < end; b++, h += u, before += u) {
        if (counts(t, b))
          activate(activations_.cell, h, u);
        else
          copy_floats(h, before, u);
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
      : packed_(pack_all(scratch, recurrent, s.units, s.units, s.units, true)), activations_(p) {}

  template <class Give, class Counts>
  [[gnu::always_inline]] void retreat(const Sequence& s, const Workspace& w, const Gradients& d,
                                      int64_t begin, int64_t end, const float* factors, const Give& give,
                                      const Counts& counts) const {
    const int64_t u = s.units;
    for (int64_t t = s.steps - 1; t >= 0; t--) {
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = t * s.batch + b;
        float *to = d.gates + row * u, *h = d.h + b * u;
        give(t, b);
        if (!counts(t, b)) {
          fill_zero(to, u);
          continue;
        }
        copy_floats(to, h, u);
        multiply_slope(activations_.cell, w.h + (row + s.batch) * u, to, u);
        // Where a step does not count, its gradient goes on to the one before.
        fill_zero(h, u);
      }
      hand_back(s, d, packed_, t, begin, end, factors, counts);
    }
  }

  TFJS_INLINE void recurrent_gradient(const Sequence& s, const Workspace&, const float* h, const float* gates,
                                      float* to) {
    weight_gradient(s, h, s.units, gates, s.units, to);
  }

 private:
  Packed packed_;
  Activations activations_;
};

}  // namespace

// x, kernel, recurrentKernel, bias?, mask?, factors?, h0? -> y?, workspace?, h?
Status SimpleRNN(const Args& args) { return forward<Cell>(args); }

// dy?, x, kernel, recurrentKernel, workspace, mask?, factors?, dh? -> dx?, dkernel?, drecurrentKernel?,
// dbias?, dh0?
Status SimpleRNNGrad(const Args& args) { return backward<Cell, Back>(args); }

}  // namespace tfjs::TFJS_ISA

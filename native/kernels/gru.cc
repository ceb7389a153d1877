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
        activations_(p) {}

  template <class Counts>
  [[gnu::always_inline]] void advance(const Sequence& s, const Workspace& w, int64_t begin, int64_t end,
                                      const float* factors, const Counts& counts) const {
    const int64_t u = s.units;
    Scratch own;
    float* multiplied = factors == nullptr ? nullptr : own.get<float>((end - begin) * u);
    for (int64_t t = 0; t < s.steps; t++) {
      const int64_t first = t * s.batch + begin;
      float* gates = w.gates + first * s.columns();
      const float* states = taken(w.h + t * s.state(), factors, begin, end, u, multiplied);
      multiply(states, u, zr_, gates, s.columns(), end - begin, true);
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = t * s.batch + b;
        float *z = w.gates + row * s.columns(), *r = z + u, *rh = w.c + row * u;
        const float* h = states + (b - begin) * u;
        activate(activations_.gate, z, 2 * u);
        each_of(u, [=](auto get, auto put) { put(rh, get(r) * get(h)); });
      }
      multiply(w.c + first * u, u, candidate_, gates + 2 * u, s.columns(), end - begin, true);
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = t * s.batch + b;
        float *z = w.gates + row * s.columns(), *c = z + 2 * u;
        const float* before = states + (b - begin) * u;
        float* h = w.h + (row + s.batch) * u;
        if (!counts(t, b)) {
          copy_floats(h, w.h + row * u, u);
          continue;
        }
        activate(activations_.cell, c, u);
        each_of(u, [=](auto get, auto put) { put(h, get(z) * get(before) + (1.0f - get(z)) * get(c)); });
      }
    }
  }

 private:
  Packed zr_, candidate_;
  Activations activations_;
};

class Back {
 public:
  [[gnu::always_inline]] Back(Scratch& scratch, const Sequence& s, const float* recurrent,
                              const RecurrentParams& p)
      : zr_(pack_all(scratch, recurrent, s.columns(), 2 * s.units, s.units, true)),
        candidate_(pack_all(scratch, recurrent + 2 * s.units, s.columns(), s.units, s.units, true)),
        activations_(p) {}

  template <class Give, class Counts>
  [[gnu::always_inline]] void retreat(const Sequence& s, const Workspace& w, const Gradients& d,
                                      int64_t begin, int64_t end, const float* factors, const Give& give,
                                      const Counts& counts) const {
    const int64_t u = s.units;
    Scratch own;
    // The gradients of r h.
    float* products = own.get<float>((end - begin) * u);
    float* multiplied = factors == nullptr ? nullptr : own.get<float>((end - begin) * u);
    for (int64_t t = s.steps - 1; t >= 0; t--) {
      const float* states = taken(w.h + t * s.state(), factors, begin, end, u, multiplied);
      float* gradients = d.gates + (t * s.batch + begin) * s.columns();
      for (int64_t b = begin; b < end; b++) {
        const int64_t row = t * s.batch + b;
        float *dz = d.gates + row * s.columns(), *dcandidate = dz + 2 * u, *h = d.h + b * u;
        give(t, b);
        if (!counts(t, b)) {
          fill_zero(dz, s.columns());
          continue;
        }
        const float *z = w.gates + row * s.columns(), *c = z + 2 * u, *before = states + (b - begin) * u;
        each_of(u, [=](auto get, auto put) {
          put(dz, get(h) * (get(before) - get(c)));
          put(dcandidate, get(h) * (1.0f - get(z)));
        });
        multiply_slope(activations_.gate, z, dz, u);
        multiply_slope(activations_.cell, c, dcandidate, u);
      }
      multiply(gradients + 2 * u, s.columns(), candidate_, products, u, end - begin, false);
      for (int64_t b = begin; b < end; b++) {
        if (!counts(t, b)) continue;
        const int64_t row = t * s.batch + b;
        const float *z = w.gates + row * s.columns(), *r = z + u, *before = states + (b - begin) * u;
        float *dr = d.gates + row * s.columns() + u, *h = d.h + b * u, *product = products + (b - begin) * u;
        each_of(u, [=](auto get, auto put) {
          put(dr, get(product) * get(before));
          put(h, get(h) * get(z) + get(product) * get(r));
        });
        multiply_slope(activations_.gate, r, dr, u);
      }
      hand_back(s, d, zr_, t, begin, end, factors, counts);
    }
  }

  TFJS_INLINE void recurrent_gradient(const Sequence& s, const Workspace& w, const float* h,
                                      const float* gates, float* to) {
    const int64_t u = s.units;
    weight_gradient(s, h, u, gates, 2 * u, to);
    weight_gradient(s, w.c, u, gates + 2 * u, u, to + 2 * u);
  }

 private:
  Packed zr_, candidate_;
  Activations activations_;
};

}  // namespace

// x, kernel, recurrentKernel, bias?, mask?, factors?, h0? -> y?, workspace?, h?
Status GRU(const Args& args) { return forward<Cell>(args); }

// dy?, x, kernel, recurrentKernel, workspace, mask?, factors?, dh? -> dx?, dkernel?, drecurrentKernel?,
// dbias?, dh0?
Status GRUGrad(const Args& args) { return backward<Cell, Back>(args); }

}  // namespace tfjs::TFJS_ISA

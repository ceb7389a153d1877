#include "reference/reference.h"

namespace tfjs::reference {
namespace {

// y[o, i] = finish(step(... step(start(first), second) ...)) over the middle dimension of x, in its order.
template <class Visit>
void each_column(const Tensor& x, Visit visit) {
  const int64_t outer = x.dims[0], reduce = x.dims[1], inner = x.dims[2];
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++)
      visit(static_cast<size_t>(o * inner + i), [&](auto element) {
        for (int64_t r = 0; r < reduce; r++)
          element(x.value[static_cast<size_t>((o * reduce + r) * inner + i)], r);
      });
}

// Storing a number into an Int32Array keeps it modulo 2^32.
double wrapped(double x) {
  if (!std::isfinite(x)) return 0;
  const double two32 = 4294967296.0;
  const double rest = x - std::floor(x / two32) * two32;
  return rest >= two32 / 2 ? rest - two32 : rest;
}

// The sums are made in double, n additions with a rounding of 2^-53 each: 2^-29 of one of float's.
double steps_of_doubles(const Tensor& x) { return 1 + std::ldexp(static_cast<double>(x.dims[1]), -28); }

template <class Better>
void extreme(const Tensor& x, Tensor& y, Better better) {
  y.value.assign(static_cast<size_t>(y.size()), 0);
  each_column(x, [&](size_t o, auto elements) {
    elements([&](double v, int64_t r) {
      if (r == 0 || std::isnan(v) || better(v, y.value[o])) y.value[o] = v;
    });
  });
}

template <class Better>
void where_extreme(const Tensor& x, Tensor& y, Better better) {
  y.value.assign(static_cast<size_t>(y.size()), 0);
  each_column(x, [&](size_t o, auto elements) {
    double best = 0;
    elements([&](double v, int64_t r) {
      if (r > 0 && !better(v, best)) return;
      best = v;
      y.value[o] = static_cast<double>(r);
    });
  });
}

bool larger(double a, double b) { return a > b; }
bool smaller(double a, double b) { return a < b; }

}  // namespace

void Sum(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  y.clear();
  each_column(x, [&](size_t o, auto elements) {
    elements([&](double v, int64_t) {
      y.value[o] += v;
      y.magnitude[o] += std::abs(v);
    });
    if (y.dtype == DType::Int32) y.value[o] = wrapped(y.value[o]);
  });
  y.rounding_steps = steps_of_doubles(x);
}

void Mean(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  y.clear();
  const double count = static_cast<double>(x.dims[1]);
  each_column(x, [&](size_t o, auto elements) {
    elements([&](double v, int64_t) {
      y.value[o] += v / count;
      y.magnitude[o] += std::abs(v) / count;
    });
  });
  y.rounding_steps = steps_of_doubles(x);
}

void Prod(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  y.value.assign(static_cast<size_t>(y.size()), 1);
  each_column(x, [&](size_t o, auto elements) {
    elements([&](double v, int64_t) { y.value[o] *= v; });
    if (y.dtype == DType::Int32) y.value[o] = wrapped(y.value[o]);
  });
}

void Max(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  extreme(inputs[0], outputs[0], larger);
}
void Min(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  extreme(inputs[0], outputs[0], smaller);
}
void Any(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  extreme(inputs[0], outputs[0], larger);
}
void All(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  extreme(inputs[0], outputs[0], smaller);
}
void ArgMax(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  where_extreme(inputs[0], outputs[0], larger);
}
void ArgMin(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  where_extreme(inputs[0], outputs[0], smaller);
}

}  // namespace tfjs::reference

#include <algorithm>

#include "reference/reference.h"

namespace tfjs::reference {
namespace {

struct Window {
  PoolParams p;
  const Tensor& x;
  const Tensor& y;

  size_t at(const Tensor& t, int64_t n, int64_t row, int64_t col, int64_t c) const {
    return static_cast<size_t>(((n * t.dims[1] + row) * t.dims[2] + col) * t.dims[3] + c);
  }
  // visit(y's element, visit_cells), for each window; visit_cells(f) calls f(x's element) for its cells in
  // the image, row by row.
  template <class Visit>
  void each(Visit visit) const {
    for (int64_t n = 0; n < y.dims[0]; n++)
      for (int64_t row = 0; row < y.dims[1]; row++)
        for (int64_t col = 0; col < y.dims[2]; col++)
          for (int64_t c = 0; c < y.dims[3]; c++)
            visit(at(y, n, row, col, c), [&](auto cell) {
              const int64_t top = row * p.strideHeight - p.padTop, left = col * p.strideWidth - p.padLeft;
              const int64_t bottom = std::min(top + p.windowHeight, x.dims[1]);
              const int64_t right = std::min(left + p.windowWidth, x.dims[2]);
              for (int64_t r = std::max<int64_t>(top, 0); r < bottom; r++)
                for (int64_t s = std::max<int64_t>(left, 0); s < right; s++) cell(at(x, n, r, s, c));
            });
  }
  double cells() const { return static_cast<double>(p.windowHeight) * static_cast<double>(p.windowWidth); }
  // How many cells of the image one window can have, and how many windows can cover one cell.
  double inside() const {
    return static_cast<double>(std::min(p.windowHeight, x.dims[1]) * std::min(p.windowWidth, x.dims[2]));
  }
  double overlaps() const {
    return static_cast<double>(std::min(p.windowHeight / p.strideHeight + 1, y.dims[1]) *
                               std::min(p.windowWidth / p.strideWidth + 1, y.dims[2]));
  }
};

}  // namespace

void MaxPool(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  y.value.assign(static_cast<size_t>(y.size()), -INFINITY);
  Window{PoolParams::decode(params), x, y}.each([&](size_t o, auto cells) {
    // NaN is not larger than anything.
    cells([&](size_t i) {
      if (x.value[i] > y.value[o]) y.value[o] = x.value[i];
    });
  });
}

void MaxPoolGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor &dy = inputs[0], &x = inputs[1];
  Tensor& dx = outputs[0];
  dx.clear();
  const Window window{PoolParams::decode(params), x, dy};
  window.each([&](size_t o, auto cells) {
    double best = -INFINITY;
    int64_t first = -1;
    cells([&](size_t i) {
      if (x.value[i] > best) {
        best = x.value[i];
        first = static_cast<int64_t>(i);
      }
    });
    if (first < 0) return;
    dx.value[static_cast<size_t>(first)] += dy.value[o];
    dx.magnitude[static_cast<size_t>(first)] += std::abs(dy.value[o]);
  });
  // One addition a window.
  dx.rounding_steps = window.overlaps();
}

void AvgPool(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& x = inputs[0];
  Tensor& y = outputs[0];
  y.clear();
  const Window window{PoolParams::decode(params), x, y};
  window.each([&](size_t o, auto cells) {
    double count = 0;
    cells([&](size_t i) {
      y.value[o] += x.value[i];
      y.magnitude[o] += std::abs(x.value[i]);
      count++;
    });
    y.value[o] /= count;
    y.magnitude[o] /= count;
  });
  // The additions and the division.
  y.rounding_steps = window.inside() + 1;
}

void AvgPoolGrad(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double* params) {
  const Tensor& dy = inputs[0];
  Tensor& dx = outputs[0];
  dx.clear();
  const Window window{PoolParams::decode(params), dx, dy};
  window.each([&](size_t o, auto cells) {
    cells([&](size_t i) {
      dx.value[i] += dy.value[o] / window.cells();
      dx.magnitude[i] += std::abs(dy.value[o]) / window.cells();
    });
  });
  // An addition a window, the reciprocal of the area and the product with that.
  dx.rounding_steps = window.overlaps() + 2;
}

}  // namespace tfjs::reference

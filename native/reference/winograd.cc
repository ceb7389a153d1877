#include "reference/winograd.h"

#include "core/winograd.h"

namespace tfjs::reference {
namespace {

using Matrix = std::vector<std::vector<double>>;

// The absolute values of the transforms' matrices.
struct Transforms {
  Matrix data, filter, result;  // B', G, A'
  Matrix signed_filter;

  explicit Transforms(int tile) {
    std::vector<double> points = {0, 1, -1};
    if (tile == 4) points = {0, kWinogradA, -kWinogradA, kWinogradB, -kWinogradB};
    if (tile == 5)
      points = {kWinogradA / 2, -kWinogradA / 2, kWinogradA, -kWinogradA, kWinogradB, -kWinogradB};
    const int finite = static_cast<int>(points.size()), edge = finite + 1;
    // Coefficients of the product of x - p over all points but one; of all for infinity.
    for (int left_out = 0; left_out < edge; left_out++) {
      std::vector<double> polynomial = {1};
      double distance = 1;
      for (int i = 0; i < finite; i++) {
        if (i == left_out) continue;
        std::vector<double> next(polynomial.size() + 1, 0.0);
        for (size_t k = 0; k < polynomial.size(); k++) {
          next[k + 1] += polynomial[k];
          next[k] -= polynomial[k] * points[static_cast<size_t>(i)];
        }
        polynomial = next;
        if (left_out < finite)
          distance *= points[static_cast<size_t>(left_out)] - points[static_cast<size_t>(i)];
      }
      polynomial.resize(static_cast<size_t>(edge), 0.0);
      data.push_back(absolute(polynomial));
      std::vector<double> powers = {0, 0, 1};
      if (left_out < finite) {
        const double p = points[static_cast<size_t>(left_out)];
        powers = {1 / distance, p / distance, p * p / distance};
      }
      signed_filter.push_back(powers);
      filter.push_back(absolute(powers));
    }
    // The usual form for 2x2 has the signs of both factors for 0 turned.
    if (tile == 2) signed_filter[0] = {1, 0, 0};
    for (int row = 0; row < tile; row++) {
      std::vector<double> powers;
      for (double p : points) powers.push_back(std::abs(std::pow(p, row)));
      powers.push_back(row == tile - 1 ? 1 : 0);
      result.push_back(powers);
    }
  }

  static std::vector<double> absolute(std::vector<double> values) {
    for (double& v : values) v = std::abs(v);
    return values;
  }
};

Matrix transposed(const Matrix& m) {
  Matrix t(m[0].size(), std::vector<double>(m.size()));
  for (size_t i = 0; i < m.size(); i++) {
    for (size_t j = 0; j < m[0].size(); j++) t[j][i] = m[i][j];
  }
  return t;
}

// m * square * m'
Matrix around(const Matrix& m, const Matrix& square) {
  auto product = [](const Matrix& a, const Matrix& b) {
    Matrix c(a.size(), std::vector<double>(b[0].size(), 0.0));
    for (size_t i = 0; i < a.size(); i++) {
      for (size_t k = 0; k < b.size(); k++) {
        for (size_t j = 0; j < b[0].size(); j++) c[i][j] += a[i][k] * b[k][j];
      }
    }
    return c;
  };
  return product(product(m, square), transposed(m));
}

template <class F>
Matrix square(int64_t edge, F value) {
  Matrix m(static_cast<size_t>(edge), std::vector<double>(static_cast<size_t>(edge)));
  for (int64_t y = 0; y < edge; y++) {
    for (int64_t x = 0; x < edge; x++) m[static_cast<size_t>(y)][static_cast<size_t>(x)] = value(y, x);
  }
  return m;
}

template <class F>
Matrix absolute_square(int64_t edge, F value) {
  return square(edge, [&](int64_t y, int64_t x) { return std::abs(value(y, x)); });
}

void add_products(Matrix& sums, const Matrix& a, const Matrix& b) {
  for (size_t i = 0; i < sums.size(); i++) {
    for (size_t j = 0; j < sums.size(); j++) sums[i][j] += a[i][j] * b[i][j];
  }
}

// Each transform rounds at most five times a dimension, its constants once; forth, of two factors, and back.
constexpr double kTransformSteps = 3 * 2 * 6;

}  // namespace

void WinogradFilter(const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, const double*) {
  const Tensor& filter = inputs[0];
  Tensor& to = outputs[0];
  to.clear();
  const int64_t edge = std::lround(std::sqrt(to.dims[0])), depth = filter.dims[2], columns = filter.dims[3];
  const int64_t pitch = (columns + 31) / 32 * 32;
  const Transforms transforms(static_cast<int>(edge) - 2);
  for (int64_t k = 0; k < depth; k++) {
    for (int64_t c = 0; c < columns; c++) {
      const auto at = [&](int64_t y, int64_t x) {
        return filter.value[static_cast<size_t>(((y * 3 + x) * depth + k) * columns + c)];
      };
      const Matrix value = around(transforms.signed_filter, square(3, at));
      const Matrix magnitude = around(transforms.filter, absolute_square(3, at));
      for (int64_t i = 0; i < edge * edge; i++) {
        const size_t row = static_cast<size_t>(i / edge), column = static_cast<size_t>(i % edge);
        const size_t place = static_cast<size_t>(i * to.dims[1] + k * pitch + c);
        to.value[place] = value[row][column];
        to.magnitude[place] = magnitude[row][column];
      }
    }
  }
  to.rounding_steps = kTransformSteps / 3;
}

void bound_winograd_product(int tile, const Image& data, const Image& filter, int64_t depth, Tensor& y) {
  const Transforms transforms(tile);
  const int64_t height = y.dims[1], width = y.dims[2], columns = y.dims[3], edge = tile + 2;
  std::vector<Matrix> weights;
  for (int64_t c = 0; c < depth; c++) {
    for (int64_t k = 0; k < columns; k++) {
      weights.push_back(around(transforms.filter, absolute_square(3, [&](int64_t ky, int64_t kx) {
                                 return filter(ky, kx, c, k);
                               })));
    }
  }
  for (int64_t n = 0; n < y.dims[0]; n++) {
    for (int64_t top = 0; top < height; top += tile) {
      for (int64_t left = 0; left < width; left += tile) {
        std::vector<Matrix> values;
        for (int64_t c = 0; c < depth; c++) {
          values.push_back(around(transforms.data, absolute_square(edge, [&](int64_t j, int64_t i) {
                                    return data(n, top + j, left + i, c);
                                  })));
        }
        for (int64_t k = 0; k < columns; k++) {
          Matrix sums = square(edge, [](int64_t, int64_t) { return 0.0; });
          for (int64_t c = 0; c < depth; c++) {
            add_products(sums, values[static_cast<size_t>(c)], weights[static_cast<size_t>(c * columns + k)]);
          }
          const Matrix result = around(transforms.result, sums);
          for (int64_t j = 0; j < tile && top + j < height; j++) {
            for (int64_t i = 0; i < tile && left + i < width; i++) {
              y.magnitude[static_cast<size_t>(((n * height + top + j) * width + left + i) * columns + k)] =
                  result[static_cast<size_t>(j)][static_cast<size_t>(i)];
            }
          }
        }
      }
    }
  }
  y.rounding_steps = static_cast<double>(depth) + 1 + kTransformSteps;
}

void bound_winograd_filter(int tile, const Image& data, const Tensor& dy, Tensor& dw) {
  const Transforms transforms(tile);
  const int64_t batch = dy.dims[0], height = dy.dims[1], width = dy.dims[2], columns = dy.dims[3];
  const int64_t depth = dw.dims[2], edge = tile + 2;
  const Matrix to_dy = transposed(transforms.result), to_dw = transposed(transforms.filter);
  std::vector<Matrix> sums(static_cast<size_t>(depth * columns),
                           square(edge, [](int64_t, int64_t) { return 0.0; }));
  int64_t tiles = 0;
  for (int64_t n = 0; n < batch; n++) {
    for (int64_t top = 0; top < height; top += tile) {
      for (int64_t left = 0; left < width; left += tile, tiles++) {
        std::vector<Matrix> gradients;
        for (int64_t k = 0; k < columns; k++) {
          gradients.push_back(around(
              to_dy, absolute_square(tile, [&](int64_t j, int64_t i) {
                if (top + j >= height || left + i >= width) return 0.0;
                return dy
                    .value[static_cast<size_t>(((n * height + top + j) * width + left + i) * columns + k)];
              })));
        }
        for (int64_t c = 0; c < depth; c++) {
          const Matrix values = around(transforms.data, absolute_square(edge, [&](int64_t j, int64_t i) {
                                         return data(n, top + j, left + i, c);
                                       }));
          for (int64_t k = 0; k < columns; k++) {
            add_products(sums[static_cast<size_t>(c * columns + k)], values,
                         gradients[static_cast<size_t>(k)]);
          }
        }
      }
    }
  }
  for (int64_t i = 0; i < depth * columns; i++) {
    const Matrix result = around(to_dw, sums[static_cast<size_t>(i)]);
    for (int64_t t = 0; t < 9; t++) {
      dw.magnitude[static_cast<size_t>(t * depth * columns + i)] =
          result[static_cast<size_t>(t / 3)][static_cast<size_t>(t % 3)];
    }
  }
  dw.rounding_steps = static_cast<double>(tiles) + 1 + kTransformSteps;
}

}  // namespace tfjs::reference

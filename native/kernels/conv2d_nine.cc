// Convolutions whose results are sums of nine products (3x3 of one channel, as of gray images): the filter
// stays in registers while pixels go by, where tiles of pixels with tables of pointers would cost more than
// the products.
#include "kernels/conv2d.h"

namespace tfjs::TFJS_ISA {
namespace {

constexpr int kTerms = 9;
// The filter, the sums and a spare register fill the registers.
constexpr int kVectors = kRegisters == 32 ? 2 : 1;
constexpr int kPixels = kRegisters == 32 ? 5 : 6;

// Pixels [0, kCount) from x and y on, columns [0, n) of at most kVectors vectors.
template <int kCount>
TFJS_INLINE void pixels(const float* x, int64_t step, const int64_t* offsets,
                        const vf32 (&weight)[kTerms][kVectors], const vf32 (&bias)[kVectors], float* y,
                        int64_t pitch, int64_t n, const Epilogue& epilogue) {
  vf32 sum[kCount][kVectors];
  TFJS_UNROLL for (int p = 0; p < kCount; p++) {
    TFJS_UNROLL for (int v = 0; v < kVectors; v++) sum[p][v] = bias[v];
  }
  TFJS_UNROLL for (int t = 0; t < kTerms; t++) {
    const float* from = x + offsets[t];
    TFJS_UNROLL for (int p = 0; p < kCount; p++) {
      const vf32 value = splat(from[p * step]);
      TFJS_UNROLL for (int v = 0; v < kVectors; v++) sum[p][v] = fma(value, weight[t][v], sum[p][v]);
    }
  }
  if (epilogue.clamp) {
    const vf32 low = splat(epilogue.low), high = splat(epilogue.high);
    TFJS_UNROLL for (int p = 0; p < kCount; p++) {
      TFJS_UNROLL for (int v = 0; v < kVectors; v++) {
        // The sum second, so that NaN wins.
        sum[p][v] = low > sum[p][v] ? low : sum[p][v];
        sum[p][v] = high < sum[p][v] ? high : sum[p][v];
      }
    }
  }
  TFJS_UNROLL for (int p = 0; p < kCount; p++) {
    TFJS_UNROLL for (int v = 0; v < kVectors; v++) {
      const int64_t left = n - v * kLanes;
      if (left >= kLanes) {
        store(y + p * pitch + v * kLanes, sum[p][v]);
      } else if (left > 0) {
        store_first(y + p * pitch + v * kLanes, sum[p][v], left);
      }
    }
  }
}

// The columns from `column` on of a line of results.
void line(const NineProducts& p, const float* x, float* y, int64_t column) {
  const int64_t n = p.columns - column;
  auto read = [&](const float* from, int v) {
    const int64_t left = n - v * kLanes;
    return left >= kLanes ? load(from + v * kLanes) : left > 0 ? load_first(from + v * kLanes, left) : zero();
  };
  vf32 weight[kTerms][kVectors], bias[kVectors];
  TFJS_UNROLL for (int v = 0; v < kVectors; v++) {
    TFJS_UNROLL for (int t = 0; t < kTerms; t++) weight[t][v] = read(p.filter + t * p.columns + column, v);
    bias[v] = p.fusion.bias == nullptr ? zero() : read(p.fusion.bias + column, v);
  }
  const Epilogue epilogue = epilogue_of(p.fusion);
  int64_t i = 0;
  for (; i + kPixels <= p.width; i += kPixels) {
    pixels<kPixels>(x + i * p.step_x, p.step_x, p.offsets, weight, bias, y + i * p.columns + column,
                    p.columns, n, epilogue);
  }
  for (; i < p.width; i++) {
    pixels<1>(x + i * p.step_x, p.step_x, p.offsets, weight, bias, y + i * p.columns + column, p.columns, n,
              epilogue);
  }
}

}  // namespace

void nine_products(const NineProducts& p) {
  const double cost = static_cast<double>(p.width * ceil_div(p.columns, kLanes)) * 1.5 + 20;
  parallel_for(p.batch * p.height, cost, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; at++) {
      const float* x = p.x + at / p.height * p.image + at % p.height * p.step_y;
      float* y = p.y + at * p.width * p.columns;
      for (int64_t column = 0; column < p.columns; column += kVectors * kLanes) line(p, x, y, column);
      for (int64_t i = 0; i < p.width; i++) {
        float* pixel = y + i * p.columns;
        activate_tile(p.fusion, &pixel, 1, 0, p.columns);
      }
    }
  });
}

}  // namespace tfjs::TFJS_ISA

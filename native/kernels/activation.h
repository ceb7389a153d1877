// Bias and activation that a fused op applies to the result of its product while that is in the cache.
#pragma once
#include "core/params.h"
#include "core/scratch.h"
#include "core/tensor.h"
#include "gemm/micro_kernel.h"
#include "simd/math.h"

namespace tfjs::TFJS_ISA {

// y = activation(x + bias). Null: no bias; alpha is the slope below zero of Prelu and LeakyRelu.
struct Fusion {
  const float* bias = nullptr;  // one value a column
  Activation activation = Activation::Linear;
  const float* alpha = nullptr;  // one value a column
};

// The part of a fusion that the micro-kernel does while it stores; activate_tile() does the rest.
TFJS_INLINE Epilogue epilogue_of(const Fusion& fusion) {
  Epilogue e;
  e.bias = fusion.bias;
  e.clamp = fusion.activation == Activation::Relu || fusion.activation == Activation::Relu6;
  if (e.clamp) e.low = 0;
  if (fusion.activation == Activation::Relu6) e.high = 6;
  return e;
}

// Reads a fused op's optional inputs. Bias and the slopes of Prelu have one value, or one a column.
TFJS_INLINE Status read_fusion(Scratch& scratch, const Tensor& bias, const Tensor& prelu, int64_t activation,
                               float leakyrelu_alpha, int64_t columns, Fusion* fusion) {
  if (activation < 0 || activation >= static_cast<int64_t>(Activation::Count)) return Status::InvalidArgument;
  fusion->activation = static_cast<Activation>(activation);
  auto splat_columns = [&](float value) {
    float* each = scratch.get<float>(columns);
    for (int64_t j = 0; j < columns; j++) each[j] = value;
    return each;
  };
  auto values = [&](const Tensor& from) -> const float* {
    if (from.data == nullptr || from.size() == columns) return from.f32();
    return from.size() == 1 ? splat_columns(from.f32()[0]) : nullptr;
  };
  fusion->bias = values(bias);
  if (bias.data != nullptr && fusion->bias == nullptr) return Status::InvalidArgument;
  if (fusion->activation == Activation::LeakyRelu) fusion->alpha = splat_columns(leakyrelu_alpha);
  if (fusion->activation == Activation::Prelu) {
    fusion->alpha = values(prelu);
    if (fusion->alpha == nullptr && columns > 0) return Status::InvalidArgument;
  }
  return Status::Ok;
}

TFJS_INLINE vf32 slope(vf32 x, vf32 alpha) { return select(x < zero(), alpha * x, x); }
TFJS_INLINE vf32 elu(vf32 x) { return select(x >= zero(), x, expm1(x)); }

// Replaces c[r][column … column + columns) by f(value, alpha).
template <class F>
TFJS_INLINE void activate_columns(const float* alpha, float* const* c, int64_t rows, int64_t column,
                                  int64_t columns, F f) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t j = 0; j < columns; j += kLanes) {
      float* at = c[r] + column + j;
      const int64_t left = columns - j;
      const float* slopes = alpha == nullptr ? at : alpha + column + j;
      if (left >= kLanes) {
        store(at, f(load(at), load(slopes)));
      } else {
        store_first(at, f(load_first(at, left), load_first(slopes, left)), left);
      }
    }
  }
}

// Applies what epilogue_of() leaves over to a tile that the micro-kernel has stored.
TFJS_INLINE void activate_tile(const Fusion& fusion, float* const* c, int64_t rows, int64_t column,
                               int64_t columns) {
  switch (fusion.activation) {
    case Activation::Elu:
      return activate_columns(nullptr, c, rows, column, columns, [](vf32 x, vf32) { return elu(x); });
    case Activation::Sigmoid:
      return activate_columns(nullptr, c, rows, column, columns, [](vf32 x, vf32) { return sigmoid(x); });
    case Activation::Prelu:
    case Activation::LeakyRelu:
      return activate_columns(fusion.alpha, c, rows, column, columns,
                              [](vf32 x, vf32 alpha) { return slope(x, alpha); });
    default:
      return;
  }
}

}  // namespace tfjs::TFJS_ISA

// Losses that a whole row, or each of its numbers, has, together with their gradients.
#include "core/params.h"
#include "core/tensor.h"
#include "kernels/rows.h"
#include "parallel/parallel.h"
#include "simd/math.h"

namespace tfjs::TFJS_ISA {
namespace {

TFJS_INLINE bool fits(const Args& args) {
  const Tensor &labels = args.inputs[0], &x = args.inputs[1];
  return labels.dtype == DType::Float32 && x.dtype == DType::Float32 && labels.size() == x.size() &&
         (args.outputs[1].data == nullptr || args.outputs[1].size() == x.size());
}

// The loss of each row: the mean, or the sum, of what term(prediction, label, gradient) returns for its
// numbers, and the gradient by these, which may be absent.
template <class Term>
TFJS_INLINE Status each_row(const Args& args, bool mean, double cost, Term term) {
  const Tensor& x = args.inputs[1];
  const int64_t rows = args.outputs[0].size(), n = rows == 0 ? 0 : x.size() / rows;
  const bool wanted = args.outputs[1].data != nullptr;
  if (!fits(args) || rows * n != x.size()) return Status::InvalidArgument;
  const float *labels = args.inputs[0].f32(), *predictions = x.f32();
  float *loss = args.outputs[0].f32(), *gradient = args.outputs[1].f32();
  const float share = mean ? 1 / static_cast<float>(n) : 1.0f;
  // Not inlined: of two copies of the loop, one may keep another NaN's bits than the other.
  const auto part = [=](int64_t begin, int64_t end) __attribute__((noinline)) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t at = row * n;
      const vf32 sum = row_sum(n, [=](auto access, int64_t i) {
        vf32 by_prediction;
        const vf32 value = term(access.get(predictions + at + i), access.get(labels + at + i), by_prediction);
        if (wanted) access.put(gradient + at + i, by_prediction * share);
        return value;
      });
      loss[row] = sum[0] * share;
    }
  };
  parallel_for(rows, 5 + cost * static_cast<double>(n), part);
  return Status::Ok;
}

// The same where all of a row is looked at at once: sample(labels, predictions, n, gradient) returns its loss
// and writes the gradient, unless that is null.
template <class Sample>
TFJS_INLINE Status each_sample(const Args& args, Sample sample) {
  const Tensor& x = args.inputs[1];
  const int64_t rows = args.outputs[0].size(), n = rows == 0 ? 0 : x.size() / rows;
  if (!fits(args) || rows * n != x.size()) return Status::InvalidArgument;
  const float *labels = args.inputs[0].f32(), *predictions = x.f32();
  float *loss = args.outputs[0].f32(), *gradient = args.outputs[1].f32();
  const auto part = [=](int64_t begin, int64_t end) __attribute__((noinline)) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t at = row * n;
      loss[row] = sample(labels + at, predictions + at, n, gradient == nullptr ? nullptr : gradient + at);
    }
  };
  parallel_for(rows, 5 + 2 * static_cast<double>(n), part);
  return Status::Ok;
}

// 1 above zero and -1 below; at zero -1 too, which TensorFlow.js takes for the derivative of abs there.
TFJS_INLINE vf32 sign(vf32 x) { return select(x > 0.0f, splat(1.0f), splat(-1.0f)); }

// What clipping from `low` on lets through of a gradient.
TFJS_INLINE vf32 from_on(vf32 low, vf32 x, vf32 gradient) { return select(x >= low, gradient, zero()); }

TFJS_INLINE float largest(float a, float b) { return a > b || a != a ? a : b; }

}  // namespace

Status SigmoidCrossEntropyWithLogits(const Args& args) {
  const int64_t size = args.inputs[1].size();
  if (!fits(args) || args.outputs[0].size() != size) return Status::InvalidArgument;
  const float *labels = args.inputs[0].f32(), *logits = args.inputs[1].f32();
  float *loss = args.outputs[0].f32(), *gradient = args.outputs[1].f32();
  // Not inlined: of two copies of the loop, one may keep another NaN's bits than the other.
  const auto part = [=](int64_t begin, int64_t end) __attribute__((noinline)) {
    each_vector(end - begin, [=](auto access, int64_t i) {
      const vf32 x = access.get(logits + begin + i), z = access.get(labels + begin + i);
      const vf32 log_part = log1p(exp(-abs(x)));
      access.put(loss + begin + i, max(x, zero()) - x * z + log_part);
      access.put(gradient + begin + i, sigmoid(x) - z);
    });
  };
  parallel_for(size, 1, part);
  return Status::Ok;
}

Status MeanSquaredError(const Args& args) {
  return each_row(args, true, 0.2, [](vf32 x, vf32 label, vf32& gradient) {
    const vf32 error = x - label;
    gradient = 2 * error;
    return error * error;
  });
}

Status MeanAbsoluteError(const Args& args) {
  return each_row(args, true, 0.2, [](vf32 x, vf32 label, vf32& gradient) {
    const vf32 error = x - label;
    gradient = sign(error);
    return abs(error);
  });
}

Status MeanAbsolutePercentageError(const Args& args) {
  const float epsilon = EpsilonParams::decode(args.params).epsilon;
  return each_row(args, true, 0.5, [=](vf32 x, vf32 label, vf32& gradient) {
    const vf32 size = max(abs(label), splat(epsilon));
    const vf32 error = (label - x) / size;
    gradient = -100 * sign(error) / size;
    return 100 * abs(error);
  });
}

Status MeanSquaredLogarithmicError(const Args& args) {
  const float epsilon = EpsilonParams::decode(args.params).epsilon;
  return each_row(args, true, 4, [=](vf32 x, vf32 label, vf32& gradient) {
    const vf32 low = splat(epsilon), clipped = max(x, low);
    const vf32 error = log1p(clipped) - log1p(max(label, low));
    gradient = from_on(low, x, 2 * error / (1 + clipped));
    return error * error;
  });
}

Status Hinge(const Args& args) {
  return each_row(args, true, 0.2, [](vf32 x, vf32 label, vf32& gradient) {
    const vf32 missing = max(zero(), 1 - label * x);
    gradient = select(missing > 0.0f, -label, zero());
    return missing;
  });
}

Status SquaredHinge(const Args& args) {
  return each_row(args, true, 0.2, [](vf32 x, vf32 label, vf32& gradient) {
    const vf32 missing = max(zero(), 1 - label * x);
    gradient = -2 * missing * label;
    return missing * missing;
  });
}

Status LogCosh(const Args& args) {
  constexpr float kLn2 = 0.693147181f;
  return each_row(args, true, 6, [](vf32 x, vf32 label, vf32& gradient) {
    const vf32 error = x - label, size = abs(error);
    gradient = tanh(error);
    return size + log1p(exp(-2 * size)) - kLn2;
  });
}

Status KullbackLeiblerDivergence(const Args& args) {
  const float epsilon = EpsilonParams::decode(args.params).epsilon;
  return each_row(args, false, 3, [=](vf32 x, vf32 label, vf32& gradient) {
    const vf32 p = math::clamp(x, epsilon, 1);
    gradient = select(p == x, -label / p, zero());
    return label * log(math::clamp(label, epsilon, 1) / p);
  });
}

Status Poisson(const Args& args) {
  const float epsilon = EpsilonParams::decode(args.params).epsilon;
  return each_row(args, true, 2, [=](vf32 x, vf32 label, vf32& gradient) {
    const vf32 rate = x + epsilon;
    gradient = 1 - label / rate;
    return x - label * log(rate);
  });
}

Status BinaryCrossentropy(const Args& args) {
  const auto clip = ClipByValueParams::decode(args.params);
  return each_row(args, true, 5, [=](vf32 x, vf32 label, vf32& gradient) {
    const vf32 p = math::clamp(x, clip.clipValueMin, clip.clipValueMax), other = 1 - p;
    gradient = select(p == x, (p - label) / (p * other), zero());
    return -(label * log(p) + (1 - label) * log(other));
  });
}

Status CategoricalHinge(const Args& args) {
  return each_sample(args, [](const float* t, const float* y, int64_t n, float* gradient) {
    float right = 0, wrong = -math::kInfinity;
    for (int64_t i = 0; i < n; i++) {
      right += t[i] * y[i];
      wrong = largest((1 - t[i]) * y[i], wrong);
    }
    const float missing = 1 + (wrong - right);
    // Of several largest ones, each gets all of the gradient, as TensorFlow.js has it.
    for (int64_t i = 0; gradient != nullptr && i < n; i++) {
      const float by_wrong = (1 - t[i]) * y[i] == wrong ? 1 - t[i] : 0;
      gradient[i] = missing > 0 ? by_wrong - t[i] : 0;
    }
    return largest(missing, 0);
  });
}

Status CosineProximity(const Args& args) {
  const float epsilon = EpsilonParams::decode(args.params).epsilon;
  return each_sample(args, [=](const float* t, const float* y, int64_t n, float* gradient) {
    const auto square_of = [=](const float* v) {
      return row_sum(n, [=](auto access, int64_t i) { return access.get(v + i) * access.get(v + i); });
    };
    const vf32 low = splat(epsilon), square = square_of(y);
    const vf32 t_norm = sqrt(max(square_of(t), low)), y_norm = sqrt(max(square, low));
    const vf32 cosine = row_sum(
        n, [=](auto access, int64_t i) { return access.get(t + i) / t_norm * (access.get(y + i) / y_norm); });
    if (gradient != nullptr) {
      each_vector(n, [=](auto access, int64_t i) {
        const vf32 by_norm = from_on(low, square, access.get(y + i) / y_norm * cosine);
        access.put(gradient + i, (by_norm - access.get(t + i) / t_norm) / y_norm);
      });
    }
    return -cosine[0];
  });
}

}  // namespace tfjs::TFJS_ISA

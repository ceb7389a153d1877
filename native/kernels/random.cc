// Random numbers, and what is made with them. The same parameters give the same bits on every instruction set
// and at any thread count; what is here besides that avoids fused arithmetic.
#include <cstring>

#include "core/scratch.h"
#include "core/tensor.h"
#include "kernels/philox.h"

namespace tfjs::TFJS_ISA {
namespace {

// ln(x) + k ln 2 for normal x > 0 (Cephes' logf).
TFJS_INLINE vf32 log_plus(vf32 x, float k) {
  const int32_t sqrt_half = 0x3f3504f3;
  const vi32 above = bits(x) - sqrt_half;
  const vf32 f = from_bits((above & 0x007fffff) + sqrt_half) - 1.0f;
  const vf32 exponent = to_float(above >> 23) + k;
  vf32 p = multiply_add(splat(7.0376836292e-2f), f, splat(-1.1514610310e-1f));
  p = multiply_add(p, f, splat(1.1676998740e-1f));
  p = multiply_add(p, f, splat(-1.2420140846e-1f));
  p = multiply_add(p, f, splat(1.4249322787e-1f));
  p = multiply_add(p, f, splat(-1.6668057665e-1f));
  p = multiply_add(p, f, splat(2.0000714765e-1f));
  p = multiply_add(p, f, splat(-2.4999993993e-1f));
  p = multiply_add(p, f, splat(3.3333331174e-1f));
  const vf32 square = rounded(f * f);
  // ln 2 in two parts; a whole number below 2^14 times the high one is exact.
  vf32 low = rounded(rounded(square * f) * p) + rounded(exponent * -2.12194440e-4f);
  low = low - square * 0.5f;
  return (f + low) + exponent * 0.693359375f;
}

struct Normals {
  vf32 first, second;
};

// Box and Muller's transform of two words: two independent normal numbers.
TFJS_INLINE Normals box_muller(vu32 a, vu32 b) {
  // Of a: a number from 2^-31 to 1, whose logarithm gives the distance from the centre.
  const vf32 uniform = to_float((vi32)(a >> 1)) + 1.0f;
  const vf32 distance = sqrt(log_plus(uniform, -31) * -2.0f);
  // Of b: an angle. The nearest quarter turn, and what is left, from -1/8 to 1/8 turn.
  const vu32 quarter = (b + 0x20000000u) >> 30;
  const vf32 x = to_float((vi32)(b << 2)) * (1.57079633f * 0x1p-32f);
  const vf32 square = rounded(x * x);
  vf32 sine = multiply_add(splat(-1.9515295891e-4f), square, splat(8.3321608736e-3f));
  sine = multiply_add(sine, square, splat(-1.6666654611e-1f));
  sine = multiply_add(rounded(sine * square), x, x);
  vf32 cosine = multiply_add(splat(2.443315711809948e-5f), square, splat(-1.388731625493765e-3f));
  cosine = multiply_add(cosine, square, splat(4.166664568298827e-2f));
  cosine = multiply_add(rounded(cosine * square), square, 1.0f - square * 0.5f);
  const vi32 swapped = -(vi32)(quarter & 1);
  const vi32 cosine_sign = (vi32)(((quarter + 1) & 2) << 30), sine_sign = (vi32)((quarter & 2) << 30);
  const vf32 turned_cosine = from_bits(bits(select(swapped, sine, cosine)) ^ cosine_sign);
  const vf32 turned_sine = from_bits(bits(select(swapped, cosine, sine)) ^ sine_sign);
  return {rounded(distance * turned_cosine), rounded(distance * turned_sine)};
}

// A normal number that lies within two deviations, of one word: the inverse of the distribution's cumulative
// one, by Giles, "Approximating the erfinv function", whose central branch covers it all.
TFJS_INLINE vf32 truncated_normal(vu32 word) {
  // Uniform between -erf(sqrt 2) and erf(sqrt 2).
  const vf32 x = (to_float((vi32)word >> 8) + 0.5f) * (0.954499736f * 0x1p-23f);
  const vf32 w = -log_plus(1.0f - rounded(x * x), 0) - 2.5f;
  vf32 p = multiply_add(splat(2.81022636e-8f), w, splat(3.43273939e-7f));
  p = multiply_add(p, w, splat(-3.5233877e-6f));
  p = multiply_add(p, w, splat(-4.39150654e-6f));
  p = multiply_add(p, w, splat(2.1858087e-4f));
  p = multiply_add(p, w, splat(-1.25372503e-3f));
  p = multiply_add(p, w, splat(-4.17768164e-3f));
  p = multiply_add(p, w, splat(2.46640727e-1f));
  p = multiply_add(p, w, splat(1.50140941f));
  const vf32 z = rounded(p * rounded(x * 1.41421356f));
  return min(max(z, splat(-2.0f)), splat(2.0f));
}

}  // namespace

// Uniform from min to min + range. float32: 24 random bits, never above `limit`; int32: 32 random bits,
// towards zero, as storing into an Int32Array.
Status RandomUniform(const Args& args) {
  const Tensor& y = args.outputs[0];
  const RandomUniformParams p = RandomUniformParams::decode(args.params);
  const Philox philox(p);
  if (y.dtype == DType::Float32) {
    const vf32 low = splat(static_cast<float>(p.min)), range = splat(static_cast<float>(p.range));
    const vf32 limit = splat(static_cast<float>(p.limit));
    each_group(philox, y.f32(), y.size(), 10, [=](const Group& g, float* to) {
      for (int v = 0; v < kGroup / kLanes; v++) {
        const vf32 unit = to_float((vi32)(g.words[v] >> 8)) * 0x1p-24f;
        const vf32 value = multiply_add(unit, range, low);
        store(to + v * kLanes, value > limit ? limit : value);
      }
    });
    return Status::Ok;
  }
  if (y.dtype != DType::Int32) return Status::Unsupported;
  each_group(philox, y.i32(), y.size(), 150, [=](const Group& g, int32_t* to) {
    uint32_t words[kGroup];
    std::memcpy(words, g.words, sizeof words);
    for (int i = 0; i < kGroup; i++)
      to[i] = static_cast<int32_t>(p.min + rounded(p.range * (static_cast<double>(words[i]) * 0x1p-32)));
  });
  return Status::Ok;
}

Status RandomStandardNormal(const Args& args) {
  const Tensor& y = args.outputs[0];
  if (y.dtype != DType::Float32) return Status::Unsupported;
  const RandomNormalParams p = RandomNormalParams::decode(args.params);
  const vf32 mean = splat(p.mean), deviation = splat(p.stdDev);
  each_group(Philox(p), y.f32(), y.size(), 40, [=](const Group& g, float* to) {
    constexpr int kVectors = kCounters / kLanes;
    for (int v = 0; v < kGroup / kLanes; v++) {
      if (v / kVectors % 2 == 1) continue;
      const Normals z = box_muller(g.words[v], g.words[v + kVectors]);
      store(to + v * kLanes, multiply_add(z.first, deviation, mean));
      store(to + (v + kVectors) * kLanes, multiply_add(z.second, deviation, mean));
    }
  });
  return Status::Ok;
}

// Normal numbers, of which those farther than two deviations from the mean are left out.
Status TruncatedNormal(const Args& args) {
  const Tensor& y = args.outputs[0];
  if (y.dtype != DType::Float32) return Status::Unsupported;
  const RandomNormalParams p = RandomNormalParams::decode(args.params);
  const vf32 mean = splat(p.mean), deviation = splat(p.stdDev);
  each_group(Philox(p), y.f32(), y.size(), 40, [=](const Group& g, float* to) {
    for (int v = 0; v < kGroup / kLanes; v++)
      store(to + v * kLanes, multiply_add(truncated_normal(g.words[v]), deviation, mean));
  });
  return Status::Ok;
}

// y: x with some elements replaced by zero and the others scaled. An element is dropped where its random word
// is below dropBelow, so its probability is dropBelow / 2^32.
Status Dropout(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (x.dtype != DType::Float32 || y.dtype != DType::Float32 || x.size() != y.size())
    return Status::InvalidArgument;
  const DropoutParams p = DropoutParams::decode(args.params);
  const Philox philox(p);
  const vu32 drop_below = vu32{} + static_cast<uint32_t>(p.dropBelow);
  const vf32 scale = splat(p.scale);
  const float* from = x.f32();
  float* to = y.f32();
  const int64_t n = x.size();
  parallel_for((n + kGroup - 1) / kGroup, kGroupCost + 10, [&](int64_t begin, int64_t end) {
    const Philox own = philox;
    for (int64_t i = begin; i < end; i++) {
      const Group g = own.group(i);
      const int64_t left = n - i * kGroup;
      for (int v = 0; v < kGroup / kLanes && v * kLanes < left; v++) {
        // Multiplied, so that NaN and infinities show in what is dropped too.
        const vf32 factor = select((vi32)(g.words[v] >= drop_below), scale, zero());
        const int64_t at = i * kGroup + v * kLanes;
        if (n - at >= kLanes) {
          store(to + at, load(from + at) * factor);
        } else {
          store_first(to + at, load_first(from + at, n - at) * factor, n - at);
        }
      }
    }
  });
  return Status::Ok;
}

// Samples [batch, n] of the outcomes that have the probabilities [batch, outcomes].
Status Multinomial(const Args& args) {
  const Tensor &x = args.inputs[0], &y = args.outputs[0];
  if (x.rank != 2 || y.rank != 2 || x.dims[0] != y.dims[0] || x.dtype != DType::Float32 ||
      y.dtype != DType::Int32 || x.dims[1] < 1 || x.dims[1] > INT32_MAX)
    return Status::InvalidArgument;
  if (y.size() == 0) return Status::Ok;
  // The last outcome is what is left.
  const int64_t outcomes = x.dims[1], bounds = outcomes - 1, samples = y.dims[1];
  Scratch scratch;
  float* cumulative = scratch.get<float>(x.dims[0] * bounds);
  parallel_for(x.dims[0], static_cast<double>(outcomes), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* p = x.f32() + row * outcomes;
      float* to = cumulative + row * bounds;
      // The largest so far, so that the first outcome above a number can be searched for in halves even
      // where something is negative or NaN.
      float sum = 0, largest = -__builtin_inff();
      for (int64_t i = 0; i < bounds; i++) {
        sum += p[i];
        largest = sum > largest ? sum : largest;
        to[i] = largest;
      }
    }
  });
  const double steps = 64 - __builtin_clzll(static_cast<uint64_t>(outcomes));
  const Philox philox(PhiloxParams::decode(args.params));
  int32_t* to = y.i32();
  const int64_t n = y.size();
  parallel_for((n + kGroup - 1) / kGroup, kGroupCost + 64 * 3 * steps, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      uint32_t words[kGroup];
      const Group g = philox.group(i);
      std::memcpy(words, g.words, sizeof words);
      for (int64_t at = i * kGroup; at < std::min(n, (i + 1) * kGroup); at++) {
        const double unit = static_cast<double>(words[at - i * kGroup]) * 0x1p-32;
        const float* row = cumulative + at / samples * bounds;
        int64_t low = 0, high = bounds;
        while (low < high) {
          const int64_t middle = (low + high) / 2;
          if (unit < static_cast<double>(row[middle])) {
            high = middle;
          } else {
            low = middle + 1;
          }
        }
        to[at] = static_cast<int32_t>(low);
      }
    }
  });
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

// Batch normalisation in parts, for plans: what needs the whole batch is a few numbers a channel, so that the
// passes over x and dy run sample by sample, while these are in the cache. What they sum does not depend on
// which samples run together.
#include "kernels/batch_norm.h"

namespace tfjs::TFJS_ISA {

using namespace batch_norm;

namespace {

// Of one sample of x [samples, …, channels].
TFJS_INLINE bool lay_out_sample(const Tensor& x, Layout& l) {
  if (x.rank < 2) return false;
  Tensor sample = x;
  sample.dims[0] = 1;
  return lay_out(sample, l);
}

// visit(sample, channel, columns): each strip of each sample.
template <class Visit>
TFJS_INLINE void each_sample(int64_t samples, const Layout& l, double nanoseconds, Visit visit) {
  parallel_for(
      samples * l.strips, nanoseconds * static_cast<double>(l.rows * l.strip) + 50,
      [&](int64_t begin, int64_t end) __attribute__((noinline)) {
        for (int64_t i = begin; i < end; i++) {
          const int64_t s = i % l.strips;
          visit(i / l.strips, s * l.strip, l.columns(s));
        }
      });
}

// Of y = relu(x), what the gradient of y is multiplied by: as ReluGrad, a NaN stays.
TFJS_INLINE vf32 relu_slope(vf32 x) { return select(x > 0.0f, splat(1.0f), select(x != x, x, zero())); }

TFJS_INLINE vf32 relu(vf32 x) { return select(x < 0.0f, zero(), x); }

TFJS_INLINE bool known(Activation activation) {
  return activation == Activation::Linear || activation == Activation::Relu;
}

TFJS_INLINE Activation activation_of(const double* params) {
  return static_cast<Activation>(BatchNormActivationParams::decode(params).activation);
}

// x normalised: (x - mean) * factor + offset.
TFJS_INLINE vf32 normal(vf32 x, const vf32* constant) {
  return fma(x - constant[0], constant[1], constant[2]);
}

TFJS_INLINE void read_constants(Constants<3>& to, const Layout& l, const Tensor& mean, const Tensor& factor,
                                const Tensor& offset) {
  for (int64_t c = 0; c < l.channels; c++) {
    to.wide[0][c] = mean.f32()[c];
    to.wide[1][c] = factor.f32()[c];
    to.wide[2][c] = value_or(offset, c, 0);
  }
}

template <bool kRelu>
void apply(const Layout& l, const float* x, const Constants<3>& constants, float* y) {
  each_vector(l, 0.1, constants, [=](auto access, int64_t at, const vf32* constant) {
    fetch_below(x + at);
    const vf32 v = normal(access.get(x + at), constant);
    access.put(y + at, kRelu ? relu(v) : v);
  });
}

// Sums of dz and of dz * (x - mean), where dz is dy behind the activation, over a strip of a sample.
template <bool kRelu>
void sum_gradient(const Layout& l, const float* dy, const float* x, int64_t at_sample, int64_t channel,
                  int64_t columns, const Constants<3>& constants, float* to) {
  double total[2][kStrip] = {}, sums[2][kStrip];
  const float* wide[3];
  for (int k = 0; k < 3; k++) wide[k] = constants.wide[k] + channel;
  for (int64_t b = 0; b < l.blocks; b++) {
    const int64_t begin = at_sample + b * l.block_rows * l.channels + channel;
    sum_block<2>(l, begin, l.rows_of(b), columns, sums,
                 [=](auto access, int64_t at, int64_t lane, vf32* sum) {
                   const vf32 centred = access.get(x + at) - access.get(wide[0] + lane);
                   vf32 dz = access.get(dy + at);
                   if (kRelu) {
                     dz *= relu_slope(fma(centred, access.get(wide[1] + lane), access.get(wide[2] + lane)));
                   }
                   sum[0] += dz;
                   sum[1] += dz * centred;
                 });
    for (int k = 0; k < 2; k++) {
      for (int64_t c = 0; c < columns; c++) total[k][c] += sums[k][c];
    }
  }
  for (int k = 0; k < 2; k++) {
    for (int64_t c = 0; c < columns; c++) to[k * l.channels + channel + c] = static_cast<float>(total[k][c]);
  }
}

// constants: mean, factor, offset, and the slope and shift by mean and variance.
template <bool kRelu>
void input_gradient(const Layout& l, const float* dy, const float* x, const Constants<5>& constants,
                    float* dx) {
  each_vector(l, 0.2, constants, [=](auto access, int64_t at, const vf32* constant) {
    fetch_below(x + at);
    fetch_below(dy + at);
    const vf32 centred = access.get(x + at) - constant[0];
    vf32 dz = access.get(dy + at);
    if (kRelu) dz *= relu_slope(fma(centred, constant[1], constant[2]));
    access.put(dx + at, fma(dz, constant[1], fma(centred, constant[3], constant[4])));
  });
}

}  // namespace

// x -> moments [samples, 3, channels]: the mean of each sample, what rounding it lost, the variance
Status BatchNormMoments(const Args& args) {
  const Tensor &x = args.inputs[0], &moments = args.outputs[0];
  Layout l;
  if (!lay_out_sample(x, l) || moments.size() != x.dims[0] * 3 * l.channels) return Status::InvalidArgument;
  const double count = static_cast<double>(l.rows);
  each_sample(x.dims[0], l, 0.25, [&](int64_t sample, int64_t channel, int64_t columns) {
    Scratch scratch;
    double(*parts)[2][kStrip] =
        reinterpret_cast<double(*)[2][kStrip]>(scratch.get<double>(l.blocks * 2 * kStrip));
    for (int64_t b = 0; b < l.blocks; b++) {
      const int64_t begin = (sample * l.rows + b * l.block_rows) * l.channels + channel;
      block_moments(l, x.f32(), begin, l.rows_of(b), columns, parts[b]);
    }
    double mean[kStrip], squares[kStrip];
    merge_moments(
        l.blocks, columns, kStrip, count, [&](int64_t b) { return parts[b][0]; },
        [&](int64_t b) { return static_cast<double>(l.rows_of(b)); }, mean, squares);
    float* to = moments.f32() + sample * 3 * l.channels + channel;
    for (int64_t c = 0; c < columns; c++) {
      const float rounded = static_cast<float>(mean[c]);
      to[c] = rounded;
      to[l.channels + c] =
          __builtin_isfinite(rounded) ? static_cast<float>(mean[c] - static_cast<double>(rounded)) : 0.0f;
      to[2 * l.channels + c] = static_cast<float>(squares[c] / count);
    }
  });
  return Status::Ok;
}

// moments, scale? -> mean, variance, factor: of the whole batch; factor is scale / sqrt(variance + epsilon)
Status BatchNormStatistics(const Args& args) {
  const auto p = FusedBatchNormParams::decode(args.params);
  const Tensor &moments = args.inputs[0], &scale = args.inputs[1];
  if (moments.rank != 3 || moments.dims[1] != 3) return Status::InvalidArgument;
  const int64_t samples = moments.dims[0], channels = moments.dims[2];
  for (int i = 0; i < 3; i++) {
    if (args.outputs[i].size() != channels) return Status::InvalidArgument;
  }
  if (scale.data && scale.size() != channels) return Status::InvalidArgument;
  float *mean = args.outputs[0].f32(), *variance = args.outputs[1].f32(), *factor = args.outputs[2].f32();
  const double count = static_cast<double>(samples);
  for (int64_t begin = 0; begin < channels; begin += kStrip) {
    const int64_t columns = channels - begin < kStrip ? channels - begin : kStrip;
    double centre[kStrip] = {}, spread[kStrip] = {};
    const auto of = [&](int64_t sample, int64_t k, int64_t c) {
      return static_cast<double>(moments.f32()[(sample * 3 + k) * channels + begin + c]);
    };
    for (int64_t n = 0; n < samples; n++) {
      for (int64_t c = 0; c < columns; c++) centre[c] += of(n, 0, c) + of(n, 1, c);
    }
    for (int64_t c = 0; c < columns; c++) centre[c] /= count;
    for (int64_t n = 0; n < samples; n++) {
      for (int64_t c = 0; c < columns; c++) {
        const double away = of(n, 0, c) + of(n, 1, c) - centre[c];
        spread[c] += of(n, 2, c) + away * away;
      }
    }
    for (int64_t c = 0; c < columns; c++) {
      const int64_t i = begin + c;
      mean[i] = static_cast<float>(centre[c]);
      variance[i] = static_cast<float>(spread[c] / count);
      factor[i] = static_cast<float>(static_cast<double>(value_or(scale, i, 1)) *
                                     inverse_deviation(variance[i], p.varianceEpsilon));
    }
  }
  return Status::Ok;
}

// x, mean, factor, offset? -> y = activation((x - mean) * factor + offset)
Status BatchNormApply(const Args& args) {
  const Tensor& x = args.inputs[0];
  const Activation activation = activation_of(args.params);
  Layout l;
  if (!lay_out(x, l) || !known(activation)) return Status::InvalidArgument;
  for (int i = 1; i < 4; i++) {
    if ((i < 3 || args.inputs[i].data) && !per_channel(args.inputs[i], l)) return Status::InvalidArgument;
  }
  Scratch scratch;
  Constants<3> constants(scratch, l);
  read_constants(constants, l, args.inputs[1], args.inputs[2], args.inputs[3]);
  constants.complete(l);
  const auto run = activation == Activation::Relu ? apply<true> : apply<false>;
  run(l, x.f32(), constants, args.outputs[0].f32());
  return Status::Ok;
}

// dy, x, mean, factor, offset? -> sums [samples, 2, channels]: of dz, and of dz * (x - mean), where dz is dy
// behind the activation
Status BatchNormGradSums(const Args& args) {
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &sums = args.outputs[0];
  const Activation activation = activation_of(args.params);
  Layout l;
  if (!lay_out_sample(x, l) || dy.size() != x.size() || !known(activation)) return Status::InvalidArgument;
  if (sums.size() != x.dims[0] * 2 * l.channels) return Status::InvalidArgument;
  for (int i = 2; i < 5; i++) {
    if ((i < 4 || args.inputs[i].data) && !per_channel(args.inputs[i], l)) return Status::InvalidArgument;
  }
  Scratch scratch;
  Constants<3> constants(scratch, l);
  read_constants(constants, l, args.inputs[2], args.inputs[3], args.inputs[4]);
  constants.complete(l);
  const auto run = activation == Activation::Relu ? sum_gradient<true> : sum_gradient<false>;
  each_sample(x.dims[0], l, 0.25, [&](int64_t sample, int64_t channel, int64_t columns) {
    run(l, dy.f32(), x.f32(), sample * l.rows * l.channels, channel, columns, constants,
        sums.f32() + sample * 2 * l.channels);
  });
  return Status::Ok;
}

// sums, variance, factor -> dscale?, doffset?, slope and shift [2, channels]
Status BatchNormGradStatistics(const Args& args) {
  const auto p = BatchNormGradStatisticsParams::decode(args.params);
  const Tensor &sums = args.inputs[0], &variance = args.inputs[1], &factor = args.inputs[2];
  if (sums.rank != 3 || sums.dims[1] != 2) return Status::InvalidArgument;
  const int64_t samples = sums.dims[0], channels = sums.dims[2];
  if (variance.size() != channels || factor.size() != channels) return Status::InvalidArgument;
  float *dscale = args.outputs[0].f32(), *doffset = args.outputs[1].f32(), *slope = args.outputs[2].f32();
  const double count = static_cast<double>(samples * p.rows);
  for (int64_t c = 0; c < channels; c++) {
    double sum = 0, product = 0;
    for (int64_t n = 0; n < samples; n++) {
      const float* of_sample = sums.f32() + n * 2 * channels + c;
      sum += static_cast<double>(of_sample[0]);
      product += static_cast<double>(of_sample[channels]);
    }
    const double inverse = inverse_deviation(variance.f32()[c], p.varianceEpsilon);
    const double by = static_cast<double>(factor.f32()[c]);
    if (dscale != nullptr) dscale[c] = static_cast<float>(product * inverse);
    if (doffset != nullptr) doffset[c] = static_cast<float>(sum);
    if (slope == nullptr) continue;
    slope[c] = static_cast<float>(-by * inverse * inverse * product / count);
    slope[channels + c] = static_cast<float>(-by * sum / count);
  }
  return Status::Ok;
}

// dy, x, mean, factor, offset?, slope and shift -> dx = factor * dz + slope * (x - mean) + shift
Status BatchNormGradInput(const Args& args) {
  const Tensor &dy = args.inputs[0], &x = args.inputs[1], &slope = args.inputs[5];
  const Activation activation = activation_of(args.params);
  Layout l;
  if (!lay_out(x, l) || dy.size() != x.size() || !known(activation)) return Status::InvalidArgument;
  for (int i = 2; i < 5; i++) {
    if ((i < 4 || args.inputs[i].data) && !per_channel(args.inputs[i], l)) return Status::InvalidArgument;
  }
  if (slope.size() != 2 * l.channels) return Status::InvalidArgument;
  Scratch scratch;
  Constants<5> constants(scratch, l);
  for (int64_t c = 0; c < l.channels; c++) {
    constants.wide[0][c] = args.inputs[2].f32()[c];
    constants.wide[1][c] = args.inputs[3].f32()[c];
    constants.wide[2][c] = value_or(args.inputs[4], c, 0);
    constants.wide[3][c] = slope.f32()[c];
    constants.wide[4][c] = slope.f32()[l.channels + c];
  }
  constants.complete(l);
  const auto run = activation == Activation::Relu ? input_gradient<true> : input_gradient<false>;
  run(l, dy.f32(), x.f32(), constants, args.outputs[0].f32());
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

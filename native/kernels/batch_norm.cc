// Batch normalisation of a whole batch at once.
#include "kernels/batch_norm.h"

namespace tfjs::TFJS_ISA {

using namespace batch_norm;

// x, mean, variance, offset?, scale? -> y
Status FusedBatchNorm(const Args& args) {
  const auto p = FusedBatchNormParams::decode(args.params);
  const Tensor &x = args.inputs[0], &mean = args.inputs[1], &variance = args.inputs[2];
  const Tensor &offset = args.inputs[3], &scale = args.inputs[4];
  Layout l;
  if (!lay_out(x, l) || !per_channel(mean, l) || !per_channel(variance, l)) return Status::InvalidArgument;
  if ((offset.data && !per_channel(offset, l)) || (scale.data && !per_channel(scale, l)))
    return Status::InvalidArgument;
  Scratch scratch;
  Constants<3> constants(scratch, l);
  for (int64_t c = 0; c < l.channels; c++) {
    constants.wide[0][c] = mean.f32()[c];
    const double factor = inverse_deviation(variance.f32()[c], p.varianceEpsilon);
    constants.wide[1][c] = static_cast<float>(static_cast<double>(value_or(scale, c, 1)) * factor);
    constants.wide[2][c] = value_or(offset, c, 0);
  }
  constants.complete(l);
  normalise(l, x.f32(), constants, args.outputs[0].f32());
  return Status::Ok;
}

// dy, x, mean, variance, scale -> dx, dmean, dvariance, dscale, doffset
Status FusedBatchNormGrad(const Args& args) {
  const auto p = FusedBatchNormParams::decode(args.params);
  const Tensor &x = args.inputs[1], &mean = args.inputs[2], &variance = args.inputs[3];
  const Tensor& scale = args.inputs[4];
  Layout l;
  if (!lay_out(x, l) || args.inputs[0].size() != x.size()) return Status::InvalidArgument;
  if (!per_channel(mean, l) || !per_channel(variance, l) || !per_channel(scale, l))
    return Status::InvalidArgument;
  const float *from_dy = args.inputs[0].f32(), *from_x = x.f32();
  float* dx = args.outputs[0].f32();
  Scratch scratch;
  Constants<2> constants(scratch, l);
  for (int64_t c = 0; c < l.channels; c++) {
    constants.wide[0][c] = mean.f32()[c];
    constants.wide[1][c] = static_cast<float>(static_cast<double>(scale.f32()[c]) *
                                              inverse_deviation(variance.f32()[c], p.varianceEpsilon));
  }
  constants.complete(l);
  double* parts = scratch.get<double>(l.blocks * 2 * l.channels);
  each_block<2>(
      l, 0.25, parts, [&](int64_t begin, int64_t rows, int64_t channel, int64_t columns, auto sums) {
        const float *centre = constants.wide[0] + channel, *factor = constants.wide[1] + channel;
        sum_block<2>(l, begin, rows, columns, sums, [=](auto access, int64_t at, int64_t lane, vf32* sum) {
          const vf32 dy = access.get(from_dy + at);
          const vf32 centred = access.get(from_x + at) - access.get(centre + lane);
          access.put(dx + at, dy * access.get(factor + lane));
          sum[0] += dy;
          sum[1] += dy * centred;
        });
      });
  float *dmean = args.outputs[1].f32(), *dvariance = args.outputs[2].f32();
  float *dscale = args.outputs[3].f32(), *doffset = args.outputs[4].f32();
  each_channel(l, [&](int64_t from, int64_t to) {
    double sum[kStrip], product[kStrip];
    add_blocks<2>(l, parts, 0, from, to, sum);
    add_blocks<2>(l, parts, 1, from, to, product);
    for (int64_t c = from; c < to; c++) {
      const double inverse = inverse_deviation(variance.f32()[c], p.varianceEpsilon);
      const double factor = static_cast<double>(scale.f32()[c]) * inverse;
      dmean[c] = static_cast<float>(-sum[c - from] * factor);
      dvariance[c] = static_cast<float>(-0.5 * product[c - from] * factor * inverse * inverse);
      dscale[c] = static_cast<float>(product[c - from] * inverse);
      doffset[c] = static_cast<float>(sum[c - from]);
    }
  });
  return Status::Ok;
}

// Normalised by the mean and the variance of its own rows. x, offset?, scale?, movingMean?, movingVariance?
// -> y, mean, variance, movingMean?, movingVariance?
Status FusedBatchNormTraining(const Args& args) {
  const auto p = FusedBatchNormTrainingParams::decode(args.params);
  const Tensor &x = args.inputs[0], &offset = args.inputs[1], &scale = args.inputs[2];
  Layout l;
  if (!lay_out(x, l)) return Status::InvalidArgument;
  for (int i = 1; i < 5; i++) {
    if (args.inputs[i].data && !per_channel(args.inputs[i], l)) return Status::InvalidArgument;
  }
  const float* from = x.f32();
  float *mean = args.outputs[1].f32(), *variance = args.outputs[2].f32();
  const float *old_mean = args.inputs[3].f32(), *old_variance = args.inputs[4].f32();
  float *moving_mean = args.outputs[3].f32(), *moving_variance = args.outputs[4].f32();
  const bool moving = moving_mean != nullptr && moving_variance != nullptr;
  if (moving && (old_mean == nullptr || old_variance == nullptr)) return Status::InvalidArgument;
  Scratch scratch;
  double* parts = scratch.get<double>(l.blocks * 2 * l.channels);
  // Of each block the mean and the sum of squared distances to it.
  each_block<2>(l, 0.25, parts, [&](int64_t begin, int64_t rows, int64_t, int64_t columns, auto sums) {
    block_moments(l, from, begin, rows, columns, sums);
  });
  Constants<3> constants(scratch, l);
  each_channel(l, [&](int64_t begin, int64_t end) {
    const double count = static_cast<double>(l.rows);
    double centre[kStrip], squares[kStrip];
    merge_moments(
        l.blocks, end - begin, l.channels, count,
        [&](int64_t b) { return parts + b * 2 * l.channels + begin; },
        [&](int64_t b) { return static_cast<double>(l.rows_of(b)); }, centre, squares);
    for (int64_t c = begin; c < end; c++) {
      mean[c] = static_cast<float>(l.rows > 0 ? centre[c - begin] : __builtin_nan(""));
      variance[c] = static_cast<float>(squares[c - begin] / count);
      if (moving) {
        moving_mean[c] = moving_average(old_mean[c], mean[c], p.decay);
        moving_variance[c] = moving_average(old_variance[c], variance[c], p.decay);
      }
      constants.wide[0][c] = mean[c];
      constants.wide[1][c] = static_cast<float>(static_cast<double>(value_or(scale, c, 1)) *
                                                inverse_deviation(variance[c], p.varianceEpsilon));
      constants.wide[2][c] = value_or(offset, c, 0);
    }
  });
  constants.complete(l);
  normalise(l, from, constants, args.outputs[0].f32());
  return Status::Ok;
}

// dy, x, mean, variance, scale? -> dx?, dscale?, doffset?
Status FusedBatchNormTrainingGrad(const Args& args) {
  const auto p = FusedBatchNormParams::decode(args.params);
  const Tensor &x = args.inputs[1], &mean = args.inputs[2], &variance = args.inputs[3];
  const Tensor& scale = args.inputs[4];
  Layout l;
  if (!lay_out(x, l) || args.inputs[0].size() != x.size()) return Status::InvalidArgument;
  if (!per_channel(mean, l) || !per_channel(variance, l)) return Status::InvalidArgument;
  if (scale.data && !per_channel(scale, l)) return Status::InvalidArgument;
  const float *from_dy = args.inputs[0].f32(), *from_x = x.f32();
  float *dscale = args.outputs[1].f32(), *doffset = args.outputs[2].f32();
  Scratch scratch;
  // dx = factor * dy + slope * (x - mean) + shift
  Constants<4> constants(scratch, l);
  for (int64_t c = 0; c < l.channels; c++) constants.wide[0][c] = mean.f32()[c];
  repeat(constants.wide[0], l.channels, l.width);
  double* parts = scratch.get<double>(l.blocks * 2 * l.channels);
  each_block<2>(
      l, 0.25, parts, [&](int64_t begin, int64_t rows, int64_t channel, int64_t columns, auto sums) {
        const float* centre = constants.wide[0] + channel;
        sum_block<2>(l, begin, rows, columns, sums, [=](auto access, int64_t at, int64_t lane, vf32* sum) {
          const vf32 dy = access.get(from_dy + at);
          sum[0] += dy;
          sum[1] += dy * (access.get(from_x + at) - access.get(centre + lane));
        });
      });
  each_channel(l, [&](int64_t from, int64_t to) {
    const double count = static_cast<double>(l.rows);
    double sum[kStrip], product[kStrip];
    add_blocks<2>(l, parts, 0, from, to, sum);
    add_blocks<2>(l, parts, 1, from, to, product);
    for (int64_t c = from; c < to; c++) {
      const double inverse = inverse_deviation(variance.f32()[c], p.varianceEpsilon);
      const double factor = static_cast<double>(value_or(scale, c, 1)) * inverse;
      if (dscale != nullptr) dscale[c] = static_cast<float>(product[c - from] * inverse);
      if (doffset != nullptr) doffset[c] = static_cast<float>(sum[c - from]);
      constants.wide[1][c] = static_cast<float>(factor);
      constants.wide[2][c] = static_cast<float>(-factor * inverse * inverse * product[c - from] / count);
      constants.wide[3][c] = static_cast<float>(-factor * sum[c - from] / count);
    }
  });
  float* dx = args.outputs[0].f32();
  if (dx == nullptr) return Status::Ok;
  constants.complete(l);
  each_vector(l, 0.2, constants, [=](auto access, int64_t at, const vf32* constant) {
    const vf32 rest = fma(access.get(from_x + at) - constant[0], constant[2], constant[3]);
    access.put(dx + at, fma(access.get(from_dy + at), constant[1], rest));
  });
  return Status::Ok;
}

// average, value -> average, in place
Status AssignMovingAverage(const Args& args) {
  const auto p = AssignMovingAverageParams::decode(args.params);
  const Tensor &average = args.inputs[0], &value = args.inputs[1];
  if (average.dtype != DType::Float32 || value.dtype != DType::Float32) return Status::InvalidArgument;
  if (average.size() != value.size()) return Status::InvalidArgument;
  const int64_t n = average.size();
  for (int64_t i = 0; i < n; i++)
    args.outputs[0].f32()[i] = moving_average(average.f32()[i], value.f32()[i], p.decay);
  return Status::Ok;
}

}  // namespace tfjs::TFJS_ISA

// The parameters of each op, beside its tensors. A list makes a struct, its decoder and the names that
// TypeScript packs by, so their order is written in one place. I: a whole number, F: a real one.
#pragma once
#include <cstdint>

namespace tfjs {

#define NO_PARAMS(I, F)

#define TFJS_INT_FIELD(name) int64_t name;
#define TFJS_REAL_FIELD(name) float name;
#define TFJS_DECODE_INT(name) p.name = static_cast<int64_t>(*from++);
#define TFJS_DECODE_REAL(name) p.name = static_cast<float>(*from++);
#define TFJS_ENCODE(name) *to++ = static_cast<double>(name);
#define TFJS_FIELD_NAME(name) #name ","
#define TFJS_DOUBLE_FIELD(name) double name;
#define TFJS_DECODE_DOUBLE(name) p.name = *from++;
#define TFJS_PARAMS(Struct, LIST) TFJS_PARAMS_OF(Struct, LIST, TFJS_REAL_FIELD, TFJS_DECODE_REAL)
// With double precision for the real ones.
#define TFJS_DOUBLE_PARAMS(Struct, LIST) TFJS_PARAMS_OF(Struct, LIST, TFJS_DOUBLE_FIELD, TFJS_DECODE_DOUBLE)
#define TFJS_PARAMS_OF(Struct, LIST, FIELD, DECODE)                                           \
  struct Struct {                                                                             \
    LIST(TFJS_INT_FIELD, FIELD)                                                               \
    static constexpr const char* kNames = "" LIST(TFJS_FIELD_NAME, TFJS_FIELD_NAME);          \
    [[gnu::always_inline]] static inline Struct decode([[maybe_unused]] const double* from) { \
      Struct p;                                                                               \
      LIST(TFJS_DECODE_INT, DECODE)                                                           \
      return p;                                                                               \
    }                                                                                         \
    /* Writes the fields where decode() reads them; returns how many. */                      \
    int encode(double* to) const {                                                            \
      [[maybe_unused]] double* const from = to;                                               \
      LIST(TFJS_ENCODE, TFJS_ENCODE)                                                          \
      return static_cast<int>(to - from);                                                     \
    }                                                                                         \
  };

TFJS_PARAMS(NoParams, NO_PARAMS)

#define ALPHA_PARAMS(I, F) F(alpha)
TFJS_PARAMS(AlphaParams, ALPHA_PARAMS)

#define CLIP_BY_VALUE_PARAMS(I, F) F(clipValueMin) F(clipValueMax)
TFJS_PARAMS(ClipByValueParams, CLIP_BY_VALUE_PARAMS)

// pattern: the bits of the value, in the output's dtype.
#define FILL_PARAMS(I, F) I(pattern)
TFJS_PARAMS(FillParams, FILL_PARAMS)

// Dimension i of the output is dimension perm_i of the input; those from the rank on are ignored.
#define TRANSPOSE_PARAMS(I, F) I(perm0) I(perm1) I(perm2) I(perm3) I(perm4) I(perm5) I(perm6) I(perm7)
TFJS_PARAMS(TransposeParams, TRANSPOSE_PARAMS)

// Strides and dilations are at least 1. The padding is what lies before the first row and column; how much
// follows the last ones is left to the output's shape. Negative padding crops.
#define CONV2D_PARAMS(I, F) \
  I(strideHeight) I(strideWidth) I(dilationHeight) I(dilationWidth) I(padTop) I(padLeft)
TFJS_PARAMS(Conv2DParams, CONV2D_PARAMS)

// What fused ops take as `activation`.
enum class Activation : int64_t { Linear, Relu, Relu6, Elu, Prelu, LeakyRelu, Sigmoid, Count };
#define FUSED_CONV2D_PARAMS(I, F) CONV2D_PARAMS(I, F) I(activation) F(leakyreluAlpha)
TFJS_PARAMS(FusedConv2DParams, FUSED_CONV2D_PARAMS)
// Windows, of 256 cells at most, lie inside of the convolution's result: its size follows from the pooled
// one.
#define FUSED_CONV2D_MAX_POOL_PARAMS(I, F) \
  CONV2D_PARAMS(I, F)                      \
  I(windowHeight) I(windowWidth) I(poolStrideHeight) I(poolStrideWidth) I(activation) F(leakyreluAlpha)
TFJS_PARAMS(FusedConv2DMaxPoolParams, FUSED_CONV2D_MAX_POOL_PARAMS)

#define FUSED_BATCH_NORM_PARAMS(I, F) F(varianceEpsilon)
TFJS_PARAMS(FusedBatchNormParams, FUSED_BATCH_NORM_PARAMS)
// decay: how far the moving averages go to the batch's.
#define FUSED_BATCH_NORM_TRAINING_PARAMS(I, F) F(varianceEpsilon) F(decay)
TFJS_PARAMS(FusedBatchNormTrainingParams, FUSED_BATCH_NORM_TRAINING_PARAMS)
// Linear or relu.
#define BATCH_NORM_ACTIVATION_PARAMS(I, F) I(activation)
TFJS_PARAMS(BatchNormActivationParams, BATCH_NORM_ACTIVATION_PARAMS)
// rows: of a sample.
#define BATCH_NORM_GRAD_STATISTICS_PARAMS(I, F) F(varianceEpsilon) I(rows)
TFJS_PARAMS(BatchNormGradStatisticsParams, BATCH_NORM_GRAD_STATISTICS_PARAMS)
#define LAYER_NORM_PARAMS(I, F) F(varianceEpsilon)
TFJS_PARAMS(LayerNormParams, LAYER_NORM_PARAMS)
#define ASSIGN_MOVING_AVERAGE_PARAMS(I, F) F(decay)
TFJS_PARAMS(AssignMovingAverageParams, ASSIGN_MOVING_AVERAGE_PARAMS)

// Windows and strides are at least 1; the padding as above.
#define POOL_PARAMS(I, F) I(windowHeight) I(windowWidth) I(strideHeight) I(strideWidth) I(padTop) I(padLeft)
TFJS_PARAMS(PoolParams, POOL_PARAMS)

// Updates by optimizers. One minus a decay is given beside it, as TensorFlow.js computes it in double.
#define APPLY_GRADIENT_DESCENT_PARAMS(I, F) F(learningRate)
TFJS_PARAMS(ApplyGradientDescentParams, APPLY_GRADIENT_DESCENT_PARAMS)
#define APPLY_MOMENTUM_PARAMS(I, F) F(learningRate) F(momentum) I(useNesterov)
TFJS_PARAMS(ApplyMomentumParams, APPLY_MOMENTUM_PARAMS)
#define APPLY_RMS_PROP_PARAMS(I, F) F(learningRate) F(decay) F(oneMinusDecay) F(momentum) F(epsilon)
TFJS_PARAMS(ApplyRMSPropParams, APPLY_RMS_PROP_PARAMS)
#define APPLY_ADAGRAD_PARAMS(I, F) F(learningRate) F(epsilon)
TFJS_PARAMS(ApplyAdagradParams, APPLY_ADAGRAD_PARAMS)
#define APPLY_ADADELTA_PARAMS(I, F) F(learningRate) F(rho) F(oneMinusRho) F(epsilon)
TFJS_PARAMS(ApplyAdadeltaParams, APPLY_ADADELTA_PARAMS)
#define APPLY_ADAM_PARAMS(I, F) F(learningRate) F(beta1) F(oneMinusBeta1) F(beta2) F(oneMinusBeta2) F(epsilon)
TFJS_PARAMS(ApplyAdamParams, APPLY_ADAM_PARAMS)
#define APPLY_ADA_MAX_PARAMS(I, F) F(learningRate) F(beta1) F(oneMinusBeta1) F(beta2) F(epsilon) F(decay)
TFJS_PARAMS(ApplyAdaMaxParams, APPLY_ADA_MAX_PARAMS)

// rate: how far a norm outside of its bounds goes to them, 1 for all the way.
#define CONSTRAIN_NORM_PARAMS(I, F) F(minValue) F(maxValue) F(rate) F(epsilon)
TFJS_PARAMS(ConstrainNormParams, CONSTRAIN_NORM_PARAMS)

// Those whose derivative follows from the result.
enum class RecurrentActivation : int64_t { Linear, Relu, Tanh, Sigmoid, HardSigmoid, Elu, Softsign, Count };
// The second one is that of the gates. goBackwards: the last step of the data comes first.
#define RECURRENT_PARAMS(I, F) I(activation) I(recurrentActivation) I(returnSequences) I(goBackwards)
TFJS_PARAMS(RecurrentParams, RECURRENT_PARAMS)

#define EPSILON_PARAMS(I, F) F(epsilon)
TFJS_PARAMS(EpsilonParams, EPSILON_PARAMS)

#define BINARY_ACCURACY_PARAMS(I, F) F(threshold)
TFJS_PARAMS(BinaryAccuracyParams, BINARY_ACCURACY_PARAMS)

#define BATCH_MAT_MUL_PARAMS(I, F) I(transposeA) I(transposeB)
TFJS_PARAMS(BatchMatMulParams, BATCH_MAT_MUL_PARAMS)
#define MAT_MUL_ROWS_PARAMS(I, F) I(first)
TFJS_PARAMS(MatMulRowsParams, MAT_MUL_ROWS_PARAMS)
#define FUSED_MAT_MUL_PARAMS(I, F) BATCH_MAT_MUL_PARAMS(I, F) I(activation) F(leakyreluAlpha)
TFJS_PARAMS(FusedMatMulParams, FUSED_MAT_MUL_PARAMS)

// Where the output begins in the input, and the input in the output; those from the rank on are ignored.
#define SLICE_PARAMS(I, F) I(begin0) I(begin1) I(begin2) I(begin3) I(begin4) I(begin5) I(begin6) I(begin7)
TFJS_PARAMS(SliceParams, SLICE_PARAMS)
#define PAD_V2_PARAMS(I, F) \
  I(before0) I(before1) I(before2) I(before3) I(before4) I(before5) I(before6) I(before7) I(pattern)
TFJS_PARAMS(PadV2Params, PAD_V2_PARAMS)

// The bits of the values, in the output's dtype.
#define ONE_HOT_PARAMS(I, F) I(onPattern) I(offPattern)
TFJS_PARAMS(OneHotParams, ONE_HOT_PARAMS)

#define RESIZE_PARAMS(I, F) I(alignCorners) I(halfPixelCenters)
TFJS_PARAMS(ResizeParams, RESIZE_PARAMS)
#define CROP_AND_RESIZE_PARAMS(I, F) I(nearest) F(extrapolationValue)
TFJS_PARAMS(CropAndResizeParams, CROP_AND_RESIZE_PARAMS)
#define ROTATE_WITH_OFFSET_PARAMS(I, F) \
  F(sinFactor) F(cosFactor) F(centerX) F(centerY) F(fill0) F(fill1) F(fill2) F(fill3)
TFJS_DOUBLE_PARAMS(RotateWithOffsetParams, ROTATE_WITH_OFFSET_PARAMS)
enum class FillMode : int64_t { Constant, Reflect, Wrap, Nearest };
#define TRANSFORM_PARAMS(I, F) I(nearest) I(fillMode) F(fillValue)
TFJS_PARAMS(TransformParams, TRANSFORM_PARAMS)
// Of each image: the place (a0 x + a1 y + a2, b0 x + b1 y + b2) that a pixel comes from, what its value and
// its distance from the channel's mean are multiplied by, and the first and past-the-last row and column of
// what is filled: top, left, bottom, right.
#define AUGMENT_IMAGES_PARAMS(I, F) I(fillMode) F(cval)
TFJS_PARAMS(AugmentImagesParams, AUGMENT_IMAGES_PARAMS)
// axes: bit d is set where dimension d is reversed.
#define REVERSE_PARAMS(I, F) I(axes)
TFJS_PARAMS(ReverseParams, REVERSE_PARAMS)

// Where a random generator begins: words of its key and of its counter.
#define PHILOX_PARAMS(I, F) I(key0) I(key1) I(counter0) I(counter1) I(counter2) I(counter3)
TFJS_PARAMS(PhiloxParams, PHILOX_PARAMS)
#define RANDOM_UNIFORM_PARAMS(I, F) PHILOX_PARAMS(I, F) F(min) F(range) F(limit)
TFJS_DOUBLE_PARAMS(RandomUniformParams, RANDOM_UNIFORM_PARAMS)
#define RANDOM_NORMAL_PARAMS(I, F) PHILOX_PARAMS(I, F) F(mean) F(stdDev)
TFJS_PARAMS(RandomNormalParams, RANDOM_NORMAL_PARAMS)
#define DROPOUT_PARAMS(I, F) PHILOX_PARAMS(I, F) I(dropBelow) F(scale)
TFJS_PARAMS(DropoutParams, DROPOUT_PARAMS)

}  // namespace tfjs

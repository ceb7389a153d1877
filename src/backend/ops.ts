/** The parameters of each native op, by the names that `native/core/params.h` gives them. */
type None = Readonly<Record<never, number>>;
type Alpha = Readonly<Record<'alpha', number>>;

type Clip = Readonly<Record<'clipValueMin' | 'clipValueMax', number>>;

type BatchNorm = Readonly<Record<'varianceEpsilon', number>>;

type Pool = Readonly<
  Record<'windowHeight' | 'windowWidth' | 'strideHeight' | 'strideWidth' | 'padTop' | 'padLeft', number>
>;

type Conv2D = Readonly<
  Record<'strideHeight' | 'strideWidth' | 'dilationHeight' | 'dilationWidth' | 'padTop' | 'padLeft', number>
>;

type Resize = Readonly<Record<'alignCorners' | 'halfPixelCenters', number>>;

/** Where a random generator begins: 32-bit words of its key and of its counter. */
export type Philox = Readonly<
  Record<'key0' | 'key1' | 'counter0' | 'counter1' | 'counter2' | 'counter3', number>
>;

type RMSProp = Readonly<Record<'learningRate' | 'decay' | 'oneMinusDecay' | 'momentum' | 'epsilon', number>>;

export interface OpParams {
  Relu: None;
  Relu6: None;
  Elu: None;
  Selu: None;
  Sigmoid: None;
  Tanh: None;
  Softplus: None;
  Exp: None;
  Expm1: None;
  Log: None;
  Log1p: None;
  Sqrt: None;
  Rsqrt: None;
  Reciprocal: None;
  Square: None;
  Abs: None;
  Neg: None;
  Sign: None;
  Floor: None;
  Ceil: None;
  Round: None;
  Erf: None;
  IsNan: None;
  IsInf: None;
  IsFinite: None;
  LogicalNot: None;
  LeakyRelu: Alpha;
  Step: Alpha;
  ClipByValue: Clip;
  Add: None;
  Sub: None;
  Multiply: None;
  RealDiv: None;
  Maximum: None;
  Minimum: None;
  SquaredDifference: None;
  FloorDiv: None;
  Mod: None;
  Pow: None;
  Prelu: None;
  EluGrad: None;
  ReluGrad: None;
  BiasReluGrad: None;
  AddN: None;
  Equal: None;
  NotEqual: None;
  Greater: None;
  GreaterEqual: None;
  Less: None;
  LessEqual: None;
  LogicalAnd: None;
  LogicalOr: None;
  Select: None;
  Cast: None;
  ZerosLike: None;
  OnesLike: None;
  Fill: Readonly<Record<'pattern', number>>;
  Softmax: None;
  SoftmaxGrad: None;
  LogSoftmax: None;
  LogSoftmaxGrad: None;
  SoftmaxCrossEntropyWithLogits: None;
  CategoricalCrossentropy: Clip;
  CategoricalCrossentropyGrad: Clip;
  SparseCategoricalCrossentropy: Clip;
  SparseCategoricalCrossentropyGrad: Clip;
  FusedBatchNorm: BatchNorm;
  FusedBatchNormGrad: BatchNorm;
  FusedBatchNormTraining: BatchNorm & Readonly<Record<'decay', number>>;
  FusedBatchNormTrainingGrad: BatchNorm;
  Transpose: Readonly<Record<`perm${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`, number>>;
  MaxPool: Pool;
  AvgPool: Pool;
  MaxPoolGrad: Pool;
  AvgPoolGrad: Pool;
  ApplyGradientDescent: Readonly<Record<'learningRate', number>>;
  ApplyMomentum: Readonly<Record<'learningRate' | 'momentum' | 'useNesterov', number>>;
  ApplyRMSProp: RMSProp;
  ApplyCenteredRMSProp: RMSProp;
  ApplyAdagrad: Readonly<Record<'learningRate' | 'epsilon', number>>;
  ApplyAdadelta: Readonly<Record<'learningRate' | 'rho' | 'oneMinusRho' | 'epsilon', number>>;
  ApplyAdam: Readonly<
    Record<'learningRate' | 'beta1' | 'oneMinusBeta1' | 'beta2' | 'oneMinusBeta2' | 'epsilon', number>
  >;
  ApplyAdaMax: Readonly<
    Record<'learningRate' | 'beta1' | 'oneMinusBeta1' | 'beta2' | 'epsilon' | 'decay', number>
  >;
  BatchMatMul: Readonly<Record<'transposeA' | 'transposeB', number>>;
  _FusedMatMul: Readonly<Record<'transposeA' | 'transposeB' | 'activation' | 'leakyreluAlpha', number>>;
  Conv2D: Conv2D;
  FusedConv2D: Conv2D & Readonly<Record<'activation' | 'leakyreluAlpha', number>>;
  Conv2DBackpropInput: Conv2D;
  Conv2DBackpropFilter: Conv2D;
  DepthwiseConv2dNative: Conv2D;
  FusedDepthwiseConv2D: Conv2D & Readonly<Record<'activation' | 'leakyreluAlpha', number>>;
  DepthwiseConv2dNativeBackpropInput: Conv2D;
  DepthwiseConv2dNativeBackpropFilter: Conv2D;
  Sum: None;
  Mean: None;
  Prod: None;
  Max: None;
  Min: None;
  Any: None;
  All: None;
  ArgMax: None;
  ArgMin: None;
  Slice: Readonly<Record<`begin${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`, number>>;
  PadV2: Readonly<Record<`before${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}` | 'pattern', number>>;
  Concat: None;
  Tile: None;
  GatherV2: None;
  UnsortedSegmentSum: None;
  OneHot: Readonly<Record<'onPattern' | 'offPattern', number>>;
  ResizeBilinear: Resize;
  ResizeBilinearGrad: Resize;
  ResizeNearestNeighbor: Resize;
  ResizeNearestNeighborGrad: Resize;
  CropAndResize: Readonly<Record<'nearest' | 'extrapolationValue', number>>;
  RotateWithOffset: Readonly<
    Record<'sinFactor' | 'cosFactor' | 'centerX' | 'centerY' | `fill${0 | 1 | 2 | 3}`, number>
  >;
  Transform: Readonly<Record<'nearest' | 'fillMode' | 'fillValue', number>>;
  AugmentImages: Readonly<Record<'fillMode' | 'cval', number>>;
  Reverse: Readonly<Record<'axes', number>>;
  RandomUniform: Philox & Readonly<Record<'min' | 'range' | 'limit', number>>;
  RandomStandardNormal: Philox & Readonly<Record<'mean' | 'stdDev', number>>;
  TruncatedNormal: Philox & Readonly<Record<'mean' | 'stdDev', number>>;
  Dropout: Philox & Readonly<Record<'dropBelow' | 'scale', number>>;
  Multinomial: Philox;
}

/** An op of `native/ops.def`, named as the TensorFlow.js kernel. */
export type OpName = keyof OpParams;

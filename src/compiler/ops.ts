/** The ops that plans call: those of the backend, and some that only plans have. */
import type { OpParams } from '../backend/ops';

type None = Readonly<Record<never, number>>;
type Epsilon = Readonly<Record<'epsilon', number>>;

type Recurrent = Readonly<
  Record<'activation' | 'recurrentActivation' | 'returnSequences' | 'goBackwards', number>
>;

type FusedConv2DMaxPool = OpParams['FusedConv2D'] &
  Readonly<Record<'windowHeight' | 'windowWidth' | 'poolStrideHeight' | 'poolStrideWidth', number>>;

/** The parameters of each op, by the names that `native/core/params.h` gives them. */
export interface PlanOpParams extends OpParams {
  FusedSparseMatMul: OpParams['_FusedMatMul'];
  /** Of the update alone. */
  MatMulRows: Readonly<Record<'first', number>>;
  BatchNormMoments: None;
  BatchNormStatistics: OpParams['FusedBatchNorm'];
  BatchNormApply: Readonly<Record<'activation', number>>;
  BatchNormGradSums: Readonly<Record<'activation', number>>;
  BatchNormGradStatistics: Readonly<Record<'varianceEpsilon' | 'rows', number>>;
  BatchNormGradInput: Readonly<Record<'activation', number>>;
  LayerNorm: OpParams['FusedBatchNorm'];
  LayerNormGrad: None;
  AssignMovingAverage: Readonly<Record<'decay', number>>;
  FusedConv2DMaxPool: FusedConv2DMaxPool;
  FusedConv2DMaxPoolGrad: FusedConv2DMaxPool;
  WinogradFilter: None;
  SparseSoftmaxCrossEntropyWithLogits: None;
  SigmoidCrossEntropyWithLogits: None;
  MeanSquaredError: None;
  MeanAbsoluteError: None;
  MeanAbsolutePercentageError: Epsilon;
  MeanSquaredLogarithmicError: Epsilon;
  Hinge: None;
  SquaredHinge: None;
  CategoricalHinge: None;
  LogCosh: None;
  KullbackLeiblerDivergence: Epsilon;
  Poisson: Epsilon;
  CosineProximity: Epsilon;
  BinaryCrossentropy: OpParams['ClipByValue'];
  SimpleRNN: Recurrent;
  GRU: Recurrent;
  LSTM: Recurrent;
  SimpleRNNGrad: Recurrent;
  GRUGrad: Recurrent;
  LSTMGrad: Recurrent;
  ConstrainNorm: Readonly<Record<'minValue' | 'maxValue' | 'rate' | 'epsilon', number>>;
  SigmoidGrad: None;
  TanhGrad: None;
  SparseCategoricalAccuracy: None;
  CategoricalAccuracy: None;
  BinaryAccuracy: Readonly<Record<'threshold', number>>;
}

/** An op of `native/ops.def`. */
export type PlanOp = keyof PlanOpParams;

/** Losses of predictions and labels of the same shape, each with its gradient. */
export type PointwiseOp =
  | 'MeanSquaredError'
  | 'MeanAbsoluteError'
  | 'MeanAbsolutePercentageError'
  | 'MeanSquaredLogarithmicError'
  | 'Hinge'
  | 'SquaredHinge'
  | 'CategoricalHinge'
  | 'LogCosh'
  | 'KullbackLeiblerDivergence'
  | 'Poisson'
  | 'CosineProximity'
  | 'BinaryCrossentropy';

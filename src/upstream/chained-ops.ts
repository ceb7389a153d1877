/**
 * Gives tensors their methods (`x.relu()`, `x.add(y)`), as `@tensorflow/tfjs` does. The CommonJS bundle of
 * tfjs-core has none of them; what is here mirrors its `dist/public/chained_ops`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tensorClass } from './core-copies';

/** Ops whose method is the op itself with the tensor as first argument. */
// biome-ignore format: one name a line would fill two screens
const plain = [
  'abs', 'acos', 'acosh', 'add', 'all', 'any', 'argMax', 'argMin', 'asin', 'asinh', 'atan', 'atan2', 'atanh',
  'avgPool', 'batchNorm', 'batchToSpaceND', 'broadcastTo', 'cast', 'ceil', 'clipByValue', 'conv1d', 'conv2d',
  'conv2dTranspose', 'cos', 'cosh', 'cumprod', 'cumsum', 'depthToSpace', 'depthwiseConv2d', 'dilation2d', 'div',
  'divNoNan', 'dot', 'elu', 'equal', 'erf', 'euclideanNorm', 'exp', 'expandDims', 'expm1', 'fft', 'floor',
  'floorDiv', 'gather', 'greater', 'greaterEqual', 'ifft', 'irfft', 'isFinite', 'isInf', 'isNaN', 'leakyRelu',
  'less', 'lessEqual', 'localResponseNormalization', 'log', 'log1p', 'logSigmoid', 'logSoftmax', 'logSumExp',
  'logicalAnd', 'logicalNot', 'logicalOr', 'logicalXor', 'matMul', 'max', 'maxPool', 'maximum', 'mean', 'min',
  'minimum', 'mirrorPad', 'mod', 'mul', 'neg', 'norm', 'notEqual', 'oneHot', 'onesLike', 'pad', 'pool', 'pow',
  'prelu', 'prod', 'reciprocal', 'relu', 'relu6', 'reshape', 'reverse', 'rfft', 'round', 'rsqrt', 'selu',
  'separableConv2d', 'sigmoid', 'sign', 'sin', 'sinh', 'slice', 'softmax', 'softplus', 'spaceToBatchND', 'split',
  'sqrt', 'square', 'squaredDifference', 'squeeze', 'step', 'stridedSlice', 'sub', 'sum', 'tan', 'tanh', 'tile',
  'topk', 'transpose', 'unique', 'unsortedSegmentSum', 'unstack', 'zerosLike',
] as const satisfies readonly (keyof typeof tf)[];

type Method = (x: tf.Tensor, ...args: never[]) => unknown;

const others: Readonly<Record<string, Method>> = {
  as1D: (x) => tf.reshape(x, [x.size]),
  as2D: (x, ...shape: [number, number]) => tf.reshape(x, shape),
  as3D: (x, ...shape: [number, number, number]) => tf.reshape(x, shape),
  as4D: (x, ...shape: [number, number, number, number]) => tf.reshape(x, shape),
  as5D: (x, ...shape: [number, number, number, number, number]) => tf.reshape(x, shape),
  asScalar: (x) => {
    tf.util.assert(x.size === 1, () => 'The array must have only 1 element.');
    return tf.reshape(x, []);
  },
  asType: (x, dtype: tf.DataType) => tf.cast(x, dtype),
  concat: (x, more: tf.Tensor | tf.Tensor[], axis?: number) => tf.concat([x, ...list(more)], axis),
  flatten: (x) => tf.reshape(x, [x.size]),
  reshapeAs: (x, like: tf.Tensor) => tf.reshape(x, like.shape),
  resizeBilinear: tf.image.resizeBilinear as Method,
  resizeNearestNeighbor: tf.image.resizeNearestNeighbor as Method,
  stack: (x, more: tf.Tensor | tf.Tensor[], axis?: number) => tf.stack([x, ...list(more)], axis),
  toBool: (x) => tf.cast(x, 'bool'),
  toFloat: (x) => tf.cast(x, 'float32'),
  toInt: (x) => tf.cast(x, 'int32'),
  where: (x, condition: tf.Tensor, other: tf.Tensor) => tf.where(condition, x, other),
};

function list(tensors: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(tensors) ? tensors : [tensors];
}

function addMethod(prototype: object, name: string, op: Method): void {
  const method = function (this: tf.Tensor, ...args: never[]) {
    this.throwIfDisposed();
    return op(this, ...args);
  };
  (prototype as Record<string, unknown>)[name] = method;
}

const { prototype } = tensorClass();
for (const name of plain) addMethod(prototype, name, tf[name] as Method);
for (const [name, op] of Object.entries(others)) addMethod(prototype, name, op);

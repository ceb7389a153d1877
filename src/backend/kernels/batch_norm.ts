/** Batch normalisation over the last dimension, and its gradients. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OpParams } from '../ops';
import type { NativeKernel, NativeKernels } from './kernel';

const isAbsent = (tensor: unknown): boolean => tensor === undefined || tensor === null;

/** Whether all are float32 with one value a channel of x, so that they repeat row by row. */
function arePerChannel(x: TensorInfo, tensors: readonly TensorInfo[]): boolean {
  const channels = x.shape.at(-1) ?? 0;
  return [x, ...tensors].every(({ dtype }) => dtype === 'float32') && channels > 0
    ? tensors.every(({ shape }) => util.sizeFromShape(shape) === channels)
    : false;
}

const fusedBatchNorm: NativeKernel = ({ inputs, attrs, backend }) => {
  const x = inputs.x as TensorInfo;
  const optional = (name: 'offset' | 'scale') =>
    isAbsent(inputs[name]) ? undefined : (inputs[name] as TensorInfo);
  const mean = inputs.mean as TensorInfo;
  const [offset, scale] = [optional('offset'), optional('scale')];
  const given = [mean, inputs.variance as TensorInfo, offset, scale].filter((t) => t !== undefined);
  // Different ranks are an error, which the JavaScript kernel tells.
  if (!arePerChannel(x, given) || given.some(({ shape }) => shape.length !== mean.shape.length)) {
    return undefined;
  }
  const y = backend.output(x.shape, 'float32');
  const varianceEpsilon = (attrs.varianceEpsilon as number | null | undefined) ?? 0.001;
  backend.run('FusedBatchNorm', [x, mean, inputs.variance, offset, scale], [y], { varianceEpsilon });
  return y;
};

/** Ops that src/upstream alone calls, with tensors and parameters that fit; the outputs are one like x, then per channel ones. */
function ofChannels(
  name: 'FusedBatchNormGrad' | 'FusedBatchNormTraining' | 'FusedBatchNormTrainingGrad',
  names: readonly string[],
  perChannel: number,
): NativeKernel {
  return ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const outputs = [backend.output(x.shape, 'float32')];
    for (let i = 0; i < perChannel; i++) outputs.push(backend.output(x.shape.slice(-1), 'float32'));
    const tensors = names.map((input) => inputs[input]);
    backend.run(name, tensors, outputs, attrs as unknown as OpParams['FusedBatchNormTraining']);
    return outputs;
  };
}

export const batchNorm: NativeKernels = {
  FusedBatchNorm: fusedBatchNorm,
  FusedBatchNormGrad: ofChannels('FusedBatchNormGrad', ['dy', 'x', 'mean', 'variance', 'scale'], 4),
  FusedBatchNormTraining: ofChannels(
    'FusedBatchNormTraining',
    ['x', 'offset', 'scale', 'movingMean', 'movingVariance'],
    4,
  ),
  FusedBatchNormTrainingGrad: ofChannels(
    'FusedBatchNormTrainingGrad',
    ['dy', 'x', 'mean', 'variance', 'scale'],
    2,
  ),
};

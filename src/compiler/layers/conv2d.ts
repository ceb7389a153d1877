/** Conv2D, and max-pooling right behind it. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Step } from '../fuse';
import type { Tape, Value } from '../tape';
import { activationOf, fusedActivation } from './activation';
import { convolutionOps, convolve, refuseCausal, slidingParams } from './convolution';
import { refuseChannelsFirst } from './image';
import type { LayerRule, Lowered } from './rule';
import { refuseWeights, weightsOf } from './weights';

interface MaxPooling2D {
  readonly poolSize: [number, number];
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
}

/** Whether max-pooling can be fused into the convolution before it. */
export function fusesPool(conv: Layer, activation: string, pool: Layer): boolean {
  const { padding, poolSize } = pool as unknown as MaxPooling2D;
  const code = fusedActivation(activation);
  return (
    conv.getClassName() === 'Conv2D' &&
    code !== undefined &&
    padding === 'valid' &&
    poolSize[0] * poolSize[1] <= 256
  );
}

function withPool(
  { layers: [layer, ...others], shape, activation }: Step,
  x: Value,
  tape: Tape,
  wanted: boolean,
): Lowered {
  const { poolSize, strides } = others.at(-1) as unknown as MaxPooling2D;
  const { kernel, bias } = weightsOf(layer as Layer, tape);
  const params = {
    ...slidingParams(layer as Layer, x.dims, kernel.value.dims),
    windowHeight: poolSize[0],
    windowWidth: poolSize[1],
    poolStrideHeight: strides[0],
    poolStrideWidth: strides[1],
    activation: fusedActivation(activation) as number,
    leakyreluAlpha: 0,
  };
  const output = tape.value(shape);
  const argmax = tape.value(shape, 'bool');
  const micro = { micro: 'always' as const };
  tape.call('FusedConv2DMaxPool', [x, kernel.value, bias?.value], [output, argmax], params, micro);
  return {
    output,
    backward(dy) {
      const dx = wanted ? tape.value(x.dims.slice(1)) : undefined;
      const outputs = [dx, kernel.gradient, bias?.gradient];
      tape.call('FusedConv2DMaxPoolGrad', [dy, output, argmax, x, kernel.value], outputs, params, micro);
      return [dx];
    },
  };
}

function withoutPool(
  { layers: [layer], activation, shape }: Step,
  x: Value,
  tape: Tape,
  wanted: boolean,
): Lowered {
  const { kernel, bias } = weightsOf(layer as Layer, tape);
  const params = slidingParams(layer as Layer, x.dims, kernel.value.dims);
  return convolve(convolutionOps.dense, { x, kernel, bias, params, activation, shape }, tape, wanted);
}

export const conv2d: LayerRule = {
  probe: () => layers.conv2d({ filters: 1, kernelSize: 1 }),
  refuse: (layer) => refuseCausal(layer) ?? refuseChannelsFirst(layer) ?? refuseWeights(layer),
  activation: activationOf,
  lower(step, [x], tape, [wanted]) {
    const lower = step.pool ? withPool : withoutPool;
    return lower(step, x as Value, tape, wanted as boolean);
  },
};

/** Conv2D, and max-pooling right behind it. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { addon } from '../../binding';
import type { Step } from '../fuse';
import type { PlanOpParams } from '../ops';
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

/** Samples that share a filter, transformed once a step: enough for its costs not to count. */
const manySamples = 64;

/**
 * The filter as Winograd's method takes it, if pooled convolutions are computed that way.
 * @param shape of what is pooled: [height, width, channels]
 */
function winogradFilter(
  kernel: Value,
  [height = 0, width = 0]: readonly number[],
  params: PlanOpParams['FusedConv2DMaxPool'],
  tape: Tape,
): Value | undefined {
  const [filterHeight, filterWidth, depth, columns] = kernel.dims as [number, number, number, number];
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = params;
  const { windowHeight, windowWidth, poolStrideHeight, poolStrideWidth } = params;
  const ones = [strideHeight, strideWidth, dilationHeight, dilationWidth];
  const twos = [windowHeight, windowWidth, poolStrideHeight, poolStrideWidth];
  if (filterHeight !== 3 || filterWidth !== 3) return undefined;
  if (ones.some((each) => each !== 1) || twos.some((each) => each !== 2)) return undefined;
  const tile = addon.winogradPooledTile(manySamples, 2 * height, 2 * width, depth, columns);
  if (tile === 0) return undefined;
  const dims = [(tile + 2) ** 2, depth * Math.ceil(columns / 32) * 32 + 16];
  return tape.prepared('WinogradFilter', [kernel], dims, {}, 'each thread');
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
  const argmax = tape.training ? tape.value(shape, 'bool') : undefined;
  const micro = { micro: 'always' as const };
  const transformed = winogradFilter(kernel.value, shape, params, tape);
  const inputs = [x, kernel.value, bias?.value, transformed];
  tape.call('FusedConv2DMaxPool', inputs, [output, argmax], params, micro);
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

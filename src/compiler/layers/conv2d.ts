/** Conv2D, and max-pooling right behind it. */
import { backend_util } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Step } from '../fuse';
import { type Micro, smallWeights, type Tape, type Value } from '../tape';
import { activate, activationOf, fusedActivation } from './activation';
import { refuseChannelsFirst } from './image';
import type { LayerRule, Lowered } from './rule';
import { biasGradient, refuseWeights, weightsOf } from './weights';

interface Conv2D {
  readonly kernelSize: [number, number];
  readonly strides: [number, number];
  readonly dilationRate: [number, number];
  readonly padding: 'same' | 'valid' | 'causal';
  readonly filters: number;
}

interface MaxPooling2D {
  readonly poolSize: [number, number];
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
}

type Shape4D = [number, number, number, number];

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

function geometry(layer: Layer, [, height, width, channels]: readonly number[]) {
  const { kernelSize, strides, dilationRate, padding, filters } = layer as unknown as Conv2D;
  const info = backend_util.computeConv2DInfo(
    [1, height, width, channels] as Shape4D,
    [...kernelSize, channels as number, filters] as Shape4D,
    strides,
    dilationRate,
    padding as 'same' | 'valid',
  );
  return {
    shape: [info.outHeight, info.outWidth, filters],
    params: {
      strideHeight: info.strideHeight,
      strideWidth: info.strideWidth,
      dilationHeight: info.dilationHeight,
      dilationWidth: info.dilationWidth,
      padTop: info.padInfo.top,
      padLeft: info.padInfo.left,
    },
  };
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
    ...geometry(layer as Layer, x.dims).params,
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

function withoutPool({ layers: [layer], activation }: Step, x: Value, tape: Tape, wanted: boolean): Lowered {
  const { shape, params } = geometry(layer as Layer, x.dims);
  const { kernel, bias } = weightsOf(layer as Layer, tape);
  // Many micro-batches would each transform or pack a large filter anew.
  const micro: Micro = kernel.value.memory.bytes <= smallWeights ? 'where' : 'never';
  const code = fusedActivation(activation);
  const z = tape.value(shape);
  tape.call(
    'FusedConv2D',
    [x, kernel.value, bias?.value, undefined],
    [z],
    { ...params, activation: code ?? 0, leakyreluAlpha: 0 },
    { micro },
  );
  const output = code === undefined ? activate(tape, activation, z) : z;
  return {
    output,
    backward(dy) {
      const dz = biasGradient(tape, activation, dy, output, bias?.gradient);
      if (kernel.gradient)
        tape.gradientCall('Conv2DBackpropFilter', [x, dz], [kernel.gradient], params, micro);
      const dx = wanted ? tape.value(x.dims.slice(1)) : undefined;
      if (dx) tape.call('Conv2DBackpropInput', [dz, kernel.value], [dx], params, { micro });
      return [dx];
    },
  };
}

export const conv2d: LayerRule = {
  probe: () => layers.conv2d({ filters: 1, kernelSize: 1 }),
  refuse(layer) {
    const { padding } = layer as unknown as Conv2D;
    if (padding === 'causal') return 'its padding is causal';
    return refuseChannelsFirst(layer) ?? refuseWeights(layer);
  },
  activation: activationOf,
  lower(step, [x], tape, [wanted]) {
    const lower = step.pool ? withPool : withoutPool;
    return lower(step, x as Value, tape, wanted as boolean);
  },
};

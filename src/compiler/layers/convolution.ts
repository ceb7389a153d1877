/** What layers that slide a filter over images have in common. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { type Micro, type Parameter, smallWeights, type Tape, type Value } from '../tape';
import { activate, fusedActivation } from './activation';
import type { Lowered } from './rule';
import { biasGradient } from './weights';

type Shape4D = [number, number, number, number];

/** Fields of tf.layers' convolutions; lists of one number in 1D. */
interface Convolution {
  readonly strides: readonly [number, number];
  readonly dilationRate: readonly [number, number];
  readonly padding: 'same' | 'valid' | 'causal';
}

/** Upstream refuses it, in words of its own. */
export function refuseCausal(layer: Layer): string | undefined {
  const { padding } = layer as unknown as Convolution;
  return padding === 'causal' ? 'its padding is causal' : undefined;
}

/** Parameters of ops that slide a filter [height, width, …] over images. */
export function slidingParams(
  layer: Layer,
  image: readonly number[],
  [height, width]: readonly number[],
  dilations = (layer as unknown as Convolution).dilationRate,
) {
  const { strides, padding } = layer as unknown as Convolution;
  const info = backend_util.computeConv2DInfo(
    image as Shape4D,
    [height, width, image[3], 1] as Shape4D,
    strides as [number, number],
    dilations as [number, number],
    padding as 'same' | 'valid',
  );
  return {
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    dilationHeight: info.dilationHeight,
    dilationWidth: info.dilationWidth,
    padTop: info.padInfo.top,
    padLeft: info.padInfo.left,
  };
}

/** So many results a sample and channel are worth it that micro-batches transform or pack a larger filter each. */
const manyPixels = 256;
const largerWeights = 2 * smallWeights;

/** Where a convolution runs, by its weights and the shape of its result [height, width, channels]. */
export function microOf({ memory: { bytes } }: Value, [height = 1, width = 1]: readonly number[]): Micro {
  if (height * width >= manyPixels) return bytes <= largerWeights ? 'always' : 'never';
  return bytes <= smallWeights ? 'where' : 'never';
}

const dense = {
  forward: 'FusedConv2D',
  filter: 'Conv2DBackpropFilter',
  input: 'Conv2DBackpropInput',
} as const;
const depthwise = {
  forward: 'FusedDepthwiseConv2D',
  filter: 'DepthwiseConv2dNativeBackpropFilter',
  input: 'DepthwiseConv2dNativeBackpropInput',
} as const;
export const convolutionOps = { dense, depthwise };

/** One convolution of images. */
export interface Sliding {
  /** [1, height, width, channels] */
  readonly x: Value;
  /** [height, width, …] */
  readonly kernel: Pick<Parameter, 'value' | 'gradient'>;
  readonly bias: Parameter | undefined;
  readonly params: ReturnType<typeof slidingParams>;
  readonly activation: string;
  /** Of the output, without the batch. */
  readonly shape: readonly number[];
}

/** Writes activation(convolution + bias). */
export function convolve(
  ops: typeof dense | typeof depthwise,
  { x, kernel, bias, params, activation, shape }: Sliding,
  tape: Tape,
  wanted: boolean,
): Lowered {
  const micro = microOf(kernel.value, shape);
  const code = fusedActivation(activation);
  const z = tape.value(shape);
  tape.call(
    ops.forward,
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
      if (kernel.gradient) tape.gradientCall(ops.filter, [x, dz], [kernel.gradient], params, micro);
      const dx = wanted ? tape.value(x.dims.slice(1)) : undefined;
      if (dx) tape.call(ops.input, [dz, kernel.value], [dx], params, { micro });
      return [dx];
    },
  };
}

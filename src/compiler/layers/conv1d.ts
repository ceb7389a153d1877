/** Conv1D: a convolution of images of one row. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Tape, Value } from '../tape';
import { activationOf } from './activation';
import { convolutionOps, convolve, refuseCausal, slidingParams } from './convolution';
import { refuseChannelsFirst } from './image';
import type { LayerRule } from './rule';
import { refuseWeights, weightsOf } from './weights';

interface Conv1D {
  readonly strides: [number];
  readonly dilationRate: [number];
  readonly padding: 'same' | 'valid';
}

/** [steps, …] as [1, steps, …], behind a batch if there is one. */
function asRow(value: Value, tape: Tape): Value {
  const { dims, batchDim } = value;
  return tape.view(value, batchDim === undefined ? [1, ...dims] : [dims[0] as number, 1, ...dims.slice(1)]);
}

/** The layer's fields as those of a convolution in 2D. */
function in2d(layer: Layer): Layer {
  const { strides, dilationRate, padding } = layer as unknown as Conv1D;
  return { strides: [1, ...strides], dilationRate: [1, ...dilationRate], padding } as unknown as Layer;
}

export const conv1d: LayerRule = {
  probe: () => layers.conv1d({ filters: 1, kernelSize: 1 }),
  refuse: (layer) => refuseCausal(layer) ?? refuseChannelsFirst(layer) ?? refuseWeights(layer),
  activation: activationOf,
  lower({ layers: [layer], activation, shape }, [input], tape, [wanted]) {
    const { kernel: weights, bias } = weightsOf(layer as Layer, tape);
    const x = asRow(input as Value, tape);
    const kernel = {
      value: asRow(weights.value, tape),
      gradient: weights.gradient && asRow(weights.gradient, tape),
    };
    const params = slidingParams(in2d(layer as Layer), x.dims, kernel.value.dims);
    const sliding = { x, kernel, bias, params, activation, shape: [1, ...shape] };
    const { output, backward } = convolve(convolutionOps.dense, sliding, tape, wanted as boolean);
    return {
      output: tape.view(output, [tape.samples, ...shape]),
      backward(dy) {
        const [dx] = backward(asRow(dy, tape));
        return [dx && tape.view(dx, (input as Value).dims)];
      },
    };
  },
};

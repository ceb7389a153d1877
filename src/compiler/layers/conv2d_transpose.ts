/** Conv2DTranspose: forward what is a convolution's data gradient, backward a convolution. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Value } from '../tape';
import { activate, activationOf } from './activation';
import { microOf, slidingParams } from './convolution';
import { refuseChannelsFirst } from './image';
import type { LayerRule } from './rule';
import { biasGradient, refuseWeights, weightsOf } from './weights';

export const conv2dTranspose: LayerRule = {
  probe: () => layers.conv2dTranspose({ filters: 1, kernelSize: 1 }),
  refuse: (layer) => refuseChannelsFirst(layer) ?? refuseWeights(layer),
  activation: activationOf,
  lower({ layers: [layer], activation, shape }, [input], tape, [wanted]) {
    const x = input as Value;
    const { kernel, bias } = weightsOf(layer as Layer, tape);
    const micro = microOf(kernel.value, shape);
    // Upstream's takes no notice of dilations.
    const params = slidingParams(layer as Layer, [1, ...shape], kernel.value.dims, [1, 1]);
    const product = tape.value(shape);
    tape.call('Conv2DBackpropInput', [x, kernel.value], [product], params, { micro });
    let z = product;
    if (bias) {
      z = tape.value(shape);
      tape.call('Add', [product, bias.value], [z], {});
    }
    const output = activate(tape, activation, z);
    return {
      output,
      backward(dy) {
        const dz = biasGradient(tape, activation, dy, output, bias?.gradient);
        if (kernel.gradient)
          tape.gradientCall('Conv2DBackpropFilter', [dz, x], [kernel.gradient], params, micro);
        const dx = wanted ? tape.value(x.dims.slice(1)) : undefined;
        const linear = { ...params, activation: 0, leakyreluAlpha: 0 };
        if (dx) tape.call('FusedConv2D', [dz, kernel.value, undefined, undefined], [dx], linear, { micro });
        return [dx];
      },
    };
  },
};

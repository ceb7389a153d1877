/** DepthwiseConv2D, and SeparableConv2D, which has a convolution of single pixels behind it. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Parameter, Tape, Value } from '../tape';
import { activationOf, refuseActivation } from './activation';
import { convolutionOps, convolve, refuseCausal, slidingParams } from './convolution';
import { refuseChannelsFirst } from './image';
import { folded } from './fold';
import type { LayerRule } from './rule';
import { optionalWeight, refuseRegularizers } from './weights';

const refuse = (layer: Layer): string | undefined =>
  refuseCausal(layer) ??
  refuseChannelsFirst(layer) ??
  refuseRegularizers(layer, ['depthwise', 'pointwise', 'bias']) ??
  refuseActivation(layer);

/** The weights `name`Kernel, whose regularizer is named without the `Kernel`. */
function kernelOf(layer: Layer, name: 'depthwise' | 'pointwise', tape: Tape): Parameter {
  return optionalWeight(layer, `${name}Kernel`, tape, `${name}Regularizer`) as Parameter;
}

export const depthwiseConv2d: LayerRule = {
  probe: () => layers.depthwiseConv2d({ kernelSize: 1 }),
  refuse,
  activation: activationOf,
  lower({ layers: [layer], activation, shape }, [input], tape, [wanted]) {
    const x = input as Value;
    const { kernel, bias } = folded(layer as Layer, tape, {
      kernel: kernelOf(layer as Layer, 'depthwise', tape),
      bias: optionalWeight(layer as Layer, 'bias', tape),
    });
    // Upstream's takes no notice of dilations.
    const params = slidingParams(layer as Layer, x.dims, kernel.value.dims, [1, 1]);
    const sliding = { x, kernel, bias, params, activation, shape };
    return convolve(convolutionOps.depthwise, sliding, tape, wanted as boolean);
  },
};

const onePixel = {
  strideHeight: 1,
  strideWidth: 1,
  dilationHeight: 1,
  dilationWidth: 1,
  padTop: 0,
  padLeft: 0,
};

export const separableConv2d: LayerRule = {
  probe: () => layers.separableConv2d({ filters: 1, kernelSize: 1 }),
  refuse,
  activation: activationOf,
  lower({ layers: [layer], activation, shape }, [input], tape, [wanted]) {
    const x = input as Value;
    const depthwise = kernelOf(layer as Layer, 'depthwise', tape);
    const pointwise = kernelOf(layer as Layer, 'pointwise', tape);
    const bias = optionalWeight(layer as Layer, 'bias', tape);
    const params = slidingParams(layer as Layer, x.dims, depthwise.value.dims);
    const channels = pointwise.value.dims[2] as number;
    const spread = convolve(
      convolutionOps.depthwise,
      {
        x,
        kernel: depthwise,
        bias: undefined,
        params,
        activation: 'linear',
        shape: [...shape.slice(0, 2), channels],
      },
      tape,
      wanted as boolean,
    );
    const mixed = convolve(
      convolutionOps.dense,
      { x: spread.output, kernel: pointwise, bias, params: onePixel, activation, shape },
      tape,
      wanted === true || depthwise.gradient !== undefined,
    );
    return {
      output: mixed.output,
      backward(dy) {
        const [between] = mixed.backward(dy);
        return between ? spread.backward(between) : [undefined];
      },
    };
  },
};

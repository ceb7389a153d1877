/** Depthwise convolutions from JavaScript: shapes, paddings, fused bias and activation, against `cpu`. */
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import {
  draw,
  drawWhole,
  expectJavaScript,
  expectLikeCpu,
  nativeRuns,
  pick,
  random,
  runKernel,
  type Values,
  whole,
} from './like-cpu';

type Shape = [number, number, number, number];
interface Attrs {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number | [[number, number], [number, number], [number, number], [number, number]];
  dilations: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
interface Call {
  x: Shape;
  filter: Shape;
  y: Shape;
  attrs: Attrs;
}

const pair = (low: number, high: number): number | [number, number] =>
  random() < 0.5 ? whole(low, high) : [whole(low, high), whole(low, high)];

/** A convolution that leaves something of x. */
function drawCall({ dilated = false } = {}): Call {
  for (;;) {
    const x: Shape = [whole(1, 3), whole(1, 9), whole(1, 12), pick([1, 2, 3, 8, 17, 33])];
    const filter: Shape = [whole(1, 5), whole(1, 5), x[3], pick([1, 1, 1, 2, 5])];
    const attrs: Attrs = {
      strides: dilated ? 1 : pair(1, 3),
      pad: pick(['valid', 'same']),
      dilations: dilated ? pair(1, 3) : 1,
    };
    if (random() < 0.4) {
      const side = (): [number, number] => [whole(0, 3), whole(0, 3)];
      attrs.pad = random() < 0.5 ? whole(0, 2) : [[0, 0], side(), side(), [0, 0]];
      attrs.dimRoundingMode = pick(['floor', 'round', 'ceil']);
    }
    const { strides, dilations, pad, dimRoundingMode } = attrs;
    const { computeConv2DInfo } = tf.backend_util;
    const y = computeConv2DInfo(x, filter, strides, dilations, pad, dimRoundingMode, true).outShape as Shape;
    if (y.every((length) => length > 0)) return { x, filter, y, attrs };
  }
}

/** Whole numbers keep sums exact; now and then a NaN or an infinity must go where it goes on `cpu`, no further. */
const values = (shape: number[]): Values => drawWhole(shape, pick([0, 0, 0.02]));

const repeats = 100;

describe('depthwise convolution', () => {
  const attrs: Attrs = { strides: 1, pad: 'same', dilations: 1 };

  it.each([false, true])('DepthwiseConv2dNative is as on cpu, dilated: %s', (dilated) => {
    for (let i = 0; i < repeats; i++) {
      const { x, filter, attrs } = drawCall({ dilated });
      expectLikeCpu('DepthwiseConv2dNative', { x: values(x), filter: values(filter) }, attrs);
    }
    expect(nativeRuns).toEqual(new Set(['DepthwiseConv2dNative']));
  });

  it('DepthwiseConv2dNativeBackpropInput is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const { x, filter, y, attrs } = drawCall();
      const inputs = { dy: values(y), filter: values(filter) };
      expectLikeCpu('DepthwiseConv2dNativeBackpropInput', inputs, { ...attrs, inputShape: x });
    }
    expect(nativeRuns).toContain('DepthwiseConv2dNativeBackpropInput');
  });

  it('DepthwiseConv2dNativeBackpropFilter is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const { x, filter, y, attrs } = drawCall();
      const inputs = { x: values(x), dy: values(y) };
      expectLikeCpu('DepthwiseConv2dNativeBackpropFilter', inputs, { ...attrs, filterShape: filter });
    }
    expect(nativeRuns).toContain('DepthwiseConv2dNativeBackpropFilter');
  });

  it.each([undefined, 'linear', 'relu', 'relu6', 'elu', 'sigmoid', 'prelu', 'leakyrelu'])(
    'FusedDepthwiseConv2D with activation %s is as on cpu',
    (activation) => {
      for (let i = 0; i < 30; i++) {
        const { x, filter, y, attrs } = drawCall();
        const channels = y[3];
        const inputs: Record<string, Values> = { x: values(x), filter: values(filter) };
        const biases = [[], [1], [channels], [1, 1, channels], [y[2], 1], [y[1], 1, channels], [...y]];
        if (random() < 0.8) inputs.bias = values(pick(biases));
        if (activation === 'prelu') {
          inputs.preluActivationWeights = values(pick([[], [1], [channels], y.slice(1)]));
        }
        expectLikeCpu('FusedDepthwiseConv2D', inputs, { ...attrs, activation, leakyreluAlpha: 0.25 });
      }
      expect(nativeRuns).toContain('FusedDepthwiseConv2D');
    },
  );

  it('of integers is made in JavaScript', () => {
    const inputs = { x: draw([1, 4, 5, 2], 'int32'), filter: draw([3, 2, 2, 3], 'int32') };
    expectJavaScript('DepthwiseConv2dNative', inputs, attrs);
  });

  it.each([
    [
      [0, 4, 4, 3],
      [3, 3, 3, 2],
    ],
    [
      [2, 4, 4, 0],
      [3, 3, 0, 2],
    ],
    [
      [2, 0, 4, 3],
      [3, 3, 3, 1],
    ],
  ])('of %j with %j, which has nothing in it, is as on cpu', (x, filter) => {
    expectLikeCpu('DepthwiseConv2dNative', { x: drawWhole(x), filter: drawWhole(filter) }, attrs);
    const [n, h, w, c] = x as Shape;
    const dy = drawWhole([n, h, w, c * (filter[3] as number)]);
    const toInput = { ...attrs, inputShape: x };
    expectLikeCpu('DepthwiseConv2dNativeBackpropInput', { dy, filter: drawWhole(filter) }, toInput);
    const toFilter = { ...attrs, filterShape: filter };
    expectLikeCpu('DepthwiseConv2dNativeBackpropFilter', { x: drawWhole(x), dy }, toFilter);
  });

  it('with strides and dilations is the error of TensorFlow.js', () => {
    const inputs = { x: drawWhole([1, 5, 5, 1]), filter: drawWhole([2, 2, 1, 1]) };
    const both = { ...attrs, strides: 2, dilations: 2 };
    expect(() => runKernel('native', 'DepthwiseConv2dNative', inputs, both)).toThrow(
      'Either strides or dilations must be 1',
    );
  });

  it('with an unknown activation is the error of TensorFlow.js', () => {
    const inputs = { x: drawWhole([1, 3, 3, 1]), filter: drawWhole([2, 2, 1, 1]) };
    const swish = { ...attrs, activation: 'swish' };
    expect(() => runKernel('native', 'FusedDepthwiseConv2D', inputs, swish)).toThrow('Activation swish');
  });
});

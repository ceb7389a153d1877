/** Convolutions from JavaScript: shapes, paddings, both data formats, fused bias and activation, against `cpu`. */
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
type Padding = [[number, number], [number, number], [number, number], [number, number]];
interface Attrs {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number | Padding;
  dataFormat: 'NHWC' | 'NCHW';
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
function drawCall({ dilated = false, dataFormat = 'NHWC' as Attrs['dataFormat'] } = {}): Call {
  const channelsFirst = dataFormat === 'NCHW';
  for (;;) {
    const [n, h, w, c] = [whole(1, 3), whole(1, 9), whole(1, 9), pick([1, 2, 3, 8, 17])];
    const x: Shape = channelsFirst ? [n, c, h, w] : [n, h, w, c];
    const filter: Shape = [whole(1, 4), whole(1, 4), c, pick([1, 2, 5, 16, 33])];
    const attrs: Attrs = {
      strides: dilated ? 1 : pair(1, 3),
      pad: pick(['valid', 'same']),
      dataFormat,
      dilations: dilated ? pair(1, 3) : 1,
    };
    if (random() < 0.4) {
      const side = (): [number, number] => [whole(0, 3), whole(0, 3)];
      const none: [number, number] = [0, 0];
      const sides: Padding = channelsFirst ? [none, none, side(), side()] : [none, side(), side(), none];
      attrs.pad = random() < 0.5 ? whole(0, 2) : sides;
      attrs.dimRoundingMode = pick(['floor', 'round', 'ceil']);
    }
    const y = tf.backend_util.computeConv2DInfo(
      x,
      filter,
      attrs.strides,
      attrs.dilations,
      attrs.pad,
      attrs.dimRoundingMode,
      false,
      channelsFirst ? 'channelsFirst' : 'channelsLast',
    ).outShape as Shape;
    if (y.every((length) => length > 0)) return { x, filter, y, attrs };
  }
}

/**
 * Sums of whole numbers are exact but by Winograd's method, whose errors stay within 2e-5 of the root mean square of
 * sums of 576 terms (test/binding/settings.test.ts); these have fewer, each of a mean square of (20 / 3)^2.
 */
const rounding = 2e-5 * Math.sqrt(576) * (20 / 3);

/** Whole numbers keep sums exact; now and then a NaN or an infinity must go where it goes on `cpu`, no further. */
const values = (shape: number[]): Values => drawWhole(shape, pick([0, 0, 0.02]));

const formats = ['NHWC', 'NCHW'] as const;
const repeats = 100;

describe.each(formats)('convolution of %s', (dataFormat) => {
  it.each([false, true])('Conv2D is as on cpu, dilated: %s', (dilated) => {
    for (let i = 0; i < repeats; i++) {
      const { x, filter, attrs } = drawCall({ dataFormat, dilated });
      expectLikeCpu('Conv2D', { x: values(x), filter: values(filter) }, attrs, rounding);
    }
    expect(nativeRuns).toEqual(new Set(dataFormat === 'NCHW' ? ['Conv2D', 'Transpose'] : ['Conv2D']));
  });

  it('Conv2DBackpropInput is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const { x, filter, y, attrs } = drawCall({ dataFormat });
      const inputs = { dy: values(y), filter: values(filter) };
      expectLikeCpu('Conv2DBackpropInput', inputs, { ...attrs, inputShape: x }, rounding);
    }
    expect(nativeRuns).toContain('Conv2DBackpropInput');
  });

  it('Conv2DBackpropFilter is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const { x, filter, y, attrs } = drawCall({ dataFormat });
      expectLikeCpu(
        'Conv2DBackpropFilter',
        { x: values(x), dy: values(y) },
        { ...attrs, filterShape: filter },
        rounding,
      );
    }
    expect(nativeRuns).toContain('Conv2DBackpropFilter');
  });

  it.each([undefined, 'linear', 'relu', 'relu6', 'elu', 'sigmoid', 'prelu', 'leakyrelu'])(
    'FusedConv2D with activation %s is as on cpu',
    (activation) => {
      for (let i = 0; i < 30; i++) {
        const { x, filter, y, attrs } = drawCall({ dataFormat });
        const channels = filter[3];
        const last = dataFormat === 'NHWC';
        const inputs: Record<string, Values> = { x: values(x), filter: values(filter) };
        const broadcast = last ? [[1, 1, channels], [y[2], 1], [y[1], 1, channels], [...y]] : [];
        if (random() < 0.8) inputs.bias = values(pick([[], [1], [channels], ...broadcast]));
        if (activation === 'prelu') {
          inputs.preluActivationWeights = values(pick([[], [1], [channels], y.slice(1)]));
        }
        expectLikeCpu('FusedConv2D', inputs, { ...attrs, activation, leakyreluAlpha: 0.25 }, rounding);
      }
      expect(nativeRuns).toContain('FusedConv2D');
    },
  );
});

describe('convolution', () => {
  const attrs: Attrs = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };

  it('of integers is made in JavaScript', () => {
    const inputs = { x: draw([1, 4, 5, 2], 'int32'), filter: draw([3, 2, 2, 3], 'int32') };
    expectJavaScript('Conv2D', inputs, attrs);
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
      [2, 4, 4, 3],
      [3, 3, 3, 0],
    ],
    [
      [2, 0, 4, 3],
      [3, 3, 3, 2],
    ],
  ])('of %j with %j, which has nothing in it, is as on cpu', (x, filter) => {
    expectLikeCpu('Conv2D', { x: drawWhole(x), filter: drawWhole(filter) }, attrs);
    const dy = drawWhole([x[0] as number, x[1] as number, x[2] as number, filter[3] as number]);
    expectLikeCpu('Conv2DBackpropInput', { dy, filter: drawWhole(filter) }, { ...attrs, inputShape: x });
    expectLikeCpu('Conv2DBackpropFilter', { x: drawWhole(x), dy }, { ...attrs, filterShape: filter });
  });

  it('with an unknown activation is the error of TensorFlow.js', () => {
    const inputs = { x: drawWhole([1, 3, 3, 1]), filter: drawWhole([2, 2, 1, 1]) };
    expect(() => runKernel('native', 'FusedConv2D', inputs, { ...attrs, activation: 'swish' })).toThrow(
      'Activation swish',
    );
  });

  it('what TensorFlow.js rejects is its error', () => {
    const inputs = { x: drawWhole([1, 3, 3, 1]), filter: drawWhole([2, 2, 1, 1]) };
    expect(() => runKernel('native', 'Conv2D', inputs, { ...attrs, pad: 'wide' })).toThrow(
      'Unknown padding parameter: wide',
    );
  });

  it.each(['conv2d', 'conv2dTranspose', 'depthwiseConv2d', 'separableConv2d'])(
    'gradients of %s are those of cpu',
    (name) => {
      const ops: Record<string, (x: tf.Tensor4D, w: tf.Tensor4D, v: tf.Tensor4D) => tf.Tensor> = {
        conv2d: (x, w) => tf.conv2d(x, w, 2, 'same'),
        conv2dTranspose: (x, w) => tf.conv2dTranspose(x, w, [2, 16, 14, 4], 2, 'same'),
        depthwiseConv2d: (x, w) => tf.depthwiseConv2d(x, w, 2, 'same'),
        separableConv2d: (x, w, v) => tf.separableConv2d(x, w, v, 2, 'same'),
      };
      const shapes = [
        [2, 8, 7, 3],
        [3, 3, name === 'conv2dTranspose' ? 4 : 3, name === 'conv2dTranspose' ? 3 : 2],
        [1, 1, 6, 5],
      ];
      const inputs = shapes.map((shape) => drawWhole(shape));
      const [native, cpu] = ['native', 'cpu'].map((backend) => {
        tf.setBackend(backend);
        return tf.tidy(() => {
          const tensors = inputs.map((v) => tf.tensor(v.values, v.shape));
          const loss = (...t: tf.Tensor[]) => {
            const [x, w, v] = t as tf.Tensor4D[];
            const y = ops[name]?.(x as tf.Tensor4D, w as tf.Tensor4D, v as tf.Tensor4D) as tf.Tensor;
            return tf.add(tf.sum(tf.square(y)), tf.mul(0, tf.sum(v as tf.Tensor4D))) as tf.Scalar;
          };
          return tf
            .grads(loss)(tensors)
            .map((g) => Array.from(g.dataSync()));
        });
      });
      expect(native).toEqual(cpu);
    },
  );
});

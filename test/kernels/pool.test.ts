/** Pooling from JavaScript: windows, strides and paddings in every form that TensorFlow.js takes, against `cpu`. */
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import {
  draw,
  expectJavaScript,
  expectLikeCpu,
  nativeRuns,
  pick,
  random,
  runKernel,
  whole,
} from './like-cpu';

type Shape = [number, number, number, number];
interface Attrs {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: 'valid' | 'same' | number | [[number, number], [number, number], [number, number], [number, number]];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

const size = (): number | [number, number] =>
  random() < 0.5 ? whole(1, 4) : ([whole(1, 4), whole(1, 4)] as [number, number]);

/** Parameters and a shape of x that they leave something of. */
function drawCall(): { x: Shape; y: Shape; attrs: Attrs } {
  for (;;) {
    const x: Shape = [whole(1, 3), whole(1, 9), whole(1, 9), pick([1, 2, 3, 8, 17])];
    const attrs: Attrs = { filterSize: size(), strides: size(), pad: pick(['valid', 'same']) };
    if (random() < 0.4) {
      const side = (): [number, number] => [whole(0, 2), whole(0, 2)];
      attrs.pad = random() < 0.5 ? whole(0, 2) : [[0, 0], side(), side(), [0, 0]];
      attrs.dimRoundingMode = pick(['floor', 'round', 'ceil']);
    }
    const y = tf.backend_util.computePool2DInfo(
      x,
      attrs.filterSize,
      attrs.strides,
      1,
      attrs.pad,
      attrs.dimRoundingMode,
    ).outShape as Shape;
    if (y.every((n) => n > 0)) return { x, y, attrs };
  }
}

const repeats = 150;

describe('pooling', () => {
  it.each(['MaxPool', 'AvgPool'])('%s is as on cpu', (name) => {
    for (let i = 0; i < repeats; i++) {
      const { x, attrs } = drawCall();
      expectLikeCpu(name, { x: draw(x, 'float32') }, attrs);
    }
    expect(nativeRuns).toEqual(new Set([name]));
  });

  it.each(['MaxPoolGrad', 'AvgPoolGrad'])('%s is as on cpu', (name) => {
    for (let i = 0; i < repeats; i++) {
      const { x, y, attrs } = drawCall();
      const inputs = { dy: draw(y, 'float32'), input: draw(x, 'float32') };
      const output = draw(y, 'float32');
      expectLikeCpu(name, name === 'MaxPoolGrad' ? { ...inputs, output } : inputs, attrs);
    }
    expect(nativeRuns).toEqual(new Set([name]));
  });

  it('a window of one cell shares the data of its input', () => {
    const x = draw([2, 3, 3, 4], 'float32');
    expectLikeCpu('MaxPool', { x }, { filterSize: 1, strides: 1, pad: 'same' });
    expect(nativeRuns).toEqual(new Set());
  });

  it('integers are pooled in JavaScript', () => {
    expectJavaScript(
      'MaxPool',
      { x: draw([1, 5, 5, 2], 'int32') },
      { filterSize: 2, strides: 2, pad: 'same' },
    );
  });

  it('gradients of a model are those of cpu', () => {
    const image = draw([2, 8, 8, 3], 'float32');
    const finite = { ...image, values: image.values.map((v) => (Number.isFinite(v) ? v : 0)) };
    const gradients = ['native', 'cpu'].map((backend) => {
      tf.setBackend(backend);
      return tf.tidy(() => {
        const x = tf.tensor4d(finite.values, [2, 8, 8, 3]);
        const loss = (v: tf.Tensor) =>
          tf.sum(
            tf.square(tf.avgPool(tf.maxPool(v as tf.Tensor4D, 3, 1, 'same'), 2, 2, 'valid')),
          ) as tf.Scalar;
        return Array.from(tf.grad(loss)(x).dataSync());
      });
    });
    gradients[0]?.forEach((g, i) => {
      expect(g).toBeCloseTo(gradients[1]?.[i] as number, 4);
    });
    expect(nativeRuns).toContain('MaxPoolGrad');
    expect(nativeRuns).toContain('AvgPoolGrad');
  });

  it('what TensorFlow.js rejects is its error', () => {
    const x = draw([1, 4, 4, 1], 'float32');
    const attrs = { filterSize: 2, strides: 2, pad: 'wide' };
    expect(() => runKernel('native', 'MaxPool', { x }, attrs)).toThrow('Unknown padding parameter: wide');
  });
});

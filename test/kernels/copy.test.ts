/** The kernels that move elements, from JavaScript, against `cpu`. */
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import {
  type DType,
  draw,
  drawShape,
  expectJavaScript,
  expectLikeCpu,
  nativeRuns,
  pick,
  random,
  runKernel,
  whole,
} from './like-cpu';

const dtypes: DType[] = ['float32', 'int32', 'bool'];
const repeats = 30;

describe.each(dtypes)('of %s', (dtype) => {
  it('Slice is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawShape(1);
      const begin = shape.map((n) => whole(0, n - 1));
      const size = shape.map((n, d) => (random() < 0.3 ? -1 : whole(0, n - (begin[d] as number))));
      expectLikeCpu('Slice', { x: draw(shape, dtype) }, { begin, size });
    }
    expect(nativeRuns).toEqual(new Set(['Slice']));
  });

  it('SplitV and Unpack are as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawShape(1);
      const axis = whole(-shape.length, shape.length - 1);
      const length = shape.at(axis) as number;
      const first = whole(0, length);
      const numOrSizeSplits = pick([length, [first, -1], [length - first, first]]);
      expectLikeCpu('SplitV', { x: draw(shape, dtype) }, { numOrSizeSplits, axis });
      expectLikeCpu('Unpack', { value: draw(shape, dtype) }, { axis });
    }
    expect(nativeRuns).toEqual(new Set(['Slice']));
  });

  it('Concat is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawShape(1);
      const axis = whole(0, shape.length - 1);
      const parts = Array.from({ length: whole(1, 5) }, () => draw(shape.with(axis, whole(0, 4)), dtype));
      expectLikeCpu('Concat', parts, { axis: random() < 0.5 ? axis : axis - shape.length });
    }
    expect(nativeRuns).toEqual(new Set(['Concat']));
  });

  it('Pack is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawShape(0, 5);
      const parts = Array.from({ length: whole(1, 4) }, () => draw(shape, dtype));
      expectLikeCpu('Pack', parts, { axis: whole(0, shape.length) });
    }
    expectLikeCpu('Pack', [draw([0, 2], dtype), draw([0, 2], dtype)], { axis: 1 });
    expect(nativeRuns).toEqual(new Set(['Concat']));
  });

  it('PadV2 is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawShape(1, 5);
      const paddings = shape.map(() => [whole(0, 2), whole(0, 2)]);
      const constantValue = dtype === 'bool' ? whole(0, 1) : pick([0, -0, 2, -1.5, NaN, Infinity]);
      expectLikeCpu('PadV2', { x: draw(shape, dtype) }, { paddings, constantValue });
    }
    expect(nativeRuns).toEqual(new Set(['PadV2']));
  });

  it('Tile is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawShape(0, 4);
      expectLikeCpu('Tile', { x: draw(shape, dtype) }, { reps: shape.map(() => whole(0, 3)) });
    }
    expect(nativeRuns).toEqual(new Set(['Tile']));
  });

  it('GatherV2 is as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const shape = drawShape(1, 4);
      const axis = whole(0, shape.length - 1);
      const batchDims = whole(0, axis);
      const indices = draw([...shape.slice(0, batchDims), ...drawShape(0, 2)], 'int32');
      const last = (shape[axis] as number) - 1;
      expectLikeCpu(
        'GatherV2',
        { x: draw(shape, dtype), indices: { ...indices, values: indices.values.map(() => whole(0, last)) } },
        { axis, batchDims },
      );
    }
    expect(nativeRuns).toEqual(new Set(['GatherV2']));
  });

  it('OneHot is as on cpu', () => {
    for (let i = 0; i < 20; i++) {
      const [onValue, offValue] = dtype === 'float32' ? [1.7, -Infinity] : [1, 0];
      expectLikeCpu(
        'OneHot',
        { indices: draw(drawShape(0, 3), 'int32') },
        { depth: whole(1, 9), onValue, offValue, dtype },
      );
    }
    expect(nativeRuns).toEqual(new Set(['OneHot']));
  });
});

describe('what native kernels do not take', () => {
  it('runs in JavaScript', () => {
    expectJavaScript('Concat', [draw([2], 'float32'), draw([3], 'int32')], { axis: 0 });
    expectJavaScript(
      'OneHot',
      { indices: draw([3], 'int32') },
      { depth: 3, onValue: 0.5, offValue: 0, dtype: 'int32' },
    );
  });

  it('strings are sliced and stacked', () => {
    tf.setBackend('native');
    const words = tf.tensor(['a', 'b', 'c']);
    expect(words.slice(1, 2).dataSync()).toEqual(['b', 'c']);
    expect(tf.stack([words, words]).shape).toEqual([2, 3]);
    expect(nativeRuns).toEqual(new Set());
  });
});

describe('errors are those of TensorFlow.js', () => {
  it.each([-1, 3])('an index %s outside', (index) => {
    const x = draw([3, 2], 'float32');
    const indices = { shape: [2], dtype: 'int32' as const, values: [0, index] };
    expect(() => runKernel('native', 'GatherV2', { x, indices }, { axis: 0 })).toThrow(
      `GatherV2: the index value ${index} is not in [0, 2]`,
    );
  });

  it('a slice beyond the end', () => {
    const x = draw([3, 2], 'float32');
    expect(() => runKernel('native', 'Slice', { x }, { begin: [2, 0], size: [2, 2] })).toThrow(
      'would overflow input.shape[0] (3)',
    );
  });

  it('shapes that cannot be joined', () => {
    const parts = [draw([3, 2], 'float32'), draw([2, 3], 'float32')];
    expect(() => runKernel('native', 'Concat', parts, { axis: 0 })).toThrow(
      'does not match the shape of the rest',
    );
    expect(() => runKernel('native', 'Pack', parts, { axis: 0 })).toThrow('matching shapes');
  });
});

it('a slice is a copy: changing it leaves the tensor as it was', () => {
  tf.setBackend('native');
  const x = tf.tensor1d([1, 2, 3, 4]);
  x.slice(1, 2).dataSync().fill(9);
  expect(Array.from(x.dataSync())).toEqual([1, 2, 3, 4]);
});

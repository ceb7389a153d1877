/** Matrix products from JavaScript: ranks, transpositions, broadcasting, fused bias and activation. */
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

interface Product {
  a: number[];
  b: number[];
  attrs: { transposeA: boolean; transposeB: boolean };
  columns: number;
  rows: number;
}

/** Shapes of operands. Batches are such that `cpu`, which takes them in turns, broadcasts as it should. */
function drawProduct(batches: [number[], number[]]): Product {
  const [rows, columns, inner] = [whole(1, 20), whole(1, 40), whole(0, 30)];
  const [transposeA, transposeB] = [random() < 0.5, random() < 0.5];
  const a = [...batches[0], ...(transposeA ? [inner, rows] : [rows, inner])];
  const b = [...batches[1], ...(transposeB ? [columns, inner] : [inner, columns])];
  return { a, b, attrs: { transposeA, transposeB }, rows, columns };
}

const likeCpu: [number[], number[]][] = [
  [[], []],
  [[3], [3]],
  [[1], [4]],
  [[4], [1]],
  [[2, 3], [3]],
  [[], [2, 2]],
  [
    [2, 1, 3],
    [2, 1, 3],
  ],
  [[0], [0]],
];

describe('BatchMatMul', () => {
  it('is as on cpu', () => {
    for (let i = 0; i < 100; i++) {
      const { a, b, attrs } = drawProduct(pick(likeCpu));
      const odd = pick([0, 0.05]);
      expectLikeCpu('BatchMatMul', { a: drawWhole(a, odd), b: drawWhole(b, odd) }, attrs);
    }
    expect(nativeRuns).toEqual(new Set(['BatchMatMul']));
  });

  it('broadcasts both operands, where cpu mixes the batches up', () => {
    const a = draw([2, 1, 3, 4], 'int32');
    const b = draw([5, 4, 6], 'int32');
    const asFloat = (x: Values): Values => ({ ...x, dtype: 'float32' });
    const inputs = { a: asFloat(a), b: asFloat(b) };
    const [y] = runKernel('native', 'BatchMatMul', inputs, { transposeA: false, transposeB: false });
    expect(y?.shape).toEqual([2, 5, 3, 6]);
    const want: number[] = [];
    for (let n = 0; n < 2; n++) {
      for (let m = 0; m < 5; m++) {
        for (let i = 0; i < 3; i++) {
          for (let j = 0; j < 6; j++) {
            let sum = 0;
            for (let k = 0; k < 4; k++) {
              sum += (a.values[(n * 3 + i) * 4 + k] as number) * (b.values[(m * 4 + k) * 6 + j] as number);
            }
            want.push(sum);
          }
        }
      }
    }
    expect(y?.values).toEqual(want);
  });

  it('of integers is made in JavaScript', () => {
    const attrs = { transposeA: false, transposeB: true };
    expectJavaScript('BatchMatMul', { a: draw([3, 4], 'int32'), b: draw([2, 4], 'int32') }, attrs);
  });

  it.each([
    [[2, 3], [4, 2], 'inner shapes (3) and (4)'],
    [[2, 2, 3], [3, 3, 2], 'Operands could not be broadcast together with shapes 2 and 3'],
  ])('of %j and %j is the error of TensorFlow.js', (a, b, message) => {
    const inputs = { a: drawWhole(a), b: drawWhole(b) };
    const attrs = { transposeA: false, transposeB: false };
    expect(() => runKernel('native', 'BatchMatMul', inputs, attrs)).toThrow(message);
  });
});

describe('_FusedMatMul', () => {
  const activations = [undefined, 'linear', 'relu', 'relu6', 'elu', 'sigmoid', 'prelu', 'leakyrelu'];

  function drawCall(activation: string | undefined, biasShapes: (p: Product) => number[][]) {
    const product = drawProduct(pick(likeCpu.slice(0, 2)));
    const { a, b, attrs } = product;
    const odd = pick([0, 0.02]);
    const inputs: Record<string, Values> = { a: drawWhole(a, odd), b: drawWhole(b, odd) };
    const add = (name: string) => {
      inputs[name] = drawWhole(pick(biasShapes(product)));
    };
    if (random() < 0.9) add('bias');
    if (activation === 'prelu') add('preluActivationWeights');
    return { inputs, attrs: { ...attrs, activation, leakyreluAlpha: 0.25 } };
  }

  it.each(activations)('with activation %s is as on cpu', (activation) => {
    for (let i = 0; i < 25; i++) {
      const { inputs, attrs } = drawCall(activation, ({ columns }) => [[columns], [1, columns], [1], []]);
      expectLikeCpu('_FusedMatMul', inputs, attrs);
    }
    expect(nativeRuns).toEqual(new Set(['_FusedMatMul']));
  });

  it.each(activations)('with activation %s after a bias of any shape is as on cpu', (activation) => {
    for (let i = 0; i < 20; i++) {
      const { inputs, attrs } = drawCall(activation, ({ rows, columns }) => [
        [rows, columns],
        [rows, 1],
        [columns],
        [1, 1, columns],
      ]);
      expectLikeCpu('_FusedMatMul', inputs, attrs);
    }
  });

  it('with an unknown activation is the error of TensorFlow.js', () => {
    const inputs = { a: drawWhole([2, 3]), b: drawWhole([3, 2]) };
    const attrs = { transposeA: false, transposeB: false, activation: 'swish' };
    expect(() => runKernel('native', '_FusedMatMul', inputs, attrs)).toThrow('Activation swish');
  });
});

it('the gradients of a dense layer are those of cpu', () => {
  const x = drawWhole([32, 40]);
  const w = drawWhole([40, 10]);
  const bias = drawWhole([10]);
  const [native, cpu] = ['native', 'cpu'].map((backend) => {
    tf.setBackend(backend);
    return tf.tidy(() => {
      const dense = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
        tf.sum(tf.square(tf.relu(tf.add(tf.matMul(x, w), b)))) as tf.Scalar;
      const make = ({ values, shape }: Values) => tf.tensor(values, shape);
      return tf
        .grads(dense)([make(x), make(w), make(bias)])
        .map((g) => Array.from(g.dataSync()));
    });
  });
  expect(native).toEqual(cpu);
  expect(nativeRuns).toContain('BatchMatMul');
});

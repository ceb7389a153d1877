import * as tf from 'tfjs-native';
import { afterAll, describe, expect, it } from 'vitest';

const values = [-2, -0, 0, 1e-3, 3, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const weights = [1, 2, 3, -4, 5, 6, 7, 8];

/** The first and the second derivative of sum(w * relu(x)^3), by x. */
async function derivatives(backend: string): Promise<number[][]> {
  await tf.setBackend(backend);
  const x = tf.tensor1d(values);
  const w = tf.tensor1d(weights);
  const loss = (v: tf.Tensor) => tf.sum(tf.mul(w, tf.pow(tf.relu(v), 3)));
  const first = (v: tf.Tensor) => tf.grad(loss)(v);
  const second = tf.grad((v) => tf.sum(first(v)));
  return [[...first(x).dataSync()], [...second(x).dataSync()]];
}

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

const positive = (x: tf.Tensor) => tf.add(tf.square(x), 0.5);
const compositions: readonly { name: string; op: Op; shapes: number[][] }[] = [
  { name: 'softmax', op: (x) => tf.softmax(x as tf.Tensor), shapes: [[3, 4, 5]] },
  { name: 'logSoftmax', op: (x) => tf.logSoftmax(x as tf.Tensor), shapes: [[6, 10]] },
  {
    name: 'softmaxCrossEntropy',
    op: (labels, logits) =>
      tf.losses.softmaxCrossEntropy(labels as tf.Tensor, logits as tf.Tensor, tf.range(1, 7), 0.1),
    shapes: [
      [6, 10],
      [6, 10],
    ],
  },
  {
    name: 'batchNorm',
    op: (...[x, mean, variance, offset, scale]) => {
      const [v, m, s, o, g] = [x, mean, variance, offset, scale] as tf.Tensor1D[];
      return tf.batchNorm(v as tf.Tensor1D, m as tf.Tensor1D, positive(s as tf.Tensor) as tf.Tensor1D, o, g);
    },
    shapes: [[4, 3, 5], [5], [5], [5], [5]],
  },
];

/** The derivatives by each input, and those of a function of all of them by each input. */
function firstAndSecond(op: Op, shapes: number[][]): number[][] {
  const inputs = shapes.map((shape, n) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length }, (_, i) => Math.sin((i + 1) * (n + 1.3))),
      shape,
    );
  });
  const loss = (...list: tf.Tensor[]) => tf.sum(tf.pow(tf.add(op(...list), 0.3), 3)) as tf.Scalar;
  const first = tf.grads(loss);
  const second = tf.grads((...list) =>
    tf.addN(first(list).map((gradient) => tf.sum(tf.mul(gradient, tf.add(gradient, 0.7))))),
  );
  return [...first(inputs), ...second(inputs)].map((gradient) => [...gradient.dataSync()]);
}

describe('gradients in one native kernel', () => {
  afterAll(async () => {
    await tf.setBackend('native');
  });

  it('relu: first and second derivative as on cpu, NaN and infinity too', async () => {
    const native = await derivatives('native');
    // w, x and 3 are such that all products are exact but the one of 1e-3.
    const cpu = await derivatives('cpu');
    for (const [order, list] of cpu.entries()) {
      for (const [i, want] of list.entries()) {
        const got = native[order]?.[i] as number;
        if (!Number.isFinite(want)) expect(got, `derivative ${order + 1} at ${values[i]}`).toBe(want);
        else expect(Math.abs(got - want)).toBeLessThanOrEqual(Math.abs(want) * 4 * 2 ** -24);
      }
    }
  });

  it.each(compositions)('$name: first and second derivatives as on cpu', async ({ op, shapes }) => {
    const results: number[][][] = [];
    for (const backend of ['native', 'cpu']) {
      await tf.setBackend(backend);
      results.push(tf.tidy(() => firstAndSecond(op, shapes)));
    }
    await tf.setBackend('native');
    const [native, cpu] = results as [number[][], number[][]];
    for (const [i, want] of cpu.entries()) {
      const scale = Math.max(...want.map(Math.abs));
      const worst = Math.max(...want.map((v, k) => Math.abs(v - (native[i]?.[k] as number))));
      // Sums of up to 60 terms, one after the other.
      expect(worst, `derivative ${i}`).toBeLessThanOrEqual(scale * 300 * 2 ** -24);
    }
  });
});

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
});

/** Gradient clipping, compiled and eager. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { build, dataOf, dense, distance, forceEager, type Net, valuesOf } from './nets';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

// The first dense layer's gradient is a product that the update makes where norms are not asked for.
const net: Net = {
  input: [40],
  loss: 'meanSquaredError',
  target: [3],
  layers: () => [
    dense(300, { activation: 'tanh', kernelRegularizer: tf.regularizers.l1l2({ l1: 0.01, l2: 0.02 }) }),
    dense(200, { activation: 'tanh' }),
    dense(3),
  ],
};
const length = (list: readonly Float32Array[]): number =>
  Math.sqrt(list.reduce((sum, values) => values.reduce((of, value) => of + value ** 2, sum), 0));

/** How far a step of rate 1 takes each weight: its gradient. */
async function gradients(clipping: tf.GradientClipping, eager: boolean): Promise<Float32Array[]> {
  const model = build(net, tf.clipGradients(tf.train.sgd(1), clipping));
  if (eager) forceEager(model);
  expect(tf.explain(model)).toMatch(eager ? /^Trains op by op/ : /: input/);
  const before = valuesOf(model.getWeights()).map((values) => values.slice());
  const { x, y } = dataOf(net, 16);
  await model.trainOnBatch(x, tf.mul(y, 10));
  return valuesOf(model.getWeights()).map((values, i) =>
    values.map((value, k) => (before[i]?.[k] as number) - value),
  );
}

// Weights of up to 1 are rounded to 2^-24; sums of up to 300 terms.
const near = (actual: ArrayLike<number>, want: ArrayLike<number>): void => {
  const [difference, size] = distance(actual, want);
  expect(difference).toBeLessThanOrEqual(2 ** -23 + 2e-5 * size);
};

describe.each([false, true])('eager: %s', (eager) => {
  it('cuts numbers, scales each weight’s gradient, or all together', async () => {
    const free = await gradients({}, eager);
    expect(length(free)).toBeGreaterThan(2);
    const cut = await gradients({ clipValue: 0.05 }, eager);
    for (const [i, values] of free.entries())
      near(
        cut[i] as Float32Array,
        values.map((value) => Math.min(0.05, Math.max(-0.05, value))),
      );
    const each = await gradients({ clipNorm: 0.5 }, eager);
    for (const [i, values] of free.entries()) {
      const scale = Math.min(1, 0.5 / length([values]));
      near(
        each[i] as Float32Array,
        values.map((value) => value * scale),
      );
    }
    const all = await gradients({ globalClipNorm: 1.5 }, eager);
    const scale = 1.5 / length(free);
    for (const [i, values] of free.entries())
      near(
        all[i] as Float32Array,
        values.map((value) => value * scale),
      );
    const loose = await gradients({ globalClipNorm: 1e6 }, eager);
    for (const [i, values] of free.entries()) near(loose[i] as Float32Array, values);
  });

  it('counts for all steps, and only as long as it is asked for', async () => {
    const optimizer = tf.clipGradients(tf.train.adam(0.01, 0.9, 0.999, 1e-3), { clipNorm: 0.3 });
    const model = build(net, optimizer);
    if (eager) forceEager(model);
    const { x, y } = dataOf(net, 16);
    const settings = { batchSize: 8, epochs: 2, shuffle: false, verbose: 0 } as const;
    await model.fit(x, y, settings);
    tf.clipGradients(optimizer, { clipValue: 0.01 });
    await model.fit(x, y, settings);
    tf.clipGradients(optimizer, {});
    await model.fit(x, y, settings);
    const trained = valuesOf(model.getWeights());
    outcomes.push(trained);
    const [first] = outcomes as [Float32Array[]];
    for (const [i, values] of trained.entries()) {
      const [difference] = distance(values, first[i] as Float32Array);
      expect(difference).toBeLessThanOrEqual(1e-4);
    }
  });
});
const outcomes: Float32Array[][] = [];

it('has equal bits at any number of threads', async () => {
  const runs: Float32Array[][] = [];
  try {
    for (const threads of [1, 3]) {
      tf.setThreads(threads);
      runs.push(await gradients({ globalClipNorm: 1 }, false));
    }
  } finally {
    tf.setThreads(2);
  }
  for (const [i, values] of (runs[0] as Float32Array[]).entries())
    expect(distance(values, runs[1]?.[i] as Float32Array)[0]).toBe(0);
});

it.each([
  [{ clipValue: 1, clipNorm: 1 }, 'clipping is'],
  [{ clipNorm: 0 }, 'clipping.clipNorm is 0'],
  [{ clipValue: Number.NaN }, 'clipping.clipValue is NaN'],
  [{ globalClipNorm: '1' as never }, 'clipping.globalClipNorm is "1"'],
  [{ norm: 1 } as never, 'clipping is'],
])('refuses %j', (clipping, message) => {
  expect(() => tf.clipGradients(tf.train.sgd(1), clipping)).toThrow(message);
});

it('refuses what is no optimizer of tf.train', () => {
  expect(() => tf.clipGradients({} as tf.Optimizer, { clipNorm: 1 })).toThrow('expected one of tf.train');
});

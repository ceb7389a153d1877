/** Compiled training against eager training of the same model. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { build, dataOf, distance, forceEager, type Net, nets, valuesOf } from './nets';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

interface Trained {
  readonly first: readonly Float32Array[];
  readonly weights: readonly Float32Array[];
  readonly history: Record<string, (number | tf.Tensor)[]>;
  readonly state: readonly { name: string; values: Float32Array }[];
}

/** Five epochs of five steps, of which the last in each has fewer samples. */
async function train(net: Net, optimizer: tf.Optimizer, eager: boolean): Promise<Trained> {
  const model = build(net, optimizer);
  if (eager) forceEager(model);
  expect(tf.explain(model)).toMatch(eager ? /^Trains op by op/ : /: input/);
  const { x, y } = dataOf(net, 33);
  const first = valuesOf(model.getWeights());
  const { history } = await model.fit(x, y, { batchSize: 8, epochs: 5, shuffle: false, verbose: 0 });
  const kept = optimizer.getClassName() === 'SGD' ? [] : await optimizer.getWeights();
  const state = kept.map(({ name, tensor }) => ({ name, values: tensor.dataSync() as Float32Array }));
  return { first, weights: valuesOf(model.getWeights()), history, state };
}

describe.each(Object.entries(nets))('%s', (_, net) => {
  it('has the gradients of eager training in the first step', async () => {
    const gradients: Float32Array[][] = [];
    for (const eager of [false, true]) {
      // With plain gradient descent at rate 1 a weight changes by its gradient.
      const model = build(net, tf.train.sgd(1));
      if (eager) forceEager(model);
      const before = valuesOf(model.getWeights());
      const { x, y } = dataOf(net, 8);
      await model.trainOnBatch(x, y);
      const after = valuesOf(model.getWeights());
      gradients.push(after.map((weight, i) => weight.map((value, k) => (before[i]?.[k] as number) - value)));
    }
    const [compiled, eager] = gradients as [Float32Array[], Float32Array[]];
    // Weights of up to 1 are rounded to 2^-24 before and after the step; beside that, sums of up to 10^4 terms and
    // Winograd's transforms are within some 10^-5 of the largest gradient.
    for (const [i, gradient] of compiled.entries()) {
      const [difference, size] = distance(gradient, eager[i] as Float32Array);
      expect(difference).toBeLessThanOrEqual(2 ** -22 + 2e-5 * size);
    }
  });

  it('takes 25 steps as eager training does', async () => {
    const compiled = await train(net, tf.train.momentum(0.01, 0.9), false);
    const eager = await train(net, tf.train.momentum(0.01, 0.9), true);
    expect(Object.keys(compiled.history)).toEqual(Object.keys(eager.history));
    for (const [name, values] of Object.entries(eager.history)) {
      const [difference, size] = distance(compiled.history[name] as number[], values as number[]);
      // A sample that is just on the edge may count the other way in an accuracy.
      expect(difference, name).toBeLessThanOrEqual(name === 'loss' ? 2e-5 * Math.max(1, size) : 1.5 / 33);
    }
    for (const [i, weight] of compiled.weights.entries()) {
      const [difference, size] = distance(weight, eager.weights[i] as Float32Array);
      expect(difference).toBeLessThanOrEqual(1e-4 * Math.max(0.1, size));
    }
  });
});

const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.05),
  momentum: () => tf.train.momentum(0.02, 0.9, true),
  rmsprop: () => tf.train.rmsprop(0.003, 0.9, 0.5, 1e-3),
  'rmsprop, centered': () => tf.train.rmsprop(0.001, 0.9, 0.5, 1e-9, true),
  adagrad: () => tf.train.adagrad(0.02),
  adadelta: () => tf.train.adadelta(0.1),
  // An epsilon below which gradients make full steps of what is nothing but rounding would tell nothing.
  adam: () => tf.train.adam(0.003, 0.9, 0.999, 1e-3),
};

it.each(Object.entries(optimizers))('%s keeps the state of eager training', async (_, make) => {
  const net = nets['mean squared error, with penalties'] as Net;
  const compiled = await train(net, make(), false);
  const eager = await train(net, make(), true);
  for (const [i, weight] of compiled.weights.entries()) {
    const [difference, size] = distance(weight, eager.weights[i] as Float32Array);
    expect(difference).toBeLessThanOrEqual(1e-4 * Math.max(0.1, size));
  }
  expect(compiled.state.length).toBe(eager.state.length);
  for (const [i, { values }] of compiled.state.entries()) {
    const [difference, size] = distance(values, eager.state[i]?.values as Float32Array);
    expect(difference).toBeLessThanOrEqual(1e-3 * size);
  }
});

it('drops the share that it should, and the same in the gradient', async () => {
  const units = 4000;
  const model = tf.sequential({
    layers: [
      tf.layers.dropout({ rate: 0.3, inputShape: [units] }),
      tf.layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones' }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(1), loss: 'meanSquaredError' });
  expect(tf.explain(model)).toContain('Dropout');
  // The output is the sum s of what passes, its gradient 2 (s - y) times that of each input.
  const loss = (await model.trainOnBatch(tf.ones([1, units]), tf.zeros([1, 1]))) as number;
  const sum = Math.sqrt(loss);
  const passed = (model.getWeights()[0] as tf.Tensor).dataSync().map((weight) => (1 - weight) / (2 * sum));
  const scale = 1 / 0.7;
  let count = 0;
  for (const value of passed) {
    if (Math.abs(value) < 1e-3) continue;
    count++;
    expect(Math.abs(value - scale)).toBeLessThan(1e-3);
  }
  expect(Math.abs(count * scale - sum)).toBeLessThan(1e-3 * sum);
  // Five standard deviations of a binomial distribution.
  expect(Math.abs(count - 0.7 * units)).toBeLessThan(5 * Math.sqrt(units * 0.3 * 0.7));
});

it('leaves frozen layers as they are', async () => {
  const net = nets['the seed CNN'] as Net;
  const results: Float32Array[][] = [];
  for (const eager of [false, true]) {
    const model = build(net, tf.train.sgd(0.1));
    (model.layers[2] as tf.layers.Layer).trainable = false;
    (model.layers[0] as tf.layers.Layer).trainable = false;
    model.compile({ optimizer: tf.train.sgd(0.1), loss: net.loss });
    if (eager) forceEager(model);
    const before = valuesOf(model.layers[2]?.getWeights() as tf.Tensor[]);
    const { x, y } = dataOf(net, 8);
    await model.trainOnBatch(x, y);
    expect(valuesOf(model.layers[2]?.getWeights() as tf.Tensor[])).toEqual(before);
    results.push(valuesOf(model.getWeights()));
  }
  for (const [i, weight] of (results[0] as Float32Array[]).entries()) {
    const [difference, size] = distance(weight, results[1]?.[i] as Float32Array);
    expect(difference).toBeLessThanOrEqual(2 ** -22 + 2e-5 * size);
  }
});

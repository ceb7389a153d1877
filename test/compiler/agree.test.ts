/** Compiled training against eager training of the same model. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { agreesAtFirst, agreesForLong, train } from './agreement';
import { build, dataOf, distance, forceEager, type Net, nets, valuesOf } from './nets';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

describe.each(Object.entries(nets))('%s', (name, net) => {
  agreesAtFirst(net);
  // seed-cnn-steps.test.ts has those.
  if (name !== 'the seed CNN') agreesForLong(net);
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

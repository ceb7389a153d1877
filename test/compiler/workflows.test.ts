/** What people do with models: frozen trunks, new heads, odd batches; compiled against eagerly. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { inspect } from '../../dist/compiler/index.js';
import { data } from '../upstream/fit-like-cpu';
import {
  build,
  conv,
  dataOf,
  dense,
  distance,
  forceEager,
  type Net,
  nets,
  pool,
  reseed,
  valuesOf,
} from './nets';

const { layers } = tf;
const quiet = { batchSize: 8, shuffle: false, verbose: 0 } as const;

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

/** Runs the same compiled and eagerly, and compares. */
async function bothWays(run: (ready: (model: tf.LayersModel) => void) => Promise<ArrayLike<number>[]>) {
  const ready = (eager: boolean) => (model: tf.LayersModel) => {
    if (eager) forceEager(model);
    expect(tf.explain(model)).toMatch(eager ? /^Trains op by op/ : /: input/);
  };
  const compiled = await run(ready(false));
  const eager = await run(ready(true));
  expect(compiled.length).toBe(eager.length);
  for (const [i, want] of eager.entries()) {
    const [difference, size] = distance(compiled[i] as ArrayLike<number>, want);
    // Up to some 20 steps of sums of up to 10^3 terms.
    expect(difference, `number ${i}`).toBeLessThanOrEqual(1e-4 * Math.max(0.1, size));
  }
}

/** The ops of a training step. */
const opsOf = (model: tf.LayersModel): string[] =>
  (inspect(model).program as { tape: { calls: { op: string }[] } }).tape.calls.map(({ op }) => op);

it('moves a trunk to a new head, first frozen, then at a lower rate', () =>
  bothWays(async (ready) => {
    reseed();
    const trunk = () => [conv(6, { inputShape: [10, 10, 2] }), pool(), conv(8), layers.flatten()];
    const first = tf.sequential({ layers: [...trunk(), dense(3, { activation: 'softmax' })] });
    first.compile({ optimizer: tf.train.adam(0.01), loss: 'sparseCategoricalCrossentropy' });
    ready(first);
    const x = data([20, 10, 10, 2], 1);
    const labels = (count: number) => tf.tensor2d(Array.from({ length: 20 }, (_, i) => [(i * 7) % count]));
    await first.fit(x, labels(3), { ...quiet, epochs: 2 });
    const kept = first.layers.slice(0, -1);
    for (const layer of kept) layer.trainable = false;
    const second = tf.sequential({
      layers: [...kept, dense(9, { activation: 'relu' }), dense(5, { activation: 'softmax' })],
    });
    second.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'sparseCategoricalCrossentropy' });
    ready(second);
    const before = valuesOf(kept.flatMap((layer) => layer.getWeights())).map((values) => values.slice());
    const frozen = await second.fit(x, labels(5), { ...quiet, epochs: 2 });
    for (const [i, values] of valuesOf(kept.flatMap((layer) => layer.getWeights())).entries())
      expect(distance(values, before[i] as Float32Array)[0]).toBe(0);
    for (const layer of kept) layer.trainable = true;
    second.compile({ optimizer: tf.train.sgd(0.01), loss: 'sparseCategoricalCrossentropy' });
    const tuned = await second.fit(x, labels(5), { ...quiet, epochs: 2 });
    const losses = [frozen, tuned].map(({ history }) => history['loss'] as number[]);
    return [...losses, ...valuesOf(second.getWeights()), ...valuesOf([first.predict(x) as tf.Tensor])];
  }));

it('computes no gradients for frozen layers below all that is trained', () => {
  const make = (frozen: number) => {
    const model = build(nets['the seed CNN'] as Net, tf.train.adam());
    for (const layer of model.layers.slice(0, frozen)) layer.trainable = false;
    return opsOf(model);
  };
  const count = (ops: string[], pattern: RegExp) => ops.filter((op) => pattern.test(op)).length;
  // Input, two pooled convolutions, flatten, dense.
  expect(count(make(0), /MaxPoolGrad/)).toBe(2);
  expect(count(make(2), /MaxPoolGrad/)).toBe(1);
  const headOnly = make(6);
  expect(count(headOnly, /MaxPoolGrad|Backprop/)).toBe(0);
  // Of the dense layer there is the product that the update makes, and none for what comes before.
  expect(count(headOnly, /BatchMatMul/)).toBe(0);
});

it('obeys setLearningRate between steps', () =>
  bothWays(async (ready) => {
    const net: Net = { input: [5], loss: 'meanSquaredError', target: [2], layers: () => [dense(2)] };
    const optimizer = tf.train.sgd(0.1);
    const model = build(net, optimizer);
    ready(model);
    const { x, y } = dataOf(net, 8);
    for (const rate of [0.1, 0.01, 0.2]) {
      optimizer.setLearningRate(rate);
      await model.trainOnBatch(x, y);
    }
    return valuesOf(model.getWeights());
  }));

describe('odd data', () => {
  const net: Net = {
    input: [6],
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
    target: [1],
    classes: 1,
    layers: () => [dense(7, { activation: 'relu' }), dense(1, { activation: 'softmax' })],
  };

  it('a single class', () =>
    bothWays(async (ready) => {
      const model = build({ ...net, metrics: [] }, tf.train.sgd(0.1));
      ready(model);
      const { x, y } = dataOf(net, 12);
      const { history } = await model.fit(x, y, { ...quiet, epochs: 2 });
      return [history['loss'] as number[], ...valuesOf(model.getWeights())];
    }));

  it('class weights', () =>
    bothWays(async (ready) => {
      const three: Net = { ...net, classes: 3, layers: () => [dense(3, { activation: 'softmax' })] };
      const model = build(three, tf.train.sgd(0.1));
      ready(model);
      const { x, y } = dataOf(three, 12);
      const { history } = await model.fit(x, y, { ...quiet, epochs: 2, classWeight: { 0: 2, 1: 0, 2: 0.5 } });
      return [...(Object.values(history) as number[][]), ...valuesOf(model.getWeights())];
    }));

  it('huge and tiny values', () =>
    bothWays(async (ready) => {
      const real: Net = {
        input: [6],
        loss: 'meanSquaredError',
        target: [2],
        layers: () => [dense(4, { activation: 'tanh' }), dense(2)],
      };
      const model = build(real, tf.train.sgd(0.01));
      ready(model);
      const { x, y } = dataOf(real, 12);
      const scales = tf.tensor2d([[1e30, 1e-30, 1e-38, 1, 1e10, 1e-5]]);
      const { history } = await model.fit(tf.mul(x, scales), y, { ...quiet, epochs: 2 });
      return [history['loss'] as number[], ...valuesOf(model.getWeights())];
    }));

  it('no samples', () =>
    bothWays(async (ready) => {
      const three: Net = { ...net, classes: 3, layers: () => [dense(3, { activation: 'softmax' })] };
      const model = build(three, tf.train.sgd(0.1));
      ready(model);
      const none = [tf.zeros([0, 6]), tf.zeros([0, 1])] as const;
      const logs = (await model.trainOnBatch(...none)) as number[];
      const { history } = await model.fit(...none, quiet);
      expect(history).toEqual({});
      expect(() => model.predict(none[0])).toThrow('at least one tensor');
      const { x, y } = dataOf(three, 12);
      await model.trainOnBatch(x, y);
      return [logs, ...valuesOf(model.getWeights())];
    }));
});

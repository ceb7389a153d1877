/** Stateful recurrent layers: states go on from batch to batch, compiled as eagerly. */
import * as tf from 'tfjs-native';
import { beforeEach, expect, it, vi } from 'vitest';
import { data } from '../upstream/fit-like-cpu';
import { dense, distance, forceEager, normal, reseed, valuesOf } from './nets';

const { layers } = tf;
const batch = 4;
const quiet = { batchSize: batch, shuffle: false, verbose: 0 } as const;
const init = () => ({ kernelInitializer: normal(), recurrentInitializer: normal() });
type Wrapped = Parameters<typeof layers.bidirectional>[0];

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

function build(eager: boolean): tf.Sequential {
  reseed();
  const model = tf.sequential({
    layers: [
      layers.lstm({
        units: 5,
        returnSequences: true,
        stateful: true,
        batchInputShape: [batch, 6, 3],
        ...init(),
      }),
      layers.bidirectional({
        layer: layers.gru({ units: 3, stateful: true, returnSequences: true, ...init() }),
      } as Wrapped),
      layers.simpleRNN({ units: 4, stateful: true, ...init() }),
      dense(2),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  if (eager) forceEager(model);
  expect(tf.explain(model)).toMatch(eager ? /^Trains op by op/ : /LSTM;/);
  return model;
}

type Stateful = { states: tf.Tensor[] };
const statesOf = (model: tf.Sequential): tf.Tensor[] => {
  const [lstm, , rnn] = model.layers as unknown as [Stateful, unknown, Stateful];
  return [...lstm.states, ...rnn.states];
};

it('hands states on between steps, calls and predictions, until they are reset', async () => {
  const outcomes: ArrayLike<number>[][] = [];
  for (const eager of [false, true]) {
    const model = build(eager);
    const [x, y] = [data([3 * batch, 6, 3], 1), data([3 * batch, 2], 2)];
    const seen: ArrayLike<number>[] = [];
    const note = (): void => {
      seen.push(...valuesOf(statesOf(model)).map((values) => values.slice()));
    };
    const { history } = await model.fit(x, y, { ...quiet, epochs: 2 });
    note();
    await model.trainOnBatch(data([batch, 6, 3], 4), data([batch, 2], 5));
    note();
    seen.push((model.predict(data([batch, 6, 3], 6), { batchSize: batch }) as tf.Tensor).dataSync());
    note();
    model.resetStates();
    note();
    await model.fit(x, y, { ...quiet, epochs: 1 });
    note();
    outcomes.push([...(Object.values(history) as number[][]), ...seen, ...valuesOf(model.getWeights())]);
  }
  const [compiled, eager] = outcomes as [ArrayLike<number>[], ArrayLike<number>[]];
  expect(compiled.length).toBe(eager.length);
  for (const [i, want] of eager.entries()) {
    const [difference, size] = distance(compiled[i] as ArrayLike<number>, want);
    // Ten steps of rate 0.1, of sums of up to 50 terms.
    expect(difference, `number ${i}`).toBeLessThanOrEqual(2e-5 * Math.max(0.1, size));
  }
});

it('leaks no tensors', async () => {
  const model = build(false);
  const [x, y] = [data([batch, 6, 3], 1), data([batch, 2], 2)];
  await model.trainOnBatch(x, y);
  const { numTensors } = tf.memory();
  for (let i = 0; i < 5; i++) await model.trainOnBatch(x, y);
  expect(tf.memory().numTensors).toBe(numTensors);
});

it('keeps states of a step whose loss is not finite as they were', async () => {
  const model = build(false);
  await model.trainOnBatch(data([batch, 6, 3], 1), data([batch, 2], 2));
  const before = valuesOf(statesOf(model)).map((values) => values.slice());
  const bad = tf.fill([batch, 6, 3], Number.NaN);
  await expect(model.trainOnBatch(bad, data([batch, 2], 2))).rejects.toThrow('not taken');
  expect(valuesOf(statesOf(model))).toEqual(before);
});

it('refuses batches of another size, as upstream does', async () => {
  const model = build(false);
  await expect(model.trainOnBatch(data([3, 6, 3], 1), data([3, 2], 2))).rejects.toThrow();
});

/** What training does beyond upstream: sample weights, signals, seeds, and what stays behind when something fails. */
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import { random, seed } from '../kernels/like-cpu';
import {
  branchedModel,
  classes,
  data,
  denseModel,
  type Event,
  expectAlike,
  failure,
  recorder,
} from './fit-like-cpu';

const rows = 22;
const xs = () => data([rows, 4], 1);
const ys = () => classes(rows, 2);
const weightsOf = (model: tf.LayersModel) => model.getWeights().map((weight) => [...weight.dataSync()]);

describe('sampleWeight', () => {
  it('of whole numbers is the same as so many copies of a sample', async () => {
    const counts = Array.from({ length: rows }, () => Math.floor(random() * 4));
    counts[0] = 4;
    const copies = counts.flatMap((count, row) => new Array<number>(count).fill(row));
    const weighted = denseModel('categoricalCrossentropy', tf.train.sgd(1) as never);
    const copied = denseModel('categoricalCrossentropy', tf.train.sgd(copies.length / rows) as never);
    await weighted.fit(xs(), ys(), { sampleWeight: tf.tensor1d(counts), batchSize: rows });
    await copied.fit(tf.gather(xs(), copies), tf.gather(ys(), copies), { batchSize: copies.length });
    expectAlike(weightsOf(weighted), weightsOf(copied), `seed ${seed}, weights`);
  });

  it('follows its rows when they are shuffled and split', async () => {
    // The weight of a sample is that of its class.
    const classWeight = { 0: 3, 1: 0.25, 2: 1 };
    const sampleWeight = tf.tensor1d([...ys().argMax(1).dataSync()].map((c) => classWeight[c as 0]));
    const run = async (weights: tf.ModelFitArgs) => {
      const model = denseModel();
      tf.setSeed(seed);
      const { history } = await model.fit(xs(), ys(), { batchSize: 5, validationSplit: 0.2, ...weights });
      return [history, weightsOf(model)];
    };
    expect(await run({ sampleWeight }), `seed ${seed}`).toEqual(await run({ classWeight }));
  });

  it('is multiplied by the weights of classes', async () => {
    const both = denseModel();
    const one = denseModel();
    const args = { shuffle: false, batchSize: 5, epochs: 2 };
    const classWeight = { 0: 2, 1: 2, 2: 2 };
    await both.fit(xs(), ys(), { ...args, classWeight, sampleWeight: data([rows], 4) as tf.Tensor1D });
    await one.fit(xs(), ys(), { ...args, sampleWeight: tf.mul(data([rows], 4), 2) });
    expect(weightsOf(both)).toEqual(weightsOf(one));
  });

  it('is given for some of several outputs', async () => {
    const args = { shuffle: false, batchSize: 5 };
    const x = [xs(), data([rows, 2], 3)];
    const y = [ys(), data([rows, 1], 4)];
    const zeros = tf.zeros([rows]);
    for (const sampleWeight of [{ right: zeros }, [null, zeros]]) {
      const model = branchedModel();
      const right = model.getLayer('right');
      const left = model.getLayer('left');
      const before = [right, left].map((layer) => [...(layer.getWeights()[0] as tf.Tensor).dataSync()]);
      await model.fit(x, y, { ...args, sampleWeight: sampleWeight as never });
      const after = [right, left].map((layer) => [...(layer.getWeights()[0] as tf.Tensor).dataSync()]);
      expect(after[0]).toEqual(before[0]);
      expect(after[1]).not.toEqual(before[1]);
    }
  });

  it('weighs sequences, whose loss has several values a sample', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 1, inputShape: [3, 2], useBias: false, kernelInitializer: 'ones' })],
    });
    model.compile({ loss: 'meanSquaredError', optimizer: tf.train.sgd(0) });
    const sampleWeight = tf.tensor1d([1, 0, 3, 0]);
    const { history } = await model.fit(tf.ones([4, 3, 2]), tf.zeros([4, 3, 1]), { sampleWeight });
    // Each square is 4, and the mean is over all of them.
    expect(history.loss).toEqual([4]);
  });

  it('leaves what the user gave alone, and leaks nothing', async () => {
    const model = denseModel();
    const [x, y, sampleWeight] = [xs(), ys(), tf.ones([rows])];
    await model.trainOnBatch(x, y);
    const before = tf.memory().numTensors;
    await model.fit(x, y, { sampleWeight, validationSplit: 0.5 });
    expect(tf.memory().numTensors).toBe(before);
    expect(sampleWeight.dataSync()[0]).toBe(1);
  });

  it.each([
    ['a wrong shape', () => tf.ones([rows, 1])],
    ['too few', () => tf.ones([3])],
    ['numbers', () => [1, 2, 3]],
    ['an unknown name', () => ({ nobody: tf.ones([rows]) })],
  ])('of %s is refused', async (_, sampleWeight) => {
    const fit = denseModel().fit(xs(), ys(), { sampleWeight: sampleWeight() as never });
    await expect(fit).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('signal', () => {
  const endless = { epochs: 1e9, batchSize: 5 };

  it('stops within an epoch', async () => {
    const model = denseModel();
    const controller = new AbortController();
    const events: Event[] = [];
    const { onBatchEnd, ...others } = recorder(events);
    const callbacks = {
      ...others,
      onBatchEnd: async (batch: number, logs?: tf.Logs) => {
        await onBatchEnd?.(batch, logs);
        if (events.filter(([name]) => name === 'batchEnd').length === 7) controller.abort();
      },
    };
    const { history, epoch } = await model.fit(xs(), ys(), {
      ...endless,
      signal: controller.signal,
      callbacks,
    });
    expect(epoch).toEqual([0, 1]);
    expect(history.loss).toHaveLength(2);
    expect(model.stopTraining).toBe(true);
    expect(events.filter(([name]) => name === 'batchEnd')).toHaveLength(7);
    expect(events.slice(-2).map(([name]) => name)).toEqual(['epochEnd', 'trainEnd']);
    // It is not remembered.
    const { epoch: again } = await model.fit(xs(), ys(), { epochs: 2 });
    expect(again).toEqual([0, 1]);
    expect(model.stopTraining).toBe(false);
  });

  it('stops from outside, without callbacks', async () => {
    const model = denseModel();
    const signal = AbortSignal.timeout(100);
    const began = performance.now();
    const { history } = await model.fit(xs(), ys(), { ...endless, signal });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(history.loss?.length).toBeGreaterThan(0);
    expect(model.stopTraining).toBe(true);
  });

  it.each(['fit', 'fitDataset'] as const)('stops %s before it begins', async (method) => {
    const model = denseModel();
    const before = weightsOf(model);
    const args = { epochs: 2, signal: AbortSignal.abort() };
    const dataset = tf.data.zip({ xs: tf.data.array([xs()]), ys: tf.data.array([ys()]) });
    const { history } = await (method === 'fit'
      ? model.fit(xs(), ys(), args)
      : model.fitDataset(dataset as never, args));
    expect(history).toEqual({});
    expect(model.stopTraining).toBe(true);
    expect(weightsOf(model)).toEqual(before);
  });

  it('stops fitDataset', async () => {
    const model = denseModel();
    const controller = new AbortController();
    let steps = 0;
    const dataset = tf.data.generator(function* () {
      for (;;) {
        if (++steps === 5) controller.abort();
        yield { xs: data([2, 4], steps), ys: classes(2, steps) };
      }
    } as never);
    const { epoch } = await model.fitDataset(dataset as never, { epochs: 9, signal: controller.signal });
    expect(epoch).toEqual([0]);
    expect(steps).toBe(5);
    expect(model.optimizer.iterations).toBe(4);
    expect(model.stopTraining).toBe(true);
  });

  it('must be one', async () => {
    await expect(denseModel().fit(xs(), ys(), { signal: 5 as never })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});

describe('when something fails', () => {
  const events = ['onTrainBegin', 'onEpochBegin', 'onBatchBegin', 'onBatchEnd', 'onEpochEnd', 'onTrainEnd'];

  /** Asks for scalars in the logs, and fails. */
  class Failing extends tf.Callback {}

  it.each(events.flatMap((event) => [[event, false] as const, [event, true] as const]))(
    'in %s (of a class: %s), the error arrives, nothing leaks and the model goes on',
    async (event, ofClass) => {
      const model = denseModel();
      const [x, y] = [xs(), ys()];
      await model.trainOnBatch(x, y);
      const before = tf.memory().numTensors;
      const fail = async (index?: number) => {
        if (typeof index !== 'number' || index === 1) throw new Error('mine');
      };
      const callbacks = ofClass ? [Object.assign(new Failing(), { [event]: fail })] : { [event]: fail };
      const args = { epochs: 3, batchSize: 5, validationSplit: 0.4, callbacks: callbacks as never };
      expect(await failure(model.fit(x, y, args))).toBe('mine');
      const batch = () => ({ xs: data([5, 4], 1), ys: classes(5, 1) });
      const dataset = tf.data.generator(function* () {
        yield batch();
        yield batch();
      } as never);
      const { validationSplit: _, batchSize: __, ...datasetArgs } = args;
      expect(await failure(model.fitDataset(dataset as never, datasetArgs))).toBe('mine');
      expect(tf.memory().numTensors).toBe(before);
      expect((await model.fit(x, y)).epoch).toEqual([0]);
    },
  );

  it.each<[string, tf.ModelFitArgs]>([
    ['a class without weight', { classWeight: { 0: 1 } }],
    ['a wrong sampleWeight', { sampleWeight: tf.ones([1]), classWeight: { 0: 1, 1: 1, 2: 1 } }],
    ['wrong validation data', { validationData: [tf.ones([2, 4]), tf.ones([3])] }],
  ])('in the arguments (%s), nothing leaks', async (_, args) => {
    const model = denseModel('sparseCategoricalCrossentropy');
    const labels = tf.tidy(() => ys().argMax(1).toFloat());
    const x = xs();
    const before = tf.memory().numTensors;
    expect(await failure(model.fit(x, labels, args))).not.toBe('no error');
    expect(await failure(model.fit(tf.ones([0, 5]), labels, {}))).not.toBe('no error');
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  it('in an element of a data set, nothing leaks', async () => {
    const model = denseModel();
    const before = tf.memory().numTensors;
    const dataset = tf.data.generator(function* () {
      yield { xs: data([5, 4], 1), ys: [classes(5, 1), classes(5, 1)] };
    } as never);
    const message = await failure(model.fitDataset(dataset as never, { epochs: 1 }));
    expect(message).toContain('Received an array of 2 Tensors');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('in a step, the error arrives and nothing leaks', async () => {
    const model = denseModel();
    const [x, y] = [xs(), ys()];
    await model.trainOnBatch(x, y);
    const before = tf.memory().numTensors;
    const inner = (model as unknown as { model: { makeTrainFunction: unknown } }).model;
    inner.makeTrainFunction = () => () => {
      throw new Error('no step');
    };
    expect(await failure(model.fit(x, y))).toBe('no step');
    expect(await failure(model.trainOnBatch(x, y))).toBe('no step');
    expect(tf.memory().numTensors).toBe(before);
    delete inner.makeTrainFunction;
    expect((await model.fit(x, y)).epoch).toEqual([0]);
  });
});

it('leaks nothing in 200 fits', async () => {
  const model = denseModel();
  const [x, y] = [xs(), ys()];
  await model.fit(x, y);
  const before = tf.memory().numTensors;
  for (let i = 0; i < 200; i++) {
    await model.fit(x, y, {
      batchSize: 8,
      validationSplit: 0.3,
      classWeight: { 0: 1, 1: 2, 2: 3 },
      ...(i % 2 && { callbacks: { onBatchEnd: async () => {} } }),
    });
  }
  expect(tf.memory().numTensors).toBe(before);
});

it.each<[string, tf.ModelFitArgs['callbacks']]>([
  ['epochs', {}],
  ['batches', { onBatchEnd: () => {} }],
])('lets the event loop run, whatever yieldEvery says, with callbacks for %s', async (_, callbacks = {}) => {
  const args = { epochs: 1e9, yieldEvery: 'never' as const, callbacks, validationSplit: 0.5 };
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  // A timer too: it would never come.
  const signal = AbortSignal.timeout(300);
  await denseModel().fit(data([2000, 4], 1), classes(2000, 2), { ...args, batchSize: 2, signal });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});

describe('setSeed', () => {
  async function run(newSeed: number) {
    tf.setSeed(newSeed);
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 8, inputShape: [4], activation: 'relu' }),
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: 'heNormal' }),
      ],
    });
    model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(0.01) });
    const { history } = await model.fit(xs(), ys(), { epochs: 3, batchSize: 5 });
    return { history, weights: weightsOf(model) };
  }

  it('makes a training run the same again', async () => {
    const first = await run(seed);
    expect(await run(seed), `seed ${seed}`).toEqual(first);
    expect((await run(seed + 1)).weights).not.toEqual(first.weights);
    // The upper half counts as well.
    expect((await run(seed + 2 ** 32)).weights).not.toEqual(first.weights);
  });

  it('rules the order of rows, in which each is there once', async () => {
    const order = async () => {
      tf.setSeed(seed);
      const seen: number[] = [];
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
      model.compile({
        optimizer: 'sgd',
        loss: (target, result) => {
          seen.push(...target.dataSync());
          return target.sub(result).square().mean(-1);
        },
      });
      const numbers = tf.range(0, 100).expandDims(1);
      await model.fit(numbers, numbers, { batchSize: 7 });
      return seen;
    };
    const first = await order();
    expect(await order()).toEqual(first);
    const sorted = first.toSorted((a, b) => a - b);
    expect(sorted).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(first, `seed ${seed}`).not.toEqual(sorted);
  });

  it.each([[-1], [0.5], [2 ** 53], [Number.NaN], ['1']])('refuses %s', (value) => {
    expect(() => tf.setSeed(value as number)).toThrow(/seed is .*whole number from 0 to 2\^53 - 1/);
  });
});

/** `fitDataset` and `trainOnBatch` against upstream's own on `cpu`. */
import * as tf from 'tfjs-native';
import { describe, expect, it, vi } from 'vitest';
import {
  branchedModel,
  classes,
  convModel,
  data,
  denseModel,
  type Event,
  expectAlike,
  failure,
  likeCpu,
  recorder,
} from './fit-like-cpu';

type Args = tf.ModelFitDatasetArgs<tf.TensorContainer>;
type Dataset = tf.data.Dataset<tf.TensorContainer>;

/** Batches that are made when they are asked for; the last is smaller. */
function batches(shapes: Record<string, number[]>, count = 3): Dataset {
  function* generate() {
    for (let i = 0; i < count; i++) {
      const rows = i === count - 1 ? 3 : 5;
      const tensor = (name: string, seed: number) => data([rows, ...(shapes[name] as number[])], seed + i);
      if ('a' in shapes)
        yield {
          xs: { b: tensor('b', 20), a: tensor('a', 10) },
          ys: { right: tensor('right', 40), left: classes(rows, i) },
        };
      else yield { xs: tensor('x', 10), ys: 'y' in shapes ? tensor('y', 30) : classes(rows, i) };
    }
  }
  return tf.data.generator(generate as never) as Dataset;
}

const dense = () => ({ model: denseModel(), dataset: batches({ x: [4] }) });
const conv = () => ({ model: convModel(), dataset: batches({ x: [6, 6, 1], y: [1] }) });
const branched = () => ({
  model: branchedModel(),
  dataset: batches({ a: [4], b: [2], right: [1] }),
});

async function trained(make: () => { model: tf.LayersModel; dataset: Dataset }, args: Partial<Args>) {
  const { model, dataset } = make();
  const events: Event[] = [];
  const { history, epoch, params } = await model.fitDataset(dataset, {
    epochs: 2,
    callbacks: recorder(events),
    ...args,
  });
  const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
  return { history, epoch, params, events, weights, stopped: model.stopTraining };
}

describe.each([
  ['a dense model', dense],
  ['a convolution', conv],
  ['several inputs and outputs, by name', branched],
])('fitDataset of %s', (_, make) => {
  it.each<[string, Partial<Args>]>([
    ['to the end of the data', {}],
    ['from a later epoch', { initialEpoch: 1, epochs: 3 }],
    ['for as many batches as asked', { batchesPerEpoch: 1, epochs: 3 }],
    ['with callbacks for epochs only', { callbacks: {} }],
  ])('trains %s', async (_name, args) => {
    await likeCpu(() => trained(make, args));
  });
});

describe('fitDataset', () => {
  it('validates with a data set', async () => {
    const args = () => ({ validationData: batches({ x: [4] }) as never });
    const result = await likeCpu(() => trained(dense, args()));
    expect(Object.keys(result.history)).toContain('val_loss');
  });

  it('validates with some batches of a data set', async () => {
    await likeCpu(() =>
      trained(dense, { validationData: batches({ x: [4] }) as never, validationBatches: 1 }),
    );
  });

  it.each([[undefined], [4]])('validates with tensors, in batches of %s', async (validationBatchSize) => {
    await likeCpu(() =>
      trained(dense, {
        validationData: [data([11, 4], 3), classes(11, 4)],
        ...(validationBatchSize && { validationBatchSize }),
        batchesPerEpoch: 1,
      }),
    );
  });

  it('weighs classes', async () => {
    await likeCpu(() => trained(dense, { classWeight: { 0: 3, 1: 0.5, 2: 1 } }));
  });

  it('warns when the data ends before the batches that are asked for', async () => {
    const result = await likeCpu(async () => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      const result = await trained(dense, { batchesPerEpoch: 5 });
      return { ...result, warnings: warn.mock.calls };
    });
    expect(result.warnings).toHaveLength(2);
  });

  it('stops when a callback says so', async () => {
    await likeCpu(async () => {
      const { model, dataset } = dense();
      const events: Event[] = [];
      const callbacks = {
        ...recorder(events),
        onBatchEnd: async (batch: number) => {
          model.stopTraining = batch === 1;
        },
      };
      const { history } = await model.fitDataset(dataset, { epochs: 3, callbacks });
      return { history, events, stopped: model.stopTraining };
    });
  });

  it.each<[string, (model: tf.LayersModel, dataset: Dataset) => Promise<unknown>]>([
    ['no epochs', (model, dataset) => model.fitDataset(dataset, {} as never)],
    ['batches per epoch', (model, dataset) => model.fitDataset(dataset, { epochs: 1, batchesPerEpoch: 0.5 })],
    [
      'validationSplit',
      (model, dataset) => model.fitDataset(dataset, { epochs: 1, validationSplit: 0.1 } as never),
    ],
    [
      'validation weights',
      (model, dataset) => model.fitDataset(dataset, { epochs: 1, validationData: [1, 2, 3] as never }),
    ],
    [
      'validation batches',
      (model, dataset) =>
        model.fitDataset(dataset, { epochs: 1, validationData: dataset as never, validationBatches: -1 }),
    ],
    ['elements', (model) => model.fitDataset(tf.data.array([tf.zeros([1, 4])]) as never, { epochs: 1 })],
    [
      'inputs',
      (model) =>
        model.fitDataset(
          tf.data.array([
            { xs: [tf.zeros([1, 4]), tf.zeros([1, 4])], ys: tf.zeros([1, 3]) },
          ] as never) as never,
          { epochs: 1 },
        ),
    ],
    [
      'names',
      (model) =>
        model.fitDataset(
          tf.data.array([{ xs: { other: tf.zeros([1, 4]) }, ys: tf.zeros([1, 3]) }] as never) as never,
          { epochs: 1 },
        ),
    ],
    [
      'rows',
      (model) =>
        model.fitDataset(tf.data.array([{ xs: tf.zeros([2, 4]), ys: tf.zeros([1, 3]) }] as never) as never, {
          epochs: 1,
        }),
    ],
    [
      'count of outputs',
      (model) =>
        model.fitDataset(tf.data.array([{ xs: tf.zeros([2, 4]), ys: [] }] as never) as never, { epochs: 1 }),
    ],
  ])('refuses wrong %s', async (_, call) => {
    const result = await likeCpu(async () => {
      const { model, dataset } = dense();
      // The names of layers count up.
      return (await failure(call(model, dataset))).replace(/dense_Dense\d+/g, 'dense');
    });
    expect(result).not.toBe('no error');
  });

  it('refuses to run twice at once, and runs again after', async () => {
    const result = await likeCpu(async () => {
      const { model, dataset } = dense();
      const first = model.fitDataset(dataset, { epochs: 1 });
      const second = await failure(model.fitDataset(dataset, { epochs: 1 }));
      const third = await failure(model.fit(tf.zeros([1, 4]), tf.zeros([1, 3])));
      return [second, third, (await first).epoch, (await model.fitDataset(dataset, { epochs: 1 })).epoch];
    });
    expect(result[0]).toContain('another fit() call is ongoing');
  });
});

describe('trainOnBatch', () => {
  it.each([
    ['a dense model', denseModel, () => [data([5, 4], 1), classes(5, 2)]],
    ['a convolution', convModel, () => [data([5, 6, 6, 1], 1), data([5, 1], 2)]],
    [
      'several inputs and outputs',
      branchedModel,
      () => [
        [data([5, 4], 1), data([5, 2], 2)],
        [classes(5, 3), data([5], 4)],
      ],
    ],
    [
      'named inputs and outputs',
      branchedModel,
      () => [
        { b: data([5, 2], 2), a: data([5, 4], 1) },
        { right: data([5], 4), left: classes(5, 3) },
      ],
    ],
  ])('trains %s', async (_, make, batch) => {
    await likeCpu(async () => {
      const model = make();
      const [x, y] = batch() as [tf.Tensor, tf.Tensor];
      const results = [await model.trainOnBatch(x, y), await model.trainOnBatch(x, y)];
      return [results, model.getWeights().map((weight) => [...weight.dataSync()])];
    });
  });

  it('weighs classes and samples as fit does', async () => {
    const [x, y] = [data([5, 4], 1), classes(5, 2)];
    const classWeight = { 0: 3, 1: 0.5, 2: 2 };
    const sampleWeight = tf.tensor1d([...y.argMax(1).dataSync()].map((c) => classWeight[c as 0]));
    const weightsAfter = async (train: (model: tf.Sequential) => Promise<unknown>) => {
      const model = denseModel();
      await train(model);
      return model.getWeights().map((weight) => [...weight.dataSync()]);
    };
    await tf.setBackend('cpu');
    const want = await weightsAfter((model) => model.fit(x, y, { classWeight }));
    await tf.setBackend('native');
    const before = tf.memory().numTensors;
    const model = denseModel();
    await model.trainOnBatch(x, y, { classWeight });
    await model.trainOnBatch(x, y, { sampleWeight });
    model.optimizer.dispose();
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expectAlike(await weightsAfter((model) => model.trainOnBatch(x, y, { classWeight })), want);
    expectAlike(await weightsAfter((model) => model.trainOnBatch(x, y, { sampleWeight })), want);
    const inner = (model: tf.Sequential) => (model as unknown as { model: tf.LayersModel }).model;
    expectAlike(await weightsAfter((model) => inner(model).trainOnBatch(x, y, { sampleWeight })), want);
  });

  it('takes the steps of calls that meet one after the other', async () => {
    await likeCpu(async () => {
      const model = denseModel();
      const calls = [1, 2, 3].map((seed) => model.trainOnBatch(data([5, 4], seed), classes(5, seed)));
      return [await Promise.all(calls), model.getWeights().map((weight) => [...weight.dataSync()])];
    });
  });

  it('refuses a wrong shape as upstream does, and leaks nothing', async () => {
    await likeCpu(() =>
      failure(denseModel().trainOnBatch(tf.zeros([2, 3]), tf.zeros([2, 3]))).then((message) =>
        message.replace(/dense_Dense\d+/g, 'dense'),
      ),
    );
    const model = branchedModel();
    const x = [data([5, 4], 1), data([5, 2], 2)];
    const y = [classes(5, 3), data([5], 4)];
    await model.trainOnBatch(x, y);
    const before = tf.memory().numTensors;
    await model.trainOnBatch(x, y);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('runs inside a callback of fit', async () => {
    await likeCpu(async () => {
      const model = denseModel();
      const values: unknown[] = [];
      const callbacks = {
        onBatchEnd: async () => {
          values.push(await model.trainOnBatch(data([5, 4], 1), classes(5, 1)));
        },
      };
      const { history } = await model.fit(data([9, 4], 2), classes(9, 3), { batchSize: 4, callbacks });
      return [history, values];
    });
  });
});

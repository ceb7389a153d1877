/** `fit` against upstream's own on `cpu`: histories, callbacks, weights, errors. */
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import {
  branchedModel,
  classes,
  convModel,
  data,
  denseModel,
  type Event,
  failure,
  likeCpu,
  recorder,
} from './fit-like-cpu';

type Args = tf.ModelFitArgs;
type Made = { model: tf.LayersModel; x: tf.Tensor | tf.Tensor[]; y: tf.Tensor | tf.Tensor[] };

const rows = 22;
const dense = (): Made => ({ model: denseModel(), x: data([rows, 4], 1), y: classes(rows, 2) });
const conv = (): Made => ({ model: convModel(), x: data([rows, 6, 6, 1], 3), y: data([rows, 1], 4) });
const branched = (): Made => ({
  model: branchedModel(),
  x: [data([rows, 4], 1), data([rows, 2], 5)],
  y: [classes(rows, 2), data([rows, 1], 4)],
});

/** History, callbacks and weights of a fit. */
async function trained(make: () => Made, args: Args) {
  const { model, x, y } = make();
  const events: Event[] = [];
  const callbacks = args.callbacks ?? recorder(events);
  const { history, epoch, params } = await model.fit(x, y, { epochs: 2, batchSize: 8, ...args, callbacks });
  const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
  return { history, epoch, params, events, weights, stopped: model.stopTraining };
}

async function expectLikeUpstream(make: () => Made, args: () => Args): Promise<void> {
  await likeCpu(() => trained(make, args()));
}

const validation = (): Args['validationData'] => [data([11, 4], 8), classes(11, 9)];

describe.each([
  ['a dense model', dense],
  ['a convolution', conv],
  ['several inputs and outputs', branched],
])('%s', (_, make) => {
  it.each<[string, Args]>([
    ['shuffled', {}],
    ['in order', { shuffle: false }],
    ['with validationSplit', { validationSplit: 0.3 }],
    ['from a later epoch', { initialEpoch: 1, epochs: 3 }],
    ['with validationSteps, which means nothing', { validationSteps: 2 }],
    ['in one batch', { batchSize: 100 }],
    ['row by row', { batchSize: 1, epochs: 1 }],
    ['with callbacks for epochs only', { callbacks: {}, validationSplit: 0.5 }],
    ['with the default batch size', { batchSize: undefined as never, epochs: undefined as never }],
  ])('trains %s', (_name, args) => expectLikeUpstream(make, () => args));
});

it('trains on named inputs and targets', () =>
  expectLikeUpstream(
    () => {
      const { model, x, y } = branched() as Made & { x: tf.Tensor[]; y: tf.Tensor[] };
      return { model, x: { b: x[1], a: x[0] }, y: { right: y[1], left: y[0] } } as unknown as Made;
    },
    () => ({ validationSplit: 0.2 }),
  ));

it('validates with data of its own', () =>
  expectLikeUpstream(dense, () => ({ validationData: validation() as never })));

it('takes int32 classes and validates by them', () =>
  expectLikeUpstream(
    () => ({
      model: denseModel('sparseCategoricalCrossentropy'),
      x: data([rows, 4], 1),
      y: tf.tidy(() => classes(rows, 2).argMax(1).toFloat()),
    }),
    () => ({ validationSplit: 0.2 }),
  ));

describe('class weights', () => {
  const weights = { 0: 2, 1: 0.5, 2: 1 };
  it('are multiplied into the loss', () => expectLikeUpstream(dense, () => ({ classWeight: weights })));
  it('go with validationSplit', () =>
    expectLikeUpstream(dense, () => ({ classWeight: weights, validationSplit: 0.3 })));
  it('are given by output', () =>
    expectLikeUpstream(branched, () => ({ classWeight: { left: weights } as never })));
  it('lack a class', async () => {
    const result = await likeCpu(async () => {
      const { model, x, y } = dense();
      return failure(model.fit(x, y, { classWeight: { 0: 1, 1: 1 } }));
    });
    expect(result).toContain('classWeight must contain all classes');
  });
});

describe('callbacks', () => {
  it('of several objects are told in order', async () => {
    const result = await likeCpu(async () => {
      const events: Event[] = [];
      const { model, x, y } = dense();
      const onlyEpochs = {
        onEpochEnd: async (epoch: number) => void events.push(['second epochEnd', epoch]),
      };
      const callbacks = [recorder(events, 'first '), onlyEpochs, recorder(events, 'third ')];
      await model.fit(x, y, { epochs: 2, batchSize: 8, validationSplit: 0.2, callbacks });
      return events;
    });
    expect(result.length).toBeGreaterThan(20);
  });

  it('that are CustomCallbacks are told the same', async () => {
    await likeCpu(async () => {
      const events: Event[] = [];
      const { model, x, y } = dense();
      const callbacks = [new tf.CustomCallback(recorder(events) as never, 'auto')];
      await model.fit(x, y, { epochs: 2, batchSize: 8, callbacks });
      return events;
    });
  });

  it('of classes of the user get scalars, which are disposed of', async () => {
    class Mine extends tf.Callback {
      readonly events: Event[] = [];
      #note(name: string, at: number, logs: object): void {
        const told = Object.entries(logs).map(([key, value]) => {
          const isScalar = value instanceof tf.Tensor;
          return [key, isScalar ? [value.dtype, value.shape, value.dataSync()[0]] : value];
        });
        this.events.push([name, at, Object.fromEntries(told)]);
      }
      override async onBatchBegin(batch: number, logs: object = {}) {
        this.#note('batchBegin', batch, logs);
      }
      override async onBatchEnd(batch: number, logs: object = {}) {
        this.#note('batchEnd', batch, logs);
      }
      override async onEpochEnd(epoch: number, logs: object = {}) {
        this.#note('epochEnd', epoch, logs);
      }
    }
    const result = await likeCpu(async () => {
      const { model, x, y } = dense();
      const mine = new Mine();
      await model.trainOnBatch(x, y);
      const before = tf.memory().numTensors;
      const { history } = await model.fit(x, y, {
        epochs: 2,
        validationSplit: 0.2,
        callbacks: [mine as never],
      });
      return { events: mine.events, history, left: tf.memory().numTensors - before };
    });
    expect(result.left).toBe(0);
  });

  it('stop the training in the middle of an epoch', async () => {
    const result = await likeCpu(async () => {
      const { model, x, y } = dense();
      const events: Event[] = [];
      const callbacks = {
        ...recorder(events),
        onBatchEnd: async (batch: number) => {
          if (batch === 1) model.stopTraining = true;
        },
      };
      const { history } = await model.fit(x, y, { epochs: 3, batchSize: 8, validationSplit: 0.2, callbacks });
      return { history, events, stopped: model.stopTraining };
    });
    expect(result.history.loss).toHaveLength(1);
  });

  it('stop the training after an epoch, and it can go on', async () => {
    await likeCpu(async () => {
      const { model, x, y } = dense();
      const callbacks = {
        onEpochEnd: async (epoch: number) => {
          model.stopTraining = epoch === 1;
        },
      };
      const first = await model.fit(x, y, { epochs: 4, callbacks });
      const second = await model.fit(x, y, { epochs: 1 });
      return [first.history, second.history, model.stopTraining];
    });
  });

  it('stop the training before its first batch, which is still trained on', async () => {
    const result = await likeCpu(async () => {
      const { model, x, y } = dense();
      const callbacks = {
        onEpochBegin: async (epoch: number) => {
          model.stopTraining = epoch === 1;
        },
      };
      const { history } = await model.fit(x, y, { epochs: 4, batchSize: 5, callbacks });
      return { history, steps: model.optimizer.iterations };
    });
    expect(result.steps).toBe(6);
  });

  it('can be early stopping', async () => {
    const result = await likeCpu(async () => {
      const { model, x, y } = dense();
      const stop = tf.callbacks.earlyStopping({ monitor: 'val_loss', minDelta: 0.05, patience: 1 });
      const history = await model.fit(x, y, { epochs: 20, validationSplit: 0.2, callbacks: stop as never });
      return { history: history.history, epochs: history.epoch };
    });
    expect(result.epochs.length).toBeLessThan(20);
  });

  it('of tf.registerCallbackConstructor are told', async () => {
    let told = 0;
    class Registered extends tf.Callback {
      override async onBatchEnd() {
        told++;
      }
    }
    tf.registerCallbackConstructor(1, Registered as never);
    const { model, x, y } = dense();
    await model.fit(x, y, { batchSize: 8, epochs: 2 });
    expect(told).toBe(6);
    await model.fit(x, y, { verbose: 0 });
    expect(told).toBe(6);
  });
});

describe('yieldEvery', () => {
  it.each<[tf.ModelFitArgs['yieldEvery']]>([['auto'], ['batch'], ['epoch'], ['never'], [10]])(
    '%s',
    async (yieldEvery) => {
      await likeCpu(async () => {
        const { model, x, y } = dense();
        const events: Event[] = [];
        let now = 0;
        const callbacks = {
          ...(yieldEvery !== 'never' && {
            onYield: async (epoch: number, batch: number, logs: tf.Logs) =>
              void events.push(['yield', epoch, batch, { ...logs }]),
          }),
          // Seven milliseconds a batch.
          nowFunc: () => {
            now += 7;
            return now;
          },
          nextFrameFunc: async () => void events.push(['frame']),
        };
        await model.fit(x, y, { epochs: 2, batchSize: 2, callbacks, yieldEvery: yieldEvery as never });
        return events;
      });
    },
  );

  it('never does not go with onYield', async () => {
    const result = await likeCpu(async () => {
      const { model, x, y } = dense();
      return failure(model.fit(x, y, { yieldEvery: 'never', callbacks: { onYield: async () => {} } }));
    });
    expect(result).toContain('yieldEvery is `never`');
  });
});

describe('wrong arguments', () => {
  it.each<[string, (made: Made) => Promise<unknown>]>([
    ['batch size', ({ model, x, y }) => model.fit(x, y, { batchSize: 0 })],
    ['shape of x', ({ model, y }) => model.fit(tf.zeros([rows, 5]), y)],
    ['rows', ({ model, x }) => model.fit(x, classes(3, 1))],
    ['count of inputs', ({ model, x, y }) => model.fit([x, x] as tf.Tensor[], y)],
    ['validation data', ({ model, x, y }) => model.fit(x, y, { validationData: [x] as never })],
    ['validation weights', ({ model, x, y }) => model.fit(x, y, { validationData: [x, y, x] as never })],
    ['batch shuffling', ({ model, x, y }) => model.fit(x, y, { shuffle: 'batch' as never })],
    [
      'callbacks',
      ({ model, x, y }) => model.fit(x, y, { callbacks: [new tf.CustomCallback({}, 'auto'), {}] as never }),
    ],
  ])('%s', async (_, call) => {
    const result = await likeCpu(() => failure(call(dense())));
    expect(result).not.toBe('no error');
  });

  it('a model that is not compiled', async () => {
    await likeCpu(async () => {
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
      return failure(model.fit(tf.ones([2, 1]), tf.ones([2, 1])));
    });
  });
});

it('two fits at once are refused', async () => {
  const result = await likeCpu(async () => {
    const { model, x, y } = dense();
    const first = model.fit(x, y, { epochs: 2 });
    const second = await failure(model.fit(x, y));
    return [second, (await first).epoch, await failure(model.fit(x, y))];
  });
  expect(result[0]).toContain('another fit() call is ongoing');
});

it('fitLoop, called by somebody else, takes the steps that it is given', async () => {
  await likeCpu(async () => {
    const { model, x, y } = dense();
    const inner = (model as unknown as { model: tf.LayersModel }).model;
    const sizes: number[] = [];
    const step = (batch: tf.Tensor[]) => {
      sizes.push((batch[0] as tf.Tensor).shape[0] as number);
      return [tf.scalar(sizes.length)];
    };
    const { history } = await inner.fitLoop(
      step,
      [x, y] as tf.Tensor[],
      ['loss'],
      5,
      2,
      0,
      [],
      undefined,
      [],
      false,
      ['loss'],
    );
    return [sizes, history];
  });
});

/** Small models and data, and training on `cpu`, where upstream's own loops run, and on `native`. */
import * as tf from 'tfjs-native';
import { afterEach, expect, vi } from 'vitest';

/** A source of numbers from 0 to 1 (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

afterEach(async () => {
  vi.restoreAllMocks();
  await tf.setBackend('native');
});

/** Whether models are made such that they train eagerly: compiled are only those with upstream's own step. */
let eagerly = false;

/** What `run` gives on `cpu`; expects that it gives the same on `native`, compiled and eagerly. */
export async function likeCpu<T>(run: () => Promise<T>): Promise<T> {
  const runOn = async (backend: string) => {
    await tf.setBackend(backend);
    // What fit shuffles by.
    vi.spyOn(Math, 'random').mockImplementation(generator(7));
    try {
      return await run();
    } finally {
      vi.restoreAllMocks();
    }
  };
  const want = await runOn('cpu');
  expectAlike(await runOn('native'), want, 'compiled');
  eagerly = true;
  try {
    expectAlike(await runOn('native'), want, 'eager');
  } finally {
    eagerly = false;
  }
  return want;
}

function compiled<Model extends tf.LayersModel>(model: Model, args: tf.ModelCompileArgs): Model {
  model.compile(args);
  const inner = ((model as { model?: tf.LayersModel }).model ?? model) as unknown as {
    makeTrainFunction(): unknown;
  };
  const { makeTrainFunction } = inner;
  if (eagerly) inner.makeTrainFunction = () => makeTrainFunction.call(inner);
  return model;
}

/** Expects equal values and equal orders of keys; numbers may differ by the rounding of a few steps. */
export function expectAlike(got: unknown, want: unknown, path = 'value'): void {
  if (typeof want === 'number' && typeof got === 'number') {
    const close = Object.is(got, want) || Math.abs(got - want) <= 2e-5 * Math.max(1, Math.abs(want));
    expect(close, `${path} is ${got}, expected ${want}`).toBe(true);
  } else if (want !== null && typeof want === 'object') {
    expect(Object.keys(got as object), path).toEqual(Object.keys(want));
    for (const key of Object.keys(want))
      expectAlike((got as never)[key], (want as never)[key], `${path}.${key}`);
  } else expect(got, path).toEqual(want);
}

const seeded = (seed: number) => tf.initializers.randomNormal({ seed, stddev: 0.5 });

/** 4 numbers to 3 classes. */
export function denseModel(loss = 'categoricalCrossentropy', optimizer = tf.train.adam(0.02)): tf.Sequential {
  const layers = [
    tf.layers.dense({ units: 5, inputShape: [4], activation: 'tanh', kernelInitializer: seeded(1) }),
    tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: seeded(2) }),
  ];
  const model = tf.sequential({ layers });
  return compiled(model, { loss, optimizer, metrics: ['accuracy'] });
}

/** 6x6 images to one number, with a penalty on weights. */
export function convModel(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        filters: 2,
        kernelSize: 3,
        inputShape: [6, 6, 1],
        activation: 'relu',
        kernelInitializer: seeded(3),
        kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }),
      }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 1, kernelInitializer: seeded(4) }),
    ],
  });
  return compiled(model, { loss: 'meanSquaredError', optimizer: tf.train.sgd(0.05) });
}

/** Inputs `a` [4] and `b` [2], outputs `left` (3 classes) and `right` (a number). */
export function branchedModel(): tf.LayersModel {
  const a = tf.input({ shape: [4], name: 'a' });
  const b = tf.input({ shape: [2], name: 'b' });
  const dense = (from: tf.SymbolicTensor, units: number, name: string, seed: number, activation = 'linear') =>
    tf.layers
      .dense({ units, name, kernelInitializer: seeded(seed), activation: activation as 'linear' })
      .apply(from) as tf.SymbolicTensor;
  const model = tf.model({
    inputs: [a, b],
    outputs: [dense(a, 3, 'left', 5, 'softmax'), dense(b, 1, 'right', 6)],
  });
  return compiled(model, {
    loss: ['categoricalCrossentropy', 'meanSquaredError'],
    optimizer: tf.train.rmsprop(0.01),
    metrics: ['accuracy'],
  });
}

/** A tensor that is the same in every run. */
export function data(shape: number[], seed: number): tf.Tensor {
  const next = generator(seed);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next() * 2 - 1),
    shape,
  );
}

/** One-hot rows of 3 classes. */
export function classes(rows: number, seed: number): tf.Tensor2D {
  const next = generator(seed);
  const labels = Int32Array.from({ length: rows }, () => Math.floor(next() * 3));
  return tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), 3).toFloat() as tf.Tensor2D);
}

export type Event = [name: string, ...details: unknown[]];

/** Callbacks that write down what they are told, and when. */
export function recorder(events: Event[], of = ''): tf.CustomCallbackArgs {
  const note =
    (name: string, dated: boolean) =>
    async (...args: unknown[]) => {
      const logs = args.at(-1) as tf.Logs | undefined;
      events.push([of + name, ...(dated ? args.slice(0, -1) : []), logs && { ...logs }]);
    };
  return {
    onTrainBegin: note('trainBegin', false),
    onTrainEnd: note('trainEnd', false),
    onEpochBegin: note('epochBegin', true),
    onEpochEnd: note('epochEnd', true),
    onBatchBegin: note('batchBegin', true),
    onBatchEnd: note('batchEnd', true),
  };
}

/** The message of what a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: Error) => error.message,
  );
}

/** Compiled predictions and evaluations against op by op. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { openEvaluation, openPrediction } from '../../dist/compiler/inference.js';
import { build, dataOf, distance, forceEager, type Net, nets, valuesOf } from '../compiler/nets';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

function listOf(result: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(result) ? result : [result];
}

/** Sums of up to 10^4 terms, and Winograd's transforms, are within some 10^-5 of the largest number. */
function close(compiled: tf.Tensor, eager: tf.Tensor): void {
  expect(compiled.shape).toEqual(eager.shape);
  expect(compiled.dtype).toBe(eager.dtype);
  const [difference, size] = distance(compiled.dataSync(), eager.dataSync());
  expect(difference).toBeLessThanOrEqual(2e-5 * Math.max(1, size));
}

describe.each(Object.entries(nets))('%s', (_, net) => {
  it('predicts and evaluates as it does op by op', async () => {
    for (const rows of [1, 33]) {
      const [compiled, eager] = [build(net, tf.train.sgd(0.01)), build(net, tf.train.sgd(0.01))];
      forceEager(eager);
      const { x, y } = dataOf(net, rows);
      const [ours, theirs] = [compiled, eager].map((model) => listOf(model.predict(x) as tf.Tensor));
      for (const [i, output] of (ours as tf.Tensor[]).entries()) close(output, theirs?.[i] as tf.Tensor);
      const [asked, wanted] = [compiled, eager].map((model) => listOf(model.evaluate(x, y) as tf.Tensor));
      expect(asked?.length).toBe(wanted?.length);
      for (const [i, value] of (asked as tf.Tensor[]).entries()) close(value, wanted?.[i] as tf.Tensor);
    }
  });
});

const net = nets['the seed CNN'] as Net;

/** Two inputs and two outputs, with layers that are others in training. */
function branched(): tf.LayersModel {
  const { layers } = tf;
  const [a, b] = [tf.input({ shape: [6] }), tf.input({ shape: [4] })];
  const both = layers.concatenate().apply([a, b]) as tf.SymbolicTensor;
  let x = layers.dense({ units: 12 }).apply(both) as tf.SymbolicTensor;
  const normalization = layers.batchNormalization();
  for (const layer of [
    normalization,
    layers.dropout({ rate: 0.5 }),
    layers.gaussianNoise({ stddev: 1 }),
    layers.gaussianDropout({ rate: 0.5 }),
    layers.alphaDropout({ rate: 0.5 }),
    layers.reLU(),
  ])
    x = layer.apply(x) as tf.SymbolicTensor;
  const outputs = [
    layers.dense({ units: 3, activation: 'softmax' }).apply(x),
    layers.dense({ units: 2, activation: 'tanh' }).apply(both),
  ] as tf.SymbolicTensor[];
  const model = tf.model({ inputs: [a, b], outputs });
  normalization.setWeights([1, 2, 3, 4].map((seed) => tf.randomUniform([12], 0.5, 2, 'float32', seed)));
  model.compile({
    optimizer: 'sgd',
    loss: ['categoricalCrossentropy', 'meanSquaredError'],
    metrics: ['accuracy', 'mae'],
  });
  return model;
}

it('has inference’s forms of layers, several inputs and outputs, and upstream’s numbers', () => {
  const model = branched();
  const data = [tf.randomNormal([300, 6], 0, 1, 'float32', 1), tf.randomNormal([300, 4], 0, 1, 'float32', 2)];
  const targets = [
    tf.oneHot(tf.range(0, 300, 1, 'int32').mod(tf.scalar(3, 'int32')), 3).toFloat(),
    tf.randomNormal([300, 2], 0, 1, 'float32', 9),
  ];
  const compiled = [model.predict(data), model.evaluate(data, targets)].flat() as tf.Tensor[];
  expect(openPrediction(model, data, 32)).toBeDefined();
  expect(openEvaluation(model, [...data, ...targets], 32)).toBeDefined();
  forceEager(model);
  expect(openPrediction(model, data, 32)).toBeUndefined();
  const eager = [model.predict(data), model.evaluate(data, targets)].flat() as tf.Tensor[];
  // Predictions; sums of losses, losses, metrics.
  expect(compiled.length).toBe(2 + 2 + 2 + 4);
  expect(compiled.length).toBe(eager.length);
  for (const [i, value] of compiled.entries()) close(value, eager[i] as tf.Tensor);
});

it.each(Object.entries(nets))('%s is compiled', (_, each) => {
  const { x, y } = dataOf(each, 2);
  const model = inner(build(each, tf.train.sgd(0.1)));
  expect(openPrediction(model, [x].flat(), 32)).toBeDefined();
  expect(openEvaluation(model, [x, y].flat(), 32)).toBeDefined();
});

/** For a Sequential, the model that it delegates to. */
function inner(model: tf.LayersModel): tf.LayersModel {
  return (model as unknown as { model?: tf.LayersModel }).model ?? model;
}

it('has the same bits for any batch size, and alone', async () => {
  const model = build(net, tf.train.sgd(0.1));
  const { x } = dataOf(net, 600);
  const all = (model.predict(x) as tf.Tensor).dataSync();
  for (const batchSize of [1, 7, 600])
    expect((model.predict(x, { batchSize }) as tf.Tensor).dataSync()).toEqual(all);
  expect((await (tf.predictAsync(model, x) as Promise<tf.Tensor>)).dataSync()).toEqual(all);
  expect((model.predictOnBatch(x) as tf.Tensor).dataSync()).toEqual(all);
});

it('sees weights that anybody has changed since', async () => {
  const model = build(net, tf.train.sgd(0.1));
  const twin = build(net, tf.train.sgd(0.1));
  forceEager(twin);
  const { x, y } = dataOf(net, 40);
  const compare = (): void => {
    twin.setWeights(model.getWeights());
    close(model.predict(x) as tf.Tensor, twin.predict(x) as tf.Tensor);
  };
  compare();
  await model.trainOnBatch(x, y);
  compare();
  model.setWeights(model.getWeights().map((weight) => weight.mul(0.5)));
  compare();
  await model.fit(x, y, { verbose: 0, callbacks: { onBatchEnd: async () => compare() } });
  compare();
});

it('predicts while the model is trained on another thread, with the weights of a finished step', async () => {
  const model = build(net, tf.train.adam(0.01));
  const { x, y } = dataOf(net, 2000);
  const some = x.slice([0], [8]);
  const args = { epochs: 2, batchSize: 100, verbose: 0, shuffle: false } as const;
  const fit = model.fit(x, y, args);
  let count = 0;
  let running = true;
  void fit.finally(() => {
    running = false;
  });
  while (running) {
    const [sync, later] = [model.predict(some) as tf.Tensor, tf.predictAsync(model, some)];
    const values = await sync.data();
    // Both were asked for with the same weights.
    expect(await ((await later) as tf.Tensor).data()).toEqual(values);
    expect(values.every(Number.isFinite)).toBe(true);
    count++;
    await new Promise(setImmediate);
  }
  await fit;
  expect(count).toBeGreaterThan(1);
  // Training has not noticed.
  const alone = build(net, tf.train.adam(0.01));
  await alone.fit(x, y, args);
  expect(valuesOf(model.getWeights())).toEqual(valuesOf(alone.getWeights()));
});

it('validates in a fit with the numbers of evaluate', async () => {
  const model = build(net, tf.train.sgd(0.01));
  const { x, y } = dataOf(net, 70);
  const { history } = await model.fit(x, y, { validationData: [x, y], verbose: 0 });
  const values = [model.evaluate(x, y)].flat().map((value) => value.dataSync()[0] as number);
  const names = Object.keys(history).filter((name) => name.startsWith('val_'));
  expect(names.map((name) => (history[name] as number[])[0])).toEqual(
    values.map((value) => expect.closeTo(value, 6)),
  );
});

it('keeps the event loop free, any number of predictions at a time', async () => {
  const model = build(net, tf.train.sgd(0.1));
  const { x } = dataOf(net, 3000);
  const want = (model.predict(x) as tf.Tensor).dataSync();
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const results = await Promise.all([1, 2, 3].map(() => tf.predictAsync(model, x)));
  clearInterval(timer);
  for (const result of results) expect((result as tf.Tensor).dataSync()).toEqual(want);
  expect(turns).toBeGreaterThan(2);
});

it('goes upstream’s way with what has no compiled form', async () => {
  const layer = tf.layers.dense({ units: 2, inputShape: [3] });
  const model = tf.sequential({ layers: [layer] });
  const x = tf.ones([4, 3]);
  const before = model.predict(x) as tf.Tensor;
  // Replaced since.
  const call = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => tf.mul(call(inputs, kwargs) as tf.Tensor, 2);
  const after = model.predict(x) as tf.Tensor;
  close(after, before.mul(2));
  expect(((await tf.predictAsync(model, x)) as tf.Tensor).dataSync()).toEqual(after.dataSync());
});

it('says as upstream what is wrong', async () => {
  const model = build(net, tf.train.sgd(0.1));
  const { x, y } = dataOf(net, 4);
  expect(() => model.predict(tf.ones([2, 3]))).toThrow(/expected .* to have/);
  expect(() => model.predict(x, { batchSize: 0 })).toThrow(/batchSize/);
  expect(() => model.evaluate(x, y.slice([0], [2]))).toThrow();
  await expect(tf.predictAsync(model, tf.ones([2, 3]))).rejects.toThrow(/expected .* to have/);
  model.dispose();
  expect(() => model.predict(x)).toThrow(/disposed/);
});

it('gives NaN and infinity as they come', () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  model.setWeights([tf.ones([1, 1]), tf.zeros([1])]);
  const x = tf.tensor2d([[Number.NaN], [Number.POSITIVE_INFINITY], [2]]);
  expect(Array.from((model.predict(x) as tf.Tensor).dataSync())).toEqual([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2,
  ]);
  expect((model.evaluate(x, tf.zeros([3, 1])) as tf.Scalar).dataSync()[0]).toBeNaN();
});

it('leaves no tensors behind', async () => {
  const model = build(net, tf.train.sgd(0.1));
  const { x, y } = dataOf(net, 10);
  (model.predict(x) as tf.Tensor).dispose();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 20; i++) {
    tf.tidy(() => void model.predict(x));
    for (const value of [model.evaluate(x, y)].flat()) value.dispose();
    ((await tf.predictAsync(model, x)) as tf.Tensor).dispose();
  }
  expect(tf.memory().numTensors).toBe(before);
});

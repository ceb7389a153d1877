/**
 * The backend `tensorflow` for real: `TENSORFLOW_PROJECT` is a project that scripts/setup-tensorflow.sh made. Models
 * train there as natively, compiled and op by op, and go on where the other backend stopped.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'tfjs-native';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { build, conv, dataOf, dense, distance, forceEager, type Net, nets, valuesOf } from '../compiler/nets';
import { root } from '../public/run';
import { record } from './report';

const { layers } = tf;
const project = process.env['TENSORFLOW_PROJECT'] as string;
let folder: string;

beforeAll(async () => {
  process.chdir(project);
  folder = mkdtempSync(join(tmpdir(), 'tfjs-native-tensorflow-'));
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => tf.useBackend('native'));
afterAll(() => rmSync(folder, { recursive: true }));

it('tells what computes', async () => {
  expect(await tf.useBackend('tensorflow')).toBe('tensorflow');
  const { tensorflow } = tf.info();
  expect(tensorflow?.package).toMatch(/^@tensorflow\/tfjs-node/);
  expect(tensorflow?.version).toMatch(/^2\.\d+\.\d+$/);
  expect(tensorflow?.device).toBe(tensorflow?.gpu ? expect.anything() : 'CPU');
});

const labels = { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], target: [1], classes: 5 };
const softmax = () => dense(5, { activation: 'softmax' });
const smooth = { activation: 'tanh' } as const;

/** Small forms of the models that users train. */
const models: Readonly<Record<string, Net>> = {
  'the seed CNN': nets['the seed CNN'] as Net,
  'an MLP': { ...labels, input: [28, 28, 1], layers: () => [layers.flatten(), dense(128), softmax()] },
  'batch normalisation and depthwise convolutions': {
    ...labels,
    input: [12, 12, 3],
    layers: () => [
      conv(8, { ...smooth, useBias: false, padding: 'same' }),
      layers.batchNormalization(),
      layers.depthwiseConv2d({
        kernelSize: 3,
        depthwiseInitializer: tf.initializers.glorotUniform({ seed: 5 }),
      }),
      layers.batchNormalization(),
      layers.averagePooling2d({ poolSize: 2 }),
      layers.globalAveragePooling2d({}),
      softmax(),
    ],
  },
  'an LSTM': {
    ...labels,
    input: [7, 6],
    layers: () => [
      layers.lstm({
        units: 8,
        kernelInitializer: tf.initializers.glorotUniform({ seed: 6 }),
        recurrentInitializer: tf.initializers.glorotUniform({ seed: 7 }),
      }),
      softmax(),
    ],
  },
};

interface Outcome {
  readonly losses: number[];
  readonly gradients: Float32Array[];
  readonly predictions: Float32Array;
  readonly tested: number[];
}

const ways = ['compiled', 'eager'] as const;
type Way = (typeof ways)[number] | 'tensorflow';

async function train(net: Net, way: Way): Promise<Outcome> {
  await tf.useBackend(way === 'tensorflow' ? 'tensorflow' : 'native');
  const make = (optimizer: tf.Optimizer) => {
    const model = build(net, optimizer);
    if (way === 'eager') forceEager(model);
    return model;
  };
  const { x, y } = dataOf(net, 16);
  // With plain gradient descent at rate 1 a weight changes by its gradient.
  const once = make(tf.train.sgd(1));
  const before = valuesOf(once.getWeights());
  await once.trainOnBatch(x, y);
  const gradients = valuesOf(once.getWeights()).map((after, i) =>
    after.map((value, k) => (before[i]?.[k] as number) - value),
  );
  const model = make(tf.train.momentum(0.01, 0.9));
  const losses: number[] = [];
  for (let step = 0; step < 20; step++)
    losses.push(((await model.trainOnBatch(x, y)) as number[])[0] as number);
  const predictions = (model.predict(x) as tf.Tensor).dataSync() as Float32Array;
  const tested = (model.evaluate(x, y) as tf.Tensor[]).map((value) => value.dataSync()[0] as number);
  return { losses, gradients, predictions, tested };
}

describe.each(Object.entries(models))('%s', (name, net) => {
  it('trains, predicts and evaluates as natively', async () => {
    const ours = [await train(net, 'compiled'), await train(net, 'eager')];
    const theirs = await train(net, 'tensorflow');
    for (const [way, { losses, gradients, predictions, tested }] of ours.entries()) {
      const compare = (what: string, a: ArrayLike<number>, b: ArrayLike<number>, bound: number): void => {
        const [difference] = distance(a, b);
        record({ subject: name, what, sides: `native ${ways[way]}, tensorflow`, difference, bound });
        expect(difference, what).toBeLessThanOrEqual(bound);
      };
      // Weights of up to 1 are rounded to 2^-24 before and after the step; sums of up to 10^4 terms, and Winograd's
      // transforms, are within some 10^-5 of the largest gradient: one may be a small difference of large ones.
      const most = Math.max(...gradients.map((gradient) => distance(gradient, gradient)[1]));
      for (const [i, gradient] of gradients.entries())
        compare(`gradient ${i}`, gradient, theirs.gradients[i] as Float32Array, 2 ** -22 + 2e-5 * most);
      // What 20 steps of this size make of rounding: some tenfold of a gradient's, summed up.
      compare('losses of 20 steps', losses, theirs.losses, 1e-4);
      compare('predictions', predictions, theirs.predictions, 1e-4);
      compare('loss of evaluate', tested.slice(0, 1), theirs.tested.slice(0, 1), 1e-4);
      // Samples whose classes are all but level may change sides: one of 16.
      compare('accuracy of evaluate', tested.slice(1), theirs.tested.slice(1), 1 / 16 + 1e-6);
    }
  });
});

it('goes on where the other backend stopped: weights, optimizer and a checkpoint of it', async () => {
  const net = nets['the seed CNN'] as Net;
  const { x, y } = dataOf(net, 16);
  const steps = async (model: tf.LayersModel, count: number) => {
    for (let i = 0; i < count; i++) await model.trainOnBatch(x, y);
  };
  const url = `file://${folder}`;
  const model = build(net, tf.train.adam(0.001));
  await steps(model, 3);
  await model.save(url, { includeOptimizer: true });
  await steps(model, 3);
  const natively = valuesOf(model.getWeights()).map((values) => values.slice());
  for (const first of ['tensorflow', 'native'] as const) {
    const other = first === 'native' ? 'tensorflow' : 'native';
    await tf.useBackend(first);
    const loaded = await tf.loadLayersModel(`${url}/model.json`);
    loaded.compile({ optimizer: loaded.optimizer, loss: net.loss, metrics: net.metrics ?? [] });
    await steps(loaded, 1);
    // The same model, its variables and its optimizer's move over.
    await tf.useBackend(other);
    await steps(loaded, 2);
    for (const [i, values] of valuesOf(loaded.getWeights()).entries())
      expect(distance(values, natively[i] as Float32Array)[0]).toBeLessThanOrEqual(1e-3);
    const predicted: Float32Array[] = [];
    for (const backend of ['native', 'tensorflow'] as const) {
      await tf.useBackend(backend);
      predicted.push((loaded.predict(x) as tf.Tensor).dataSync() as Float32Array);
    }
    expect(distance(predicted[0] as Float32Array, predicted[1] as Float32Array)[0]).toBeLessThanOrEqual(1e-5);
    await tf.useBackend('native');
  }
});

it('draws the weights and the order of a seed as natively', async () => {
  const losses: number[][] = [];
  for (const backend of ['native', 'tensorflow'] as const) {
    await tf.useBackend(backend);
    tf.setSeed(3);
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 16, activation: 'tanh', inputShape: [10] }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    const [x, y] = [tf.randomNormal([100, 10]), tf.randomUniform([100, 3])];
    const { history } = await model.fit(x, y, { epochs: 4, batchSize: 16, verbose: 0 });
    losses.push(history['loss'] as number[]);
  }
  expect(distance(losses[0] as number[], losses[1] as number[])[0]).toBeLessThanOrEqual(1e-5);
});

it('the CLI trains with it, and says why it cannot with a GPU that is not there', async () => {
  const cli = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
      execFile(
        process.execPath,
        [join(root, 'dist/cli/main.js'), ...args],
        { env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } },
        (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), stdout, stderr }),
      );
    });
  const told = await cli('info', '--backend', 'tensorflow', '--json');
  const { backend, tensorflow } = JSON.parse(told.stdout) as tf.Info;
  expect(backend).toBe('tensorflow');
  expect(told.stderr).toBe('');
  if (tensorflow?.gpu) return;
  const refused = await cli('info', '--require-gpu');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('a GPU is required');
});

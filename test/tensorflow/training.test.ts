/**
 * Whole trainings of the seed CNN and of an MLP on MNIST: test accuracies on `native` and on `tensorflow`, of the same seeds.
 * `IMAGES=60000 EPOCHS=5` are those of `tfjs-native train mnist-cnn`, some fifteen minutes of TensorFlow.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'tfjs-native';
import { type ImageDataset, type ImageSets, loadMnist, slice } from 'tfjs-native/data';
import { train, type TrainOptions } from 'tfjs-native/train';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { distance } from '../compiler/nets';
import { record } from './report';

const images = Number(process.env['IMAGES'] ?? 6000);
const epochs = Number(process.env['EPOCHS'] ?? 1);
const seeds = [1, 2, 3];
let folder: string;
let data: ImageSets<Uint8Array>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-native-training-'));
  const all = await loadMnist();
  data = { train: slice(all.train, 0, images), test: all.test };
  process.chdir(process.env['TENSORFLOW_PROJECT'] as string);
});
afterAll(async () => {
  await tf.useBackend('native');
  rmSync(folder, { recursive: true });
});

function disposeModel(model: tf.LayersModel): void {
  model.optimizer.dispose();
  model.dispose();
}

async function trainCnn(seed: number): Promise<number> {
  const { model, test, backend } = await train({ data, epochs, seed, out: join(folder, 'model') });
  expect(backend).toBe(tf.getBackend());
  disposeModel(model);
  return test?.accuracy as number;
}

/** The program of somebody who knows of no trainer. */
async function trainMlp(seed: number): Promise<number> {
  const { layers } = tf;
  tf.setSeed(seed);
  const model = tf.sequential({
    layers: [
      layers.flatten({ inputShape: [28, 28] }),
      layers.dense({ units: 128, activation: 'relu' }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  const tensors = (set: ImageDataset<Uint8Array>): [tf.Tensor, tf.Tensor] => [
    tf.div(tf.tensor(Float32Array.from(set.images), [set.count, 28, 28]), 255),
    tf.tensor1d(Float32Array.from(set.labels)),
  ];
  const [[x, y], [testX, testY]] = [tensors(data.train), tensors(data.test)];
  await model.fit(x, y, { epochs, verbose: 0 });
  const [, accuracy] = model.evaluate(testX, testY) as [tf.Scalar, tf.Scalar];
  const reached = accuracy.dataSync()[0] as number;
  disposeModel(model);
  tf.dispose([x, y, testX, testY]);
  return reached;
}

it.each([
  ['native', 'tensorflow'],
  ['tensorflow', 'native'],
] as const)('a training that was stopped on %s goes on on %s', async (first, second) => {
  const small = { train: slice(data.train, 0, 400), test: slice(data.test, 0, 100) };
  const settings = { epochs: 2, batch: 16, optimizer: 'sgd', momentum: 0.9, learningRate: 0.01 } as const;
  /** The losses of its steps. */
  async function run(backend: 'native' | 'tensorflow', out: string, options: TrainOptions, stop = Infinity) {
    await tf.useBackend(backend);
    const controller = new AbortController();
    const losses: number[] = [];
    const { model, steps, ...rest } = await train({
      data: small,
      out,
      ...options,
      signal: controller.signal,
      onEvent: (event) => {
        if (event.event === 'step' && losses.push(event.loss) === stop) controller.abort();
      },
    });
    expect(rest.backend).toBe(backend);
    const weights = model.getWeights().map((weight) => weight.dataSync().slice() as Float32Array);
    disposeModel(model);
    return { steps, losses, weights };
  }
  const whole = await run(first, join(folder, 'whole'), settings);
  const out = join(folder, `parts-${first}`);
  const begun = await run(first, out, settings, 30);
  const ended = await run(second, out, { resume: true });
  expect([begun.steps, ended.steps, whole.steps]).toEqual([30, 46, 46]);
  const apart = (one: readonly Float32Array[], other: readonly Float32Array[]) =>
    Math.max(...one.map((values, i) => distance(values, other[i] as Float32Array)[0]));
  // What the weights go in the steps after the stop. Without the optimizer's state they end a quarter of that apart; rounding
  // (2^-24 in each of some thousand terms of a gradient's sums, and what is then on the other side of a relu) is far less.
  const way = apart(begun.weights, whole.weights);
  console.log(`way ${way}, apart ${apart(ended.weights, whole.weights)}`);
  expect(apart(ended.weights, whole.weights)).toBeLessThan(0.01 * way);
  [...begun.losses, ...ended.losses].forEach((loss, i) => {
    expect(Math.abs(loss / (whole.losses[i] as number) - 1)).toBeLessThan(0.01);
  });
  await tf.useBackend(second);
  const other = train({ data: small, out, resume: true, optimizer: 'adam' });
  await expect(other).rejects.toThrow('optimizer was "sgd" and is "adam" now');
});

it.each([
  ['the seed CNN', trainCnn],
  ['an MLP', trainMlp],
])(`%s: ${images} images, ${epochs} epochs`, { timeout: 3_600_000 }, async (name, trained) => {
  const accuracies: Record<string, number[]> = { native: [], tensorflow: [] };
  for (const backend of ['native', 'tensorflow'] as const) {
    await tf.useBackend(backend);
    for (const seed of seeds) accuracies[backend]?.push(await trained(seed));
  }
  console.log(name, JSON.stringify(accuracies));
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b) / list.length;
  const [native, tensorflow] = [accuracies['native'], accuracies['tensorflow']] as [number[], number[]];
  // Rounding makes trainings of one seed part ways, as other seeds do: three standard errors of a share of the test images,
  // of the difference of two means.
  const miss = 1 - mean(tensorflow);
  const deviation = Math.sqrt((miss * (1 - miss)) / data.test.count);
  const bound = 3 * deviation * Math.sqrt(2);
  const difference = Math.abs(mean(native) - mean(tensorflow));
  const what = 'mean test accuracy of 3 seeds';
  record({ subject: `${name}, trained`, what, sides: 'native, tensorflow', difference, bound });
  expect(difference).toBeLessThanOrEqual(bound);
});

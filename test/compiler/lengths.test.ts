/** Models that leave lengths to the data, `inputShape: [null, 3]`: compiled for what the data has. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { conv, dense, distance, forceEager, normal, reseed, valuesOf } from './nets';

const { layers } = tf;
type Layers = () => tf.layers.Layer[];

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const kernels = () => ({ kernelInitializer: normal(), recurrentInitializer: normal() });
const end = () => dense(2, { activation: 'linear' });

const nets: Record<string, { input: (number | null)[]; words?: number; layers: Layers }> = {
  sequences: {
    input: [null, 3],
    layers: () => [
      layers.lstm({ units: 5, returnSequences: true, ...kernels() }),
      layers.globalAveragePooling1d({}),
      end(),
    ],
  },
  'words with a mask': {
    input: [null],
    words: 10,
    layers: () => [
      layers.embedding({ inputDim: 10, outputDim: 4, maskZero: true, embeddingsInitializer: normal() }),
      layers.bidirectional({ layer: layers.gru({ units: 4, ...kernels() }) as tf.RNN, mergeMode: 'concat' }),
      end(),
    ],
  },
  'convolutions of sequences': {
    input: [null, 3],
    layers: () => [
      layers.conv1d({ filters: 4, kernelSize: 3, activation: 'tanh', kernelInitializer: normal() }),
      layers.maxPooling1d({ poolSize: 2 }),
      layers.batchNormalization(),
      layers.globalMaxPooling1d({}),
      end(),
    ],
  },
  'images of any size': {
    input: [null, null, 3],
    layers: () => [conv(4), layers.maxPooling2d({ poolSize: 2 }), layers.globalAveragePooling2d({}), end()],
  },
  'all steps': {
    input: [null, 3],
    layers: () => [
      layers.simpleRNN({ units: 4, returnSequences: true, ...kernels() }),
      layers.timeDistributed({ layer: dense(2, { activation: 'linear' }) }) as tf.layers.Layer,
    ],
  },
};

function build(name: string): tf.LayersModel {
  const { input, layers: make } = nets[name] as (typeof nets)[string];
  reseed();
  const model = tf.sequential({ layers: [layers.inputLayer({ inputShape: input as number[] }), ...make()] });
  model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError', metrics: ['mae'] });
  return model;
}

/** Six samples of this length. */
function dataOf(name: string, length: number): { x: tf.Tensor; y: tf.Tensor } {
  const { input, words } = nets[name] as (typeof nets)[string];
  const shape = [6, ...input.map((size, i) => size ?? length + i)];
  const x = words
    ? tf.floor(tf.randomUniform(shape, 0, words, 'float32', length))
    : tf.randomNormal(shape, 0, 1, 'float32', length);
  const out = name === 'all steps' ? [6, length, 2] : [6, 2];
  return { x, y: tf.randomNormal(out, 0, 1, 'float32', length + 1) };
}

/** Everything that comes out of training and testing on data of one length after another. */
async function run(model: tf.LayersModel, name: string): Promise<number[]> {
  const all: number[] = [];
  for (const length of [9, 12, 9, 5]) {
    const { x, y } = dataOf(name, length);
    const { history } = await model.fit(x, y, { epochs: 2, batchSize: 4, shuffle: false, verbose: 0 });
    all.push(...(history['loss'] as number[]), ...((await model.trainOnBatch(x, y)) as number[]));
    all.push(...(model.predict(x) as tf.Tensor).dataSync());
    all.push(...(model.evaluate(x, y) as tf.Scalar[]).map((value) => value.dataSync()[0] as number));
  }
  return [...all, ...valuesOf(model.getWeights()).flatMap((values) => Array.from(values))];
}

describe.each(Object.keys(nets))('%s', (name) => {
  it('train, predict and evaluate as op by op, also after a change of length', async () => {
    const [compiled, eager] = [build(name), build(name)];
    forceEager(eager);
    expect(tf.explain(compiled)).not.toMatch(/^Trains op by op/);
    const [ours, theirs] = [await run(compiled, name), await run(eager, name)];
    expect(ours.length).toBe(theirs.length);
    // Sums of some hundred terms, through a dozen steps.
    const [difference, size] = distance(ours, theirs);
    expect(difference).toBeLessThanOrEqual(2e-5 * Math.max(1, size));
    expect(console.warn).toHaveBeenCalledTimes(1); // Of the eager one.
  });
});

it('fitDataset takes batches of different lengths', async () => {
  const name = 'sequences';
  const batches = [4, 7, 4, 9].map((length) => {
    const { x, y } = dataOf(name, length);
    return { xs: x, ys: y };
  });
  const losses: number[][] = [];
  for (const eager of [false, true]) {
    const model = build(name);
    if (eager) forceEager(model);
    const { history } = await model.fitDataset(tf.data.array(batches), { epochs: 3, verbose: 0 });
    losses.push(history['loss'] as number[]);
  }
  expect(distance(losses[0] as number[], losses[1] as number[])[0]).toBeLessThanOrEqual(2e-5);
});

it('says which lengths it assumes before there are data', async () => {
  const model = build('sequences');
  expect(tf.explain(model).split('\n')[0]).toBe(
    'Compiled for the lengths of the data; here for an input of shape [16,3]:',
  );
  const { x, y } = dataOf('sequences', 7);
  await model.trainOnBatch(x, y);
  expect(tf.explain(model).split('\n')[0]).toMatch(/of shape \[7,3\]:$/);
});

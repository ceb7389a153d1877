/** Compiled training with layers of images and sequences, and with normalisation, against eager training. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { fuse } from '../../dist/compiler/fuse.js';
import { lowerInference } from '../../dist/compiler/lower.js';
import { trace } from '../../dist/compiler/trace.js';
import { agrees } from './agreement';
import { build, conv, dataOf, dense, distance, forceEager, type Net, normal, valuesOf } from './nets';

const { layers } = tf;

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const labels = { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], target: [1], classes: 5 };
const softmax = () => dense(5, { activation: 'softmax' });
const head = () => [layers.flatten(), softmax()];

const nets: Readonly<Record<string, Net>> = {
  'batch normalisation behind convolutions': {
    ...labels,
    input: [10, 9, 3],
    layers: () => [
      conv(16, { padding: 'same', activation: 'linear', useBias: false }),
      layers.batchNormalization({ momentum: 0.8 }),
      layers.reLU(),
      conv(7, { strides: 2, activation: 'linear' }),
      layers.batchNormalization({ epsilon: 0.01, axis: 3, gammaRegularizer: 'l1l2' }),
      layers.activation({ activation: 'tanh' }),
      ...head(),
    ],
  },
  'batch normalisation of rows, of inputs, without scale or offset': {
    ...labels,
    input: [20],
    layers: () => [
      layers.batchNormalization(),
      dense(17),
      layers.batchNormalization({ scale: false }),
      layers.activation({ activation: 'sigmoid' }),
      layers.reshape({ targetShape: [17, 1] }),
      layers.batchNormalization({ center: false, scale: false }),
      layers.flatten(),
      layers.batchNormalization({ center: false }),
      softmax(),
    ],
  },
  'batch normalisation of few rows a sample, with other activations': {
    ...labels,
    input: [5, 4, 3],
    layers: () => [
      conv(70, { activation: 'linear' }),
      layers.batchNormalization({ scale: false }),
      layers.activation({ activation: 'elu' }),
      conv(6, { kernelSize: [2, 1], activation: 'relu' }),
      layers.batchNormalization({ center: false }),
      layers.reLU(),
      ...head(),
    ],
  },
  'batch normalisation of all channels of a large filter': {
    ...labels,
    input: [7, 7, 2],
    layers: () => [
      conv(150, { activation: 'linear' }),
      layers.batchNormalization(),
      layers.reLU(),
      conv(140, { kernelSize: 2, activation: 'linear' }),
      layers.batchNormalization({ center: false, scale: false }),
      layers.reLU(),
      layers.globalAveragePooling2d({}),
      softmax(),
    ],
  },
  'normalisation of other dimensions than the last': {
    ...labels,
    input: [6, 5, 4],
    layers: () => [
      layers.layerNormalization({ axis: 1 }),
      conv(3, { activation: 'tanh' }),
      layers.layerNormalization({ axis: [1, 3], epsilon: 0.01 }),
      layers.layerNormalization({ axis: [2, 1], gammaInitializer: normal() }),
      ...head(),
    ],
  },
  'layer normalisation': {
    ...labels,
    input: [6, 5, 4],
    layers: () => [
      layers.layerNormalization({ epsilon: 0.01, gammaRegularizer: 'l1l2' }),
      conv(7),
      layers.layerNormalization({ axis: [2, 3] }),
      layers.layerNormalization({ axis: [1, 2, 3] }),
      layers.flatten(),
      dense(19),
      layers.layerNormalization(),
      softmax(),
    ],
  },
  'pooling over all of an image': {
    ...labels,
    input: [9, 8, 2],
    layers: () => [conv(6), layers.globalAveragePooling2d({}), softmax()],
  },
  'the largest of an image, with ties': {
    ...labels,
    input: [9, 8, 2],
    layers: () => [conv(6), layers.globalMaxPooling2d({}), softmax()],
  },
  'pooling of sequences': {
    ...labels,
    input: [21, 6],
    layers: () => [
      dense(8, { activation: 'tanh' }),
      layers.maxPooling1d({ poolSize: 3, strides: 2, padding: 'same' }),
      layers.averagePooling1d({ poolSize: 2, strides: 1, padding: 'valid' }),
      dense(7),
      layers.globalAveragePooling1d(),
      softmax(),
    ],
  },
  'the largest of a sequence': {
    ...labels,
    input: [11, 6],
    layers: () => [dense(8, { activation: 'relu' }), layers.globalMaxPooling1d(), softmax()],
  },
  'convolutions of sequences': {
    ...labels,
    input: [23, 3],
    layers: () => [
      layers.conv1d({ filters: 8, kernelSize: 3, activation: 'relu', kernelInitializer: normal() }),
      layers.conv1d({
        filters: 5,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        kernelRegularizer: 'l1l2',
        kernelInitializer: normal(),
      }),
      layers.activation({ activation: 'tanh' }),
      layers.conv1d({
        filters: 6,
        kernelSize: [3],
        useBias: false,
        kernelInitializer: normal(),
      }),
      ...head(),
    ],
  },
  'depthwise convolutions': {
    ...labels,
    input: [11, 10, 3],
    layers: () => [
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, depthwiseInitializer: normal() }),
      layers.reLU(),
      layers.depthwiseConv2d({
        kernelSize: [2, 3],
        strides: [2, 2],
        padding: 'same',
        activation: 'tanh',
        useBias: false,
        depthwiseInitializer: normal(),
        depthwiseRegularizer: 'l1l2',
      }),
      ...head(),
    ],
  },
  'separable convolutions': {
    ...labels,
    input: [12, 11, 2],
    layers: () => [
      layers.separableConv2d({
        filters: 7,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        depthwiseInitializer: normal(),
        pointwiseRegularizer: 'l1l2',
      }),
      layers.separableConv2d({
        filters: 9,
        kernelSize: 3,
        depthMultiplier: 3,
        strides: [2, 2],
        useBias: false,
        depthwiseInitializer: normal(),
      }),
      ...head(),
    ],
  },
  'transposed convolutions': {
    ...labels,
    input: [5, 4, 3],
    layers: () => [
      layers.conv2dTranspose({
        filters: 6,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        activation: 'relu',
        kernelInitializer: normal(),
      }),
      layers.conv2dTranspose({
        filters: 4,
        kernelSize: [2, 3],
        strides: [3, 2],
        useBias: false,
        kernelInitializer: normal(),
      }),
      layers.conv2dTranspose({ filters: 3, kernelSize: 3, activation: 'tanh', kernelInitializer: normal() }),
      ...head(),
    ],
  },
  'margins and sizes of images': {
    ...labels,
    input: [7, 6, 2],
    layers: () => [
      conv(3, { padding: 'same' }),
      layers.zeroPadding2d({
        padding: [
          [1, 2],
          [0, 3],
        ],
      }),
      layers.upSampling2d({ size: [2, 3] }),
      conv(5, { strides: 2 }),
      layers.cropping2D({
        cropping: [
          [0, 1],
          [2, 1],
        ],
      }),
      layers.upSampling2d({ size: [3, 2], interpolation: 'bilinear' }),
      ...head(),
    ],
  },
};

describe.each(Object.entries(nets))('%s', (_, net) => agrees(net));

it('says how each layer runs', () => {
  const net: Net = {
    ...labels,
    input: [20, 20, 3],
    layers: () => [
      conv(4, { activation: 'linear' }),
      layers.batchNormalization({ name: 'norm' }),
      layers.reLU({ name: 'relu' }),
      layers.depthwiseConv2d({ kernelSize: 3, name: 'depthwise' }),
      layers.globalAveragePooling2d({ name: 'mean' }),
      layers.batchNormalization({ name: 'rows' }),
      softmax(),
    ],
  };
  const lines = tf.explain(build(net, tf.train.adam())).split('\n');
  expect(lines).toContain(
    'norm + relu: BatchNormMoments, BatchNormStatistics, BatchNormApply, with relu (fused); a few samples at a time, in cache, but for sums over the batch',
  );
  expect(lines).toContain('depthwise: FusedDepthwiseConv2D; a few samples at a time, in cache');
  expect(lines).toContain('rows: FusedBatchNormTraining; the whole batch at once');
});

it('gives equal bits at any number of threads, with values computed again', async () => {
  const { threads } = tf.info();
  const net = nets['batch normalisation behind convolutions'] as Net;
  const runs: Float32Array[][] = [];
  for (const count of [1, 2, 3]) {
    tf.setThreads(count);
    const model = build(net, tf.train.adam(0.01));
    const { x, y } = dataOf(net, 21);
    await model.fit(x, y, { batchSize: 10, epochs: 2, shuffle: false, verbose: 0 });
    runs.push(valuesOf(model.getWeights()));
  }
  tf.setThreads(threads);
  for (const run of runs) expect(run).toEqual(runs[0]);
});

it('leaves moving averages as they were when the loss is not finite', async () => {
  const net = nets['batch normalisation behind convolutions'] as Net;
  const model = build(net, tf.train.sgd(0.1));
  const { x, y } = dataOf(net, 8);
  await model.trainOnBatch(x, y);
  const before = valuesOf(model.getWeights());
  await expect(model.trainOnBatch(x.mul(Number.NaN), y)).rejects.toThrow(/NaN or infinite/);
  expect(valuesOf(model.getWeights())).toEqual(before);
});

it('moves the averages of a frozen normalisation, as upstream does', async () => {
  const net = nets['batch normalisation behind convolutions'] as Net;
  const trained = [false, true].map((eager) => {
    const model = build(net, tf.train.sgd(0.1));
    for (const layer of model.layers) layer.trainable = layer.getClassName() !== 'BatchNormalization';
    model.compile({ optimizer: tf.train.sgd(0.1), loss: net.loss });
    if (eager) forceEager(model);
    return model;
  });
  const { x, y } = dataOf(net, 8);
  for (const model of trained) await model.trainOnBatch(x, y);
  const [compiled, eager] = trained.map((model) => valuesOf(model.getWeights())) as [
    Float32Array[],
    Float32Array[],
  ];
  for (const [i, weight] of compiled.entries()) {
    const [difference, size] = distance(weight, eager[i] as Float32Array);
    expect(difference).toBeLessThanOrEqual(2 ** -22 + 2e-5 * size);
  }
});

// Upstream has no gradient of dilated convolutions.
it('trains a dilated convolution as one whose filter has zeros between', async () => {
  const [taps, filters, channels] = [3, 4, 2];
  const make = (kernelSize: number, dilationRate: number): tf.Sequential => {
    const model = tf.sequential({
      layers: [
        layers.conv1d({ filters, kernelSize, dilationRate, useBias: false, inputShape: [12, channels] }),
        layers.flatten(),
        layers.dense({ units: 1, kernelInitializer: 'ones' }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(1), loss: 'meanSquaredError' });
    return model;
  };
  const [dilated, spread] = [make(taps, 2), make(2 * taps - 1, 1)];
  const kernel = tf.randomNormal([taps, channels, filters], 0, 1, 'float32', 3);
  dilated.layers[0]?.setWeights([kernel]);
  const zeros = tf.zeros([1, channels, filters]);
  const rows = tf.split(kernel, taps);
  spread.layers[0]?.setWeights([tf.concat(rows.flatMap((row, i) => (i === 0 ? [row] : [zeros, row])))]);
  const x = tf.randomNormal([5, 12, channels], 0, 1, 'float32', 4);
  const y = tf.randomNormal([5, 1], 0, 1, 'float32', 5);
  expect(tf.explain(dilated)).toContain('FusedConv2D');
  for (const model of [dilated, spread]) await model.trainOnBatch(x, y);
  const [ours, theirs] = [dilated, spread].map((model) => model.getWeights()[0]) as [tf.Tensor, tf.Tensor];
  const size = channels * filters;
  const expected = theirs.dataSync().filter((_, i) => Math.floor(i / size) % 2 === 0);
  const [difference, largest] = distance(ours.dataSync(), expected);
  expect(difference).toBeLessThanOrEqual(2e-5 * largest);
});

// Upstream cannot train these.
it('trains layer normalisation without scale or offset as one where these are 1 and 0', async () => {
  const net: Net = { ...labels, input: [6], layers: () => [] };
  const { x, y } = dataOf(net, 7);
  const trained: Float32Array[] = [];
  for (const without of [{}, { scale: false }, { center: false }]) {
    const model = build(
      { ...net, layers: () => [dense(9), layers.layerNormalization(without), softmax()] },
      tf.train.sgd(1),
    );
    expect(tf.explain(model)).toContain('LayerNorm');
    await model.trainOnBatch(x, y);
    trained.push(model.getWeights()[0]?.dataSync() as Float32Array);
  }
  expect(trained[1]).toEqual(trained[0]);
  expect(trained[2]).toEqual(trained[0]);
});

// Upstream's gradient of batch normalisation fails where the dimension is not the last.
it('normalises another dimension over the batch as after a permutation', async () => {
  const net = (layersOf: () => tf.layers.Layer[]): Net => ({ ...labels, input: [4, 6, 3], layers: layersOf });
  const bn = (axis: number) => layers.batchNormalization({ axis, gammaInitializer: normal() });
  const turn = () => layers.permute({ dims: [3, 2, 1] });
  const [direct, permuted] = await Promise.all(
    [
      net(() => [bn(1), layers.reLU(), ...head()]),
      net(() => [turn(), bn(3), layers.reLU(), turn(), ...head()]),
    ].map(async (each) => {
      const model = build(each, tf.train.sgd(0.1));
      expect(tf.explain(model)).not.toMatch(/^Trains op by op/);
      const { x, y } = dataOf(each, 9);
      for (let step = 0; step < 5; step++) await model.trainOnBatch(x, y);
      return [...valuesOf(model.getWeights()), ...valuesOf([model.predict(x) as tf.Tensor])];
    }),
  );
  for (const [i, values] of (direct as Float32Array[]).entries()) {
    const [difference, size] = distance(values, permuted?.[i] as Float32Array);
    expect(difference).toBeLessThanOrEqual(1e-5 * Math.max(0.1, size));
  }
});

it('predicts with batch normalisations as part of the weights before them', async () => {
  const net: Net = {
    ...labels,
    input: [10, 9, 3],
    layers: () => [
      conv(16, { activation: 'linear', useBias: false }),
      layers.batchNormalization({ gammaInitializer: normal(), betaInitializer: normal(), momentum: 0.5 }),
      layers.reLU(),
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, depthwiseInitializer: normal() }),
      layers.batchNormalization({ scale: false, epsilon: 0.01, momentum: 0.5 }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      dense(8),
      layers.batchNormalization({ center: false, momentum: 0.5 }),
      layers.activation({ activation: 'tanh' }),
      dense(6, { activation: 'linear' }),
      // The second stays an op of its own.
      layers.batchNormalization({ gammaInitializer: normal(), momentum: 0.5 }),
      layers.batchNormalization({ gammaInitializer: normal(), momentum: 0.5 }),
      softmax(),
    ],
  };
  const model = build(net, tf.train.sgd(0.1));
  const { calls } = lowerInference(fuse(trace(model))).tape as { calls: { op: string }[] };
  expect(calls.filter(({ op }) => op === 'FusedBatchNorm').length).toBe(1);
  const { x, y } = dataOf(net, 40);
  // The averages move away from 0 and 1.
  await model.fit(x, y, { batchSize: 8, epochs: 3, verbose: 0 });
  const compiled = (model.predict(x) as tf.Tensor).dataSync();
  forceEager(model);
  const [difference] = distance(compiled, (model.predict(x) as tf.Tensor).dataSync());
  // Three layers of sums of up to 400 terms, in probabilities.
  expect(difference).toBeLessThanOrEqual(1e-5);
});

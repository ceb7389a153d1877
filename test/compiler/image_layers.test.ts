/** Compiled training with layers of images and sequences, and with normalisation, against eager training. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { agrees } from './agreement';
import { build, conv, dataOf, dense, distance, forceEager, type Net, valuesOf } from './nets';

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
};

describe.each(Object.entries(nets))('%s', (_, net) => agrees(net));

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

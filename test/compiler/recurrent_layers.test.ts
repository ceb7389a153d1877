/** Compiled training of recurrent layers against eager training. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { data } from '../upstream/fit-like-cpu';
import { agrees } from './agreement';
import { agreeAsGraphs, type Graph, labels as classes, on, rows, type Symbolic } from './graph';
import { conv, dense, type Net, normal } from './nets';

const { layers } = tf;

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const labels = { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], target: [1], classes: 5 };
const softmax = () => dense(5, { activation: 'softmax' });
const init = () => ({
  kernelInitializer: normal(),
  recurrentInitializer: normal(),
  biasInitializer: normal(),
});
type Wrapped = Parameters<typeof layers.bidirectional>[0];
const both = (layer: tf.RNN, mergeMode?: Wrapped['mergeMode']) =>
  layers.bidirectional({ layer, mergeMode } as Wrapped);

const nets: Readonly<Record<string, Net>> = {
  'LSTM with the usual activations': {
    ...labels,
    input: [7, 3],
    layers: () => [layers.lstm({ units: 9, recurrentActivation: 'sigmoid', ...init() }), softmax()],
  },
  'LSTMs behind each other, one backwards': {
    ...labels,
    input: [6, 4],
    layers: () => [
      layers.lstm({ units: 5, returnSequences: true, ...init() }),
      layers.activation({ activation: 'tanh' }),
      layers.lstm({ units: 4, returnSequences: true, goBackwards: true, activation: 'softsign', ...init() }),
      layers.lstm({ units: 17, useBias: false, activation: 'elu', ...init() }),
      softmax(),
    ],
  },
  'LSTM with a unit forget bias, constraints and regularizers': {
    ...labels,
    input: [5, 6],
    layers: () => [
      layers.lstm({
        units: 6,
        kernelInitializer: normal(),
        recurrentInitializer: normal(),
        unitForgetBias: true,
        kernelConstraint: 'unitNorm',
        recurrentConstraint: tf.constraints.maxNorm({ maxValue: 0.5 }),
        kernelRegularizer: 'l1l2',
        implementation: 2,
      }),
      softmax(),
    ],
  },
  GRUs: {
    ...labels,
    input: [6, 5],
    layers: () => [
      layers.gru({ units: 8, returnSequences: true, ...init() }),
      layers.gru({ units: 7, recurrentActivation: 'sigmoid', goBackwards: true, useBias: false, ...init() }),
      softmax(),
    ],
  },
  SimpleRNNs: {
    ...labels,
    input: [6, 5],
    layers: () => [
      layers.simpleRNN({ units: 8, returnSequences: true, ...init() }),
      layers.simpleRNN({ units: 3, returnSequences: true, activation: 'relu', goBackwards: true, ...init() }),
      layers.simpleRNN({ units: 17, activation: 'linear', ...init() }),
      softmax(),
    ],
  },
  'RNN over a cell': {
    ...labels,
    input: [6, 5],
    layers: () => [
      layers.rnn({ cell: layers.gruCell({ units: 6, ...init() }), returnSequences: true }) as tf.RNN,
      layers.rnn({ cell: layers.lstmCell({ units: 4, activation: 'sigmoid', ...init() }) }) as tf.RNN,
      softmax(),
    ],
  },
  Embedding: {
    ...labels,
    input: [6],
    words: 30,
    layers: () => [
      layers.embedding({
        inputDim: 30,
        outputDim: 7,
        embeddingsInitializer: normal(),
        embeddingsConstraint: tf.constraints.maxNorm({ maxValue: 0.6, axis: 1 }),
      }),
      layers.conv1d({ filters: 6, kernelSize: 3, activation: 'relu', kernelInitializer: normal() }),
      layers.globalMaxPooling1d(),
      softmax(),
    ],
  },
  'Bidirectional, in sequences': {
    ...labels,
    input: [6, 5],
    layers: () => [
      both(layers.lstm({ units: 4, returnSequences: true, ...init() }) as tf.RNN),
      both(layers.gru({ units: 5, returnSequences: true, ...init() }) as tf.RNN, 'ave'),
      both(layers.simpleRNN({ units: 3, returnSequences: true, ...init() }) as tf.RNN, 'mul'),
      both(layers.lstm({ units: 3, ...init() }) as tf.RNN, 'sum'),
      softmax(),
    ],
  },
};

const sequence = (steps: number, features: number) => tf.input({ shape: [steps, features] });
/** Steps of some samples are all `value`. */
const padded = (steps: number, features: number, value: number) =>
  tf.tidy(() => {
    const pads = tf.tensor(
      Array.from({ length: rows * steps }, (_, i) => Number(i % 7 === 3 || i % 11 === 0)),
      [rows, steps, 1],
    );
    return tf.add(tf.mul(data([rows, steps, features], 4), tf.sub(1, pads)), tf.mul(pads, value));
  });

const graphs: Readonly<Record<string, Graph>> = {
  'an encoder whose states a decoder begins with': {
    model() {
      const [a, b] = [sequence(5, 3), sequence(4, 2)];
      const encoder = layers.lstm({ units: 6, returnState: true, ...init() });
      const [, h, c] = encoder.apply(a) as Symbolic[];
      const decoder = layers.lstm({ units: 6, returnSequences: true, ...init() });
      const decoded = decoder.apply(b, { initialState: [h as Symbolic, c as Symbolic] }) as Symbolic;
      return tf.model({ inputs: [a, b], outputs: on(dense(2), decoded) });
    },
    x: () => [data([rows, 5, 3], 1), data([rows, 4, 2], 2)],
    y: () => data([rows, 4, 2], 3),
    args: { loss: 'meanSquaredError' },
  },
  'states as outputs, of a GRU and in both directions': {
    model() {
      const x = sequence(5, 3);
      const [y, h] = layers
        .gru({ units: 4, returnSequences: true, returnState: true, ...init() })
        .apply(x) as Symbolic[];
      const bidirectional = both(layers.lstm({ units: 2, returnState: true, ...init() }) as tf.RNN);
      const [z, ...states] = bidirectional.apply(y as Symbolic) as Symbolic[];
      const joined = on(layers.concatenate(), [h as Symbolic, z as Symbolic, states[1] as Symbolic]);
      return tf.model({ inputs: x, outputs: [on(dense(3), joined), on(dense(3), states[2] as Symbolic)] });
    },
    x: () => data([rows, 5, 3], 1),
    y: () => [data([rows, 3], 3), data([rows, 3], 4)],
    args: { loss: 'meanSquaredError' },
  },
  'both directions apart': {
    model() {
      const x = sequence(5, 3);
      const apart = both(layers.gru({ units: 4, returnSequences: true, ...init() }) as tf.RNN, null as never);
      const [y, back] = apart.apply(x) as Symbolic[];
      const ends = [y, back].map((each) => on(layers.globalMaxPooling1d(), each as Symbolic));
      return tf.model({ inputs: x, outputs: on(dense(2), on(layers.concatenate(), ends)) });
    },
    x: () => data([rows, 5, 3], 1),
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
  },
  'steps that do not count': {
    model() {
      const x = sequence(6, 3);
      const masked = on(layers.masking({ maskValue: 0.5 }), x);
      const hidden = on(layers.dropout({ rate: 0 }), on(dense(4, { activation: 'tanh' }), masked));
      const first = on(layers.lstm({ units: 5, returnSequences: true, ...init() }), hidden);
      const turned = on(both(layers.gru({ units: 3, returnSequences: true, ...init() }) as tf.RNN), first);
      const last = on(layers.simpleRNN({ units: 4, goBackwards: true, ...init() }), turned);
      return tf.model({ inputs: x, outputs: on(dense(2), last) });
    },
    x: () => padded(6, 3, 0.5),
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
  },
  'words that do not count': {
    model() {
      const x = tf.input({ shape: [6] });
      const embedding = layers.embedding({
        inputDim: 7,
        outputDim: 5,
        maskZero: true,
        embeddingsInitializer: normal(),
        embeddingsRegularizer: tf.regularizers.l2({ l2: 0.01 }),
      });
      const last = on(layers.gru({ units: 4, ...init() }), on(embedding, x));
      return tf.model({ inputs: x, outputs: on(dense(3, { activation: 'softmax' }), last) });
    },
    x: () =>
      tf.tensor(
        Array.from({ length: rows * 6 }, (_, i) => (i * i) % 7),
        [rows, 6],
      ),
    y: () => classes(3),
    args: { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] },
  },
  'words as whole numbers, embedded twice': {
    model() {
      const [a, b] = [0, 1].map(() => tf.input({ shape: [3, 2], dtype: 'int32' })) as [Symbolic, Symbolic];
      const shared = layers.embedding({ inputDim: 20, outputDim: 4, embeddingsInitializer: normal() });
      const [left, right] = [a, b].map((each) => on(layers.flatten(), on(shared, each)));
      const dot = on(layers.dot({ axes: 1, normalize: true }), [left as Symbolic, right as Symbolic]);
      return tf.model({ inputs: [a, b], outputs: dot });
    },
    x: () =>
      [3, 5].map((k) =>
        tf.tensor(
          Array.from({ length: rows * 6 }, (_, i) => (i * k) % 20),
          [rows, 3, 2],
          'int32',
        ),
      ),
    y: () => data([rows, 1], 3),
    args: { loss: 'meanSquaredError' },
  },
  'attention: products of matrices over each pair of axes': {
    model() {
      const [a, b] = [sequence(4, 3), sequence(5, 3)];
      const scores = on(layers.dot({ axes: [2, 2] }), [on(dense(3), a), b]);
      const weights = on(layers.activation({ activation: 'softmax' }), scores);
      const read = on(layers.dot({ axes: [2, 1] }), [weights, on(dense(2), b)]);
      const other = on(layers.dot({ axes: [1, 1], normalize: true }), [read, on(dense(4), a)]);
      const turned = on(layers.dot({ axes: [1, 2], normalize: true }), [other, read]);
      const vector = on(layers.globalAveragePooling1d(), a);
      const column = on(layers.dot({ axes: [2, 1] }), [b, on(dense(3), vector)]);
      const row = on(layers.dot({ axes: [1, 2] }), [vector, on(dense(3), b)]);
      const ends = [on(layers.flatten(), turned), column, row];
      return tf.model({ inputs: [a, b], outputs: on(dense(2), on(layers.concatenate(), ends)) });
    },
    x: () => [data([rows, 4, 3], 1), data([rows, 5, 3], 2)],
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
  },
  'layers on each step': {
    model() {
      const x = tf.input({ shape: [3, 6, 6, 2] });
      const on_each = (layer: tf.layers.Layer, from: Symbolic) => on(layers.timeDistributed({ layer }), from);
      const images = on_each(layers.maxPooling2d({ poolSize: 2 }), on_each(conv(5), x));
      const normal = on_each(layers.layerNormalization(), images);
      const rowsOf = on_each(layers.reshape({ targetShape: [2, 10] }), normal);
      const steps = on_each(layers.averagePooling1d({ poolSize: 2, strides: 1 }), rowsOf);
      const flat = on_each(layers.flatten(), on_each(layers.activation({ activation: 'elu' }), steps));
      const small = on_each(dense(4, { activation: 'tanh' }), flat);
      return tf.model({ inputs: x, outputs: on(dense(2), on(layers.lstm({ units: 3, ...init() }), small)) });
    },
    x: () => data([rows, 3, 6, 6, 2], 1),
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
  },
  'convolutions and pooling of all kinds on each step': {
    model() {
      const x = tf.input({ shape: [2, 6, 6, 2] });
      const on_each = (layer: tf.layers.Layer, from: Symbolic) => on(layers.timeDistributed({ layer }), from);
      const separable = layers.separableConv2d({
        filters: 3,
        kernelSize: 2,
        depthwiseInitializer: normal(),
        pointwiseInitializer: normal(),
      });
      const deep = on_each(layers.depthwiseConv2d({ kernelSize: 2, depthwiseInitializer: normal() }), x);
      const padded = on_each(layers.zeroPadding2d({ padding: 1 }), on_each(separable, deep));
      const larger = on_each(layers.upSampling2d({}), on_each(layers.cropping2D({ cropping: 1 }), padded));
      const turned = on_each(
        layers.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2, kernelInitializer: normal() }),
        larger,
      );
      const pooled = on_each(layers.globalMaxPooling2d({}), on_each(layers.averagePooling2d({}), turned));
      const means = on_each(layers.globalAveragePooling2d({}), larger);
      const ends = [pooled, means].map((each) => on(layers.flatten(), each));
      return tf.model({ inputs: x, outputs: on(dense(2), on(layers.concatenate(), ends)) });
    },
    x: () => data([rows, 2, 6, 6, 2], 1),
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
  },
  'a mask that comes into a model that is a layer': {
    model() {
      const x = sequence(4, 3);
      const inner = tf.sequential({
        layers: [dense(3, { inputShape: [4, 3] }), layers.lstm({ units: 3, ...init() })],
      });
      const last = on(inner, on(layers.masking(), x));
      return tf.model({ inputs: x, outputs: on(dense(2), last) });
    },
    x: () => padded(4, 3, 0),
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
    reason: 'its mask is not that of its input alone',
  },
  'a mask of another branch': {
    model() {
      const [a, b] = [sequence(4, 3), sequence(4, 3)];
      const left = on(layers.lstm({ units: 3, ...init() }), on(layers.masking(), a));
      const right = on(layers.lstm({ units: 3, ...init() }), b);
      return tf.model({ inputs: [a, b], outputs: on(dense(2), on(layers.add(), [right, left])) });
    },
    x: () => [padded(4, 3, 0), data([rows, 4, 3], 2)],
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
    reason: 'its mask is not that of its input alone',
  },
};

agreeAsGraphs(graphs);

for (const [name, net] of Object.entries(nets)) describe(name, () => agrees(net));

describe('dropout, drawn once a sequence', () => {
  const [samples, units] = [256, 64];
  /** The mean square of the last state where 1 goes in at first, and each step hands its state on. */
  async function meanSquare(rates: { dropout?: number; recurrentDropout?: number }): Promise<number> {
    const passing = {
      kernelInitializer: 'identity',
      recurrentInitializer: 'identity',
      useBias: false,
    } as const;
    const model = tf.sequential({
      layers: [
        layers.simpleRNN({ units, activation: 'linear', inputShape: [3, units], ...passing, ...rates }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    expect(tf.explain(model)).not.toMatch(/^Trains op by op/);
    const ones = tf.pad(tf.ones([samples, 1, units]), [
      [0, 0],
      [0, 2],
      [0, 0],
    ]);
    return (await model.trainOnBatch(ones, tf.zeros([samples, units]))) as number;
  }

  // What is kept is doubled by each factor: with a chance of 1/2 its square is 4, 16 after two steps, their means 2 and
  // 8. Of 16,384 draws these have standard deviations of 1/64 and 1/16; five of them.
  it('of inputs', async () => {
    expect(Math.abs((await meanSquare({ dropout: 0.5 })) - 2)).toBeLessThanOrEqual(5 / 64);
  });
  it('of states', async () => {
    expect(Math.abs((await meanSquare({ recurrentDropout: 0.5 })) - 8)).toBeLessThanOrEqual(5 / 16);
  });
  it('of both, in layers that learn', async () => {
    const rates = { dropout: 0.2, recurrentDropout: 0.3 };
    const model = tf.sequential({
      layers: [
        layers.lstm({ units: 8, returnSequences: true, inputShape: [6, 3], ...rates, ...init() }),
        both(layers.gru({ units: 6, ...rates, ...init() }) as tf.RNN),
        dense(1),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    expect(tf.explain(model)).not.toMatch(/^Trains op by op/);
    const x = data([64, 6, 3], 1);
    const { history } = await model.fit(x, tf.sum(x, [1, 2]), { epochs: 60, batchSize: 16, verbose: 0 });
    const losses = history['loss'] as number[];
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 2);
  });
});

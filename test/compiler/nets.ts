/** Small nets of every kind that is compiled, and training them compiled and eagerly. */
import * as tf from 'tfjs-native';
import { generator } from '../upstream/fit-like-cpu';

const { layers } = tf;
type Args<Name extends 'conv2d' | 'dense' | 'maxPooling2d'> = Partial<Parameters<(typeof layers)[Name]>[0]>;

let seeds = 1;
// Small enough for probabilities to stay away from 0 and 1, where upstream clips them.
const init = () => ({
  kernelInitializer: tf.initializers.glorotUniform({ seed: seeds++ }),
  biasInitializer: tf.initializers.randomNormal({ seed: seeds++, stddev: 0.1 }),
});
export const normal = () => tf.initializers.randomNormal({ seed: seeds++, stddev: 0.3 });
export const conv = (filters: number, more: Args<'conv2d'> = {}) =>
  layers.conv2d({ filters, kernelSize: 3, activation: 'relu', ...init(), ...more } as Parameters<
    typeof layers.conv2d
  >[0]);
export const dense = (units: number, more: Args<'dense'> = {}) =>
  layers.dense({ units, ...init(), ...more } as Parameters<typeof layers.dense>[0]);
export const pool = (more: Args<'maxPooling2d'> = {}) =>
  layers.maxPooling2d({ poolSize: 2, ...more } as Parameters<typeof layers.maxPooling2d>[0]);

export interface Net {
  readonly layers: () => tf.layers.Layer[];
  /** Of one sample. */
  readonly input: readonly number[];
  readonly loss: string;
  readonly metrics?: string[];
  /** Of one sample, and what labels are. */
  readonly target: readonly number[];
  readonly classes?: number;
  /** Inputs are whole numbers below this. */
  readonly words?: number;
}

const sparse = { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], target: [1], classes: 5 };
const image = (size: number, channels: number) => ({ input: [size, size, channels], ...sparse });
const head = () => [layers.flatten(), dense(5, { activation: 'softmax' })];

export const nets: Readonly<Record<string, Net>> = {
  'the seed CNN': {
    ...image(28, 1),
    layers: () => [conv(32), pool(), conv(64), pool(), ...head()],
  },
  'padding and strides': {
    ...image(15, 3),
    layers: () => [
      conv(8, { padding: 'same', strides: 2 }),
      conv(17, { padding: 'same', useBias: false }),
      conv(16, { kernelSize: 1, activation: 'elu' }),
      conv(6, { kernelSize: [5, 2], activation: 'tanh' }),
      ...head(),
    ],
  },
  'pooling in all forms': {
    ...image(17, 2),
    layers: () => [
      conv(5, { padding: 'same', activation: 'sigmoid' }),
      pool({ poolSize: 3, strides: 2 }),
      conv(9, { padding: 'same', activation: 'linear' }),
      layers.reLU(),
      pool({ padding: 'same' }),
      layers.averagePooling2d({ poolSize: 3, strides: 1 }),
      layers.averagePooling2d({ poolSize: 2, padding: 'same' }),
      ...head(),
    ],
  },
  'a filter of more than 128 KB': {
    ...image(9, 4),
    layers: () => [conv(64, { padding: 'same' }), conv(72, { padding: 'same' }), conv(70), pool(), ...head()],
  },
  'dense layers, large and small': {
    ...sparse,
    input: [300],
    layers: () => [
      dense(150, { activation: 'relu' }),
      dense(20, { activation: 'tanh' }),
      dense(33, { activation: 'sigmoid', useBias: false }),
      dense(5),
      layers.softmax(),
    ],
  },
  'one-hot labels, dense on rank 3': {
    input: [6, 4],
    loss: 'categoricalCrossentropy',
    metrics: ['acc', 'categoricalAccuracy'],
    target: [5],
    classes: 5,
    layers: () => [
      dense(7, { activation: 'elu' }),
      layers.reshape({ targetShape: [42] }),
      dense(5),
      layers.activation({ activation: 'softmax' }),
    ],
  },
  'crossentropy of probabilities that are no softmax': {
    ...sparse,
    input: [8],
    layers: () => [dense(5, { activation: 'sigmoid' })],
  },
  'binary crossentropy': {
    input: [10],
    loss: 'binaryCrossentropy',
    metrics: ['accuracy'],
    target: [3],
    classes: 2,
    layers: () => [dense(12, { activation: 'relu' }), dense(3, { activation: 'sigmoid' })],
  },
  'mean squared error, with penalties': {
    input: [6, 6, 2],
    loss: 'meanSquaredError',
    target: [4],
    layers: () => [
      conv(8, {
        kernelRegularizer: tf.regularizers.l2({ l2: 0.02 }),
        biasRegularizer: tf.regularizers.l1({ l1: 0.03 }),
      }),
      pool(),
      layers.flatten(),
      dense(4, { kernelRegularizer: tf.regularizers.l1l2({ l1: 0.01, l2: 0.02 }) }),
    ],
  },
};

/** Layers that are made from now on get the same first weights as after any other call of this. */
export function reseed(): void {
  seeds = 1;
}

/** A model of a net, with the same first weights each time. */
export function build(net: Net, optimizer: tf.Optimizer): tf.Sequential {
  reseed();
  const model = tf.sequential({
    layers: [layers.inputLayer({ inputShape: [...net.input] }), ...net.layers()],
  });
  model.compile({ optimizer, loss: net.loss, metrics: net.metrics ?? [] });
  return model;
}

/** Inputs and labels of a net, the same each time. */
export function dataOf(
  { input, target, classes, loss, words }: Net,
  rows: number,
): { x: tf.Tensor; y: tf.Tensor } {
  const next = generator(11);
  const size = input.reduce((a, b) => a * b, rows);
  const x = tf.tensor(
    Float32Array.from({ length: size }, () => (words ? Math.floor(next() * words) : next() * 2 - 1)),
    [rows, ...input],
  );
  const label = () => (classes === undefined ? next() * 2 - 1 : Math.floor(next() * classes));
  const width = target[0] as number;
  const values: number[] = [];
  for (let row = 0; row < rows; row++) {
    const hot = Math.floor(next() * width);
    for (let i = 0; i < width; i++)
      values.push(loss === 'categoricalCrossentropy' ? Number(i === hot) : label());
  }
  return { x, y: tf.tensor(values, [rows, ...target], 'float32') };
}

/** Makes a model train op by op, as one with a layer of the program's own does. */
export function forceEager(model: tf.LayersModel): void {
  const layer = model.layers.find((each) => each.getClassName() !== 'InputLayer') as tf.layers.Layer;
  layer.call = layer.call.bind(layer);
}

export const valuesOf = (tensors: tf.Tensor[]): Float32Array[] =>
  tensors.map((tensor) => tensor.dataSync() as Float32Array);

/** The largest difference, and the largest value. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): [difference: number, size: number] {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs((a[i] as number) - (b[i] as number)));
    size = Math.max(size, Math.abs(b[i] as number));
  }
  return [difference, size];
}

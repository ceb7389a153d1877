/** Draws valid functional models, of all classes of layers that can be compiled. */
import * as tf from 'tfjs-native';
import { rules } from '../../dist/compiler/layers/index.js';
import type { LayerRule } from '../../dist/compiler/layers/rule.js';
import { generator } from '../upstream/fit-like-cpu';

const { layers } = tf;
type Layer = tf.layers.Layer;
type Symbolic = tf.SymbolicTensor;

/** Draws numbers. */
class Draw {
  readonly #next: () => number;
  constructor(seed: number) {
    this.#next = generator(seed);
  }
  whole(from: number, to: number): number {
    return from + Math.floor(this.#next() * (to - from + 1));
  }
  of<T>(list: readonly T[]): T {
    return list[this.whole(0, list.length - 1)] as T;
  }
  chance(p: number): boolean {
    return this.#next() < p;
  }
}

const smooth = ['linear', 'tanh', 'sigmoid', 'elu'] as const;
const padding = ['same', 'valid'] as const;
const convolution = (draw: Draw) => ({
  kernelSize: draw.whole(1, 3),
  strides: draw.whole(1, 2),
  padding: draw.of(padding),
  activation: draw.of([...smooth, 'relu'] as const),
  useBias: draw.chance(0.8),
});
const penalty = (draw: Draw) =>
  draw.chance(0.2) ? { kernelRegularizer: tf.regularizers.l1l2({ l1: 0.002, l2: 0.01 }) } : {};
const window = (draw: Draw) => ({
  poolSize: draw.whole(1, 3),
  strides: draw.whole(1, 2),
  padding: draw.of(padding),
});
// Upstream has no gradient of a sequence of one step.
const several = ([steps]: readonly number[]): void => {
  if (steps === 1) throw new Error('a sequence of one step');
};
const recurrent = (draw: Draw, shape: readonly number[]) => {
  several(shape);
  return {
    units: draw.whole(1, 9),
    activation: draw.of(['tanh', 'sigmoid', 'softsign'] as const),
    returnSequences: draw.chance(0.6),
    goBackwards: draw.chance(0.3),
    useBias: draw.chance(0.8),
  };
};
const margin = (draw: Draw): [[number, number], [number, number]] => [
  [draw.whole(0, 1), draw.whole(0, 2)],
  [draw.whole(0, 2), draw.whole(0, 1)],
];

/**
 * Settings of classes that have some; others are made as the compiler's probe of them. A layer that does not fit what
 * it is given is left out.
 */
const makers: Readonly<Record<string, (draw: Draw, shape: readonly number[]) => Layer>> = {
  Activation: (draw) => layers.activation({ activation: draw.of([...smooth, 'relu', 'softmax'] as const) }),
  AveragePooling1D: (draw) => layers.averagePooling1d(window(draw)),
  AveragePooling2D: (draw) => layers.averagePooling2d(window(draw)),
  BatchNormalization: () => layers.batchNormalization({ epsilon: 0.1 }),
  Bidirectional: (draw, shape) =>
    layers.bidirectional({
      layer: layers.gru(recurrent(draw, shape)),
      mergeMode: draw.of(['concat', 'sum', 'ave', 'mul']),
    } as Parameters<typeof layers.bidirectional>[0]),
  Conv1D: (draw) => layers.conv1d({ filters: draw.whole(1, 9), ...convolution(draw), ...penalty(draw) }),
  Conv2D: (draw) => layers.conv2d({ filters: draw.whole(1, 9), ...convolution(draw), ...penalty(draw) }),
  Conv2DTranspose: (draw) => layers.conv2dTranspose({ filters: draw.whole(1, 5), ...convolution(draw) }),
  Cropping2D: (draw) => layers.cropping2D({ cropping: margin(draw) }),
  Dense: (draw) =>
    layers.dense({
      units: draw.whole(1, 40),
      activation: draw.of([...smooth, 'relu'] as const),
      useBias: draw.chance(0.8),
      ...penalty(draw),
    }),
  DepthwiseConv2D: (draw) =>
    layers.depthwiseConv2d({ depthMultiplier: draw.whole(1, 2), ...convolution(draw) }),
  GRU: (draw, shape) => layers.gru(recurrent(draw, shape)),
  LSTM: (draw, shape) => layers.lstm(recurrent(draw, shape)),
  LayerNormalization: (draw, shape) =>
    layers.layerNormalization({ epsilon: 0.1, axis: draw.chance(0.7) ? -1 : draw.whole(1, shape.length) }),
  MaxPooling1D: (draw) => layers.maxPooling1d(window(draw)),
  MaxPooling2D: (draw) => layers.maxPooling2d(window(draw)),
  Reshape: (draw, shape) => layers.reshape({ targetShape: draw.of([[...shape].reverse(), [-1, 1]]) }),
  RNN: (draw, shape) =>
    layers.rnn({ cell: layers.lstmCell({ units: recurrent(draw, shape).units }) }) as Layer,
  SeparableConv2D: (draw) =>
    layers.separableConv2d({ filters: draw.whole(1, 6), ...convolution(draw), strides: 1 }),
  SimpleRNN: (draw, shape) => layers.simpleRNN(recurrent(draw, shape)),
  // Upstream's default is 1, which is not the last one of an image.
  Softmax: () => layers.softmax({ axis: -1 }),
  TimeDistributed(draw, shape) {
    several(shape);
    return layers.timeDistributed({ layer: layers.dense({ units: draw.whole(1, 9) }) }) as Layer;
  },
  UpSampling2D: (draw) => layers.upSampling2d({ size: [draw.whole(1, 2), draw.whole(1, 2)] }),
  ZeroPadding2D: (draw) => layers.zeroPadding2d({ padding: margin(draw) }),
};

/** Layers of several inputs of the same shape. */
const merges = ['Add', 'Average', 'Concatenate', 'Dot', 'Maximum', 'Minimum', 'Multiply', 'Subtract'];

/** What draws of its own in each step, or takes words; of thresholds upstream has no gradient. */
const excluded = /Dropout|Noise|Embedding|Masking|Thresholded/;

const classes = Object.keys(rules).filter((name) => !excluded.test(name));

/** The most numbers that a sample may have anywhere: models are to be small. */
const mostNumbers = 1500;

const shapeOf = ({ shape }: Symbolic): number[] => shape.slice(1) as number[];
const sizeOf = (of: Symbolic): number => shapeOf(of).reduce((a, b) => a * b, 1);

function make(name: string, draw: Draw, shape: readonly number[]): Layer {
  const maker = makers[name] ?? (rules[name] as LayerRule).probe;
  return (maker as (typeof makers)[string])(draw, shape);
}

/** A sum of products as their mean: crossentropies of large logits differ from upstream's (docs/differences.md). */
const mean = (sum: Symbolic, terms: number): Symbolic =>
  layers.rescaling({ scale: 1 / terms }).apply(sum) as Symbolic;

/**
 * One more value, if the drawn layer fits the drawn inputs.
 * @param used layers that may be used again, and for what shape
 */
function grow(draw: Draw, values: readonly Symbolic[], used: [Layer, string][]): Symbolic | undefined {
  const name = draw.of(classes);
  const from = draw.chance(0.7) ? (values.at(-1) as Symbolic) : draw.of(values);
  const alike = values.filter(({ shape }) => shape.join() === from.shape.join());
  const inputs = merges.includes(name) ? [from, draw.of(alike)] : from;
  if (Array.isArray(inputs) && inputs[0] === inputs[1]) return undefined;
  try {
    const fitting = used.filter(([, shape]) => shape === from.shape.join());
    const again = !Array.isArray(inputs) && fitting.length > 0 && draw.chance(0.3);
    const layer = again ? draw.of(fitting)[0] : make(name, draw, shapeOf(from));
    const made = layer.apply(inputs) as Symbolic;
    const value = name === 'Dot' ? mean(made, shapeOf(from)[0] as number) : made;
    const shape = shapeOf(value);
    const fits = !Array.isArray(value) && shape.length > 0 && shape.every((length) => length > 0);
    if (!fits || sizeOf(value) > mostNumbers) return undefined;
    if (!Array.isArray(inputs) && layer.weights.length > 0) used.push([layer, from.shape.join()]);
    return value;
  } catch {
    return undefined;
  }
}

/** Everything that a value is made of. */
function sources(of: Symbolic, seen = new Set<Symbolic>()): Set<Symbolic> {
  if (!seen.has(of)) {
    seen.add(of);
    for (const input of of.inputs) sources(input, seen);
  }
  return seen;
}

/** A loss with the activation before it, for outputs of any shape. */
const heads = [
  ['meanSquaredError', 'linear'],
  ['logcosh', 'linear'],
  ['binaryCrossentropy', 'sigmoid'],
  ['categoricalCrossentropy', 'softmax'],
  ['sparseCategoricalCrossentropy', 'softmax'],
  ['kullbackLeiblerDivergence', 'softmax'],
  ['cosineProximity', 'linear'],
] as const;

export interface RandomModel {
  readonly model: tf.LayersModel;
  readonly loss: string[];
}

/**
 * @param seed the same one gives the same model
 * @param size how many layers are drawn; fewer of the same seed are the first of them
 */
export function randomModel(seed: number, size: number): RandomModel {
  const draw = new Draw(seed);
  const shapes = [
    [draw.whole(1, 30)],
    [draw.whole(4, 9), draw.whole(1, 5)],
    [8, draw.whole(5, 8), draw.whole(1, 3)],
  ];
  const first = draw.of([shapes[0], shapes[1], shapes[2], shapes[2], shapes[2]]) as number[];
  const inputs = [tf.input({ shape: first })];
  if (draw.chance(0.2)) inputs.push(tf.input({ shape: draw.chance(0.7) ? first : (shapes[0] as number[]) }));
  const values: Symbolic[] = [...inputs];
  const used: [Layer, string][] = [];
  for (let tries = 0; values.length < inputs.length + size && tries < 20 * size; tries++) {
    const value = grow(draw, values, used);
    if (value) values.push(value);
  }
  const ends = [values.at(-1) as Symbolic];
  if (draw.chance(0.25)) ends.push(draw.of(values));
  for (const input of inputs) if (!ends.some((end) => sources(end).has(input))) ends.push(input);
  const loss: string[] = [];
  const outputs = ends.map((end) => {
    const [name, activation] = draw.of(heads);
    loss.push(name);
    // Upstream adds up the losses of several outputs before their means: of one shape only.
    const flat = draw.chance(0.8) || ends.length > 1;
    const rows = flat && end.rank > 2 ? (layers.flatten().apply(end) as Symbolic) : end;
    return layers.dense({ units: draw.whole(2, 5), activation }).apply(rows) as Symbolic;
  });
  return { model: tf.model({ inputs, outputs }), loss };
}

/** Values of a tensor, the same for the same seed, between -1 and 1. */
function uniform(shape: readonly number[], seed: number): tf.Tensor {
  const next = generator(seed);
  const length = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length }, () => 2 * next() - 1),
    [...shape],
  );
}

/** Weights of a model, drawn anew: variances are positive. */
export function randomWeights(model: tf.LayersModel, seed: number): tf.Tensor[] {
  return model.weights.map(({ shape, originalName }, i) => {
    const fan = shape.length > 1 ? shape.slice(0, -1).reduce<number>((a, b) => a * (b as number), 1) : 4;
    const values = tf.mul(uniform(shape as number[], seed + i), Math.sqrt(3 / fan));
    return /variance|gamma/.test(originalName) ? tf.add(tf.abs(values), 0.5) : values;
  });
}

/** Inputs and labels of a model. */
export function randomData({ model, loss }: RandomModel, rows: number, seed: number) {
  const xs = model.inputs.map((input, i) => uniform([rows, ...shapeOf(input)], seed + 100 + i));
  const ys = model.outputs.map((output, i) => {
    const shape = [rows, ...shapeOf(output)];
    const values = uniform(shape, seed + 200 + i);
    const best = tf.argMax(values, -1);
    switch (loss[i]) {
      case 'sparseCategoricalCrossentropy':
        return tf.expandDims(tf.cast(best, 'float32'), -1);
      case 'categoricalCrossentropy':
        return tf.cast(tf.oneHot(best, shape.at(-1) as number), 'float32');
      case 'binaryCrossentropy':
        return tf.cast(tf.greater(values, 0), 'float32');
      case 'kullbackLeiblerDivergence':
        return tf.softmax(values);
      default:
        return values;
    }
  });
  return { xs, ys };
}

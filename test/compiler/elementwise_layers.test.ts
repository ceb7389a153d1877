/** Compiled training with activations, merges and rearranged values, and with nested models, against eager training. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { agrees } from './agreement';
import { build, conv, dense, distance, type Net, normal, reseed } from './nets';

const { layers } = tf;

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const labels = { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], target: [1], classes: 5 };
const softmax = () => dense(5, { activation: 'softmax' });

type Name = Exclude<Parameters<typeof layers.activation>[0]['activation'], undefined>;
// Inputs of up to 8 reach all pieces of those that are put together of several.
const wide = () => dense(17, { kernelInitializer: tf.initializers.randomNormal({ seed: 5, stddev: 3 }) });
const activations = [
  'relu6',
  'selu',
  'softplus',
  'softsign',
  'hardSigmoid',
  'swish',
  'mish',
  'gelu',
  'gelu_new',
  'logSoftmax',
] as const;

describe.each(activations)('the activation %s', (name) =>
  agrees({
    ...labels,
    input: [7],
    layers: () => [
      wide(),
      layers.activation({ activation: name as Name }),
      // Keeps probabilities from where the loss clips them, which only eager training does.
      dense(8, { activation: 'tanh' }),
      dense(6, { activation: name as Name }),
      softmax(),
    ],
  }),
);

const nets: Readonly<Record<string, Net>> = {
  'activations as layers': {
    ...labels,
    input: [6, 5, 2],
    layers: () => [
      conv(7, { activation: 'linear' }),
      layers.prelu({ alphaInitializer: normal(), sharedAxes: [1, 2] }),
      conv(6, { kernelSize: 2, activation: 'linear' }),
      layers.prelu({ alphaInitializer: normal(), alphaRegularizer: tf.regularizers.l1l2() }),
      layers.elu(),
      layers.flatten(),
      softmax(),
    ],
  },
  'values in another order, and repeated': {
    ...labels,
    input: [4, 3, 5],
    layers: () => [
      conv(6, { kernelSize: 2 }),
      layers.permute({ dims: [3, 1, 2] }),
      conv(4, { kernelSize: 2 }),
      layers.flatten(),
      dense(9, { activation: 'tanh' }),
      layers.repeatVector({ n: 4 }),
      layers.permute({ dims: [2, 1] }),
      dense(3, { activation: 'tanh' }),
      layers.flatten(),
      softmax(),
    ],
  },
  'rescaled inputs and layers': {
    ...labels,
    input: [6],
    layers: () => [
      layers.rescaling({ scale: 0.5, offset: 0.25 }),
      dense(9, { activation: 'tanh' }),
      layers.rescaling({ scale: -3 }),
      softmax(),
    ],
  },
  'models as layers, twice nested': {
    ...labels,
    input: [11],
    layers: () => [
      tf.sequential({
        layers: [
          dense(9, { inputShape: [11], activation: 'tanh' }),
          tf.sequential({ layers: [dense(8, { inputShape: [9] }), layers.elu()] }),
        ],
      }),
      softmax(),
    ],
  },
};

describe.each(Object.entries(nets))('%s', (_, net) => agrees(net));

/** A net whose first layer is a model of two branches, merged. */
function merging(merge: () => tf.layers.Layer): Net {
  const inner = (): tf.LayersModel => {
    const input = tf.input({ shape: [6] });
    const branches = [0, 1, 2].map(() => dense(7, { activation: 'tanh' }).apply(input));
    return tf.model({
      inputs: input,
      outputs: merge().apply(branches as tf.SymbolicTensor[]) as tf.SymbolicTensor,
    });
  };
  return { ...labels, input: [6], layers: () => [inner(), softmax()] };
}

describe.each([
  ['average', () => layers.average()],
  ['multiply', () => layers.multiply()],
  ['maximum', () => layers.maximum()],
  ['minimum', () => layers.minimum()],
] as const)('%s of three branches', (_, merge) => agrees(merging(merge)));

// Upstream’s gradient of the largest of equal numbers.
it.each(['maximum', 'minimum'] as const)(
  'gives the gradient of a %s of equals to the first',
  async (name) => {
    reseed();
    const input = tf.input({ shape: [3] });
    const kernelInitializer = 'ones' as const;
    const branches = [0, 1].map(
      () => layers.dense({ units: 2, kernelInitializer }).apply(input) as tf.SymbolicTensor,
    );
    const model = tf.model({ inputs: input, outputs: layers[name]().apply(branches) as tf.SymbolicTensor });
    model.compile({ optimizer: tf.train.sgd(1), loss: 'meanSquaredError' });
    expect(tf.explain(model)).toMatch(/: input/);
    await model.trainOnBatch(tf.ones([4, 3]), tf.zeros([4, 2]));
    // The mean of two spread of 3: each has a gradient of 3.
    const [first, , second] = model.getWeights().map((weight) => [...weight.dataSync()]);
    expect(first).toEqual(Array(6).fill(-2));
    expect(second).toEqual(Array(6).fill(1));
  },
);

it('trains LeakyReLU as PReLU with that slope', async () => {
  const alpha = 0.2;
  const net = (layer: () => tf.layers.Layer): Net => ({
    ...labels,
    input: [6],
    layers: () => [wide(), layer(), softmax()],
  });
  const [leaky, prelu] = [
    build(
      net(() => layers.leakyReLU({ alpha })),
      tf.train.sgd(1),
    ),
    build(
      net(() => layers.prelu({ alphaInitializer: tf.initializers.constant({ value: alpha }) })),
      tf.train.sgd(1),
    ),
  ];
  const x = tf.randomNormal([9, 6], 0, 1, 'float32', 3);
  const y = tf.zeros([9, 1]);
  expect(tf.explain(leaky)).toContain('LeakyRelu');
  for (const model of [leaky, prelu]) await model.trainOnBatch(x, y);
  const [ours, theirs] = [leaky, prelu].map((model) => model.getWeights()[0]?.dataSync() as Float32Array);
  const [difference, size] = distance(ours as Float32Array, theirs as Float32Array);
  expect(difference).toBeLessThanOrEqual(2 ** -22 + 2e-6 * size);
});

// Upstream cannot train these: its comparison has no gradient.
it('trains ThresholdedReLU', async () => {
  const [theta, weight] = [0.4, 0.7];
  const model = tf.sequential({
    layers: [
      layers.dense({
        units: 1,
        useBias: false,
        kernelInitializer: tf.initializers.constant({ value: weight }),
        inputShape: [1],
      }),
      layers.thresholdedReLU({ theta }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(1), loss: 'meanSquaredError' });
  expect(tf.explain(model)).toContain('Greater');
  const x = [-2, 0.3, 0.5, 0.6, 1, 3];
  await model.trainOnBatch(tf.tensor2d(x, [6, 1]), tf.zeros([6, 1]));
  const passed = x.filter((each) => weight * each > theta);
  const gradient = passed.reduce((sum, each) => sum + (2 * weight * each * each) / x.length, 0);
  expect(passed).toHaveLength(3);
  expect(model.getWeights()[0]?.dataSync()[0]).toBeCloseTo(weight - gradient, 5);
});

// A weight of ones behind the noise: the gradient of its rows is the mean of what the layer gives, and that of the
// weight before it the mean of the factors.
const [samples, steps, units] = [64, 20, 50];
// Means of N numbers of deviation at most 1.3 are within 6 deviations of theirs.
const bound = (6 * 1.3) / Math.sqrt(samples * units);

async function throughNoise(
  layer: tf.layers.Layer,
): Promise<{ mean: number; factor: number; spread: number }> {
  const model = tf.sequential({
    layers: [
      layers.dense({ units, useBias: false, kernelInitializer: 'ones', inputShape: [steps, 1] }),
      layer,
      layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones' }),
    ],
  });
  // The gradient of each output is 1 of all of them.
  model.compile({ optimizer: tf.train.sgd(1), loss: 'meanAbsoluteError' });
  expect(tf.explain(model)).toMatch(/: input/);
  const target = tf.fill([samples, steps, 1], -1e4);
  await model.trainOnBatch(tf.ones([samples, steps, 1]), target);
  const [first, last] = model.getWeights().map((weight) => [...weight.dataSync()].map((value) => 1 - value));
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const values = last as number[];
  return {
    mean: mean(values),
    factor: mean(first as number[]),
    spread: Math.max(...values) - Math.min(...values),
  };
}

it.each([
  ['GaussianNoise', () => layers.gaussianNoise({ stddev: 0.8 }), 1],
  ['GaussianDropout', () => layers.gaussianDropout({ rate: 0.4 }), undefined],
  ['SpatialDropout1D', () => layers.spatialDropout1d({ rate: 0.4 }), undefined],
] as const)(
  'draws the numbers of %s, with a mean of 1, and gives the gradient its factors',
  async (_, make, factor) => {
    const { mean, factor: own, spread } = await throughNoise(make());
    expect(Math.abs(mean - 1)).toBeLessThan(bound);
    // The input is 1 everywhere, so that what comes out of factors is the factors themselves.
    expect(own).toBeCloseTo(factor ?? mean, 4);
    expect(spread).toBeGreaterThan(1e-3);
  },
);

it('draws the numbers of AlphaDropout, each of two values', async () => {
  const rate = 0.4;
  const { mean, factor, spread } = await throughNoise(layers.alphaDropout({ rate }));
  const alphaPrime = -1.6732632423543772 * 1.0507009873554805;
  const a = ((1 - rate) * (1 + rate * alphaPrime ** 2)) ** -0.5;
  const b = -a * alphaPrime * rate;
  // Upstream adds (0 - 1) times that to what is dropped.
  const dropped = -alphaPrime;
  // A share k of ones is kept: the mean is a (k + (1 - k) dropped) + b, and the factor a k.
  const kept = factor / a;
  expect(Math.abs(kept - (1 - rate))).toBeLessThan(bound);
  expect(mean).toBeCloseTo(a * (kept + (1 - kept) * dropped) + b, 4);
  expect(spread).toBeGreaterThan(1e-3);
});

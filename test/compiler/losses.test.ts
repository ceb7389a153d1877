/** Every loss and metric of tf.layers, compiled against eagerly. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { data } from '../upstream/fit-like-cpu';
import { dense, distance, forceEager, reseed, valuesOf } from './nets';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const rows = 20;
type LossFunction = (labels: tf.Tensor, predictions: tf.Tensor) => tf.Tensor;
type Labels = (shape: number[]) => tf.Tensor;
type Output = 'linear' | 'sigmoid' | 'softmax';

const numbers: Labels = (shape) => data([rows, ...shape], 5);
const bits: Labels = (shape) => tf.cast(tf.greater(numbers(shape), 0), 'float32');
const signs: Labels = (shape) => tf.sub(tf.mul(bits(shape), 2), 1);
/** Away from zero, near which a percentage has no bound. */
const largeNumbers: Labels = (shape) => tf.mul(signs(shape), tf.add(tf.abs(numbers(shape)), 1));
const shares: Labels = (shape) => tf.softmax(numbers(shape));
const classes: Labels = (shape) => {
  const count = shape.at(-1) as number;
  const length = [rows, ...shape.slice(0, -1)].reduce((a, b) => a * b, 1);
  const values = Array.from({ length }, (_, i) => (i * 7) % count);
  return tf.tensor(values, [rows, ...shape.slice(0, -1), 1]);
};
const oneHot: Labels = (shape) => {
  if (shape.at(-1) === 1) return bits(shape);
  const indices = tf.cast(tf.squeeze(classes(shape), [-1]), 'int32') as tf.Tensor1D;
  return tf.cast(tf.oneHot(indices, shape.at(-1) as number), 'float32');
};

/** Labels and output activations that each loss is used with. */
const losses: Readonly<Record<string, readonly (readonly [Labels, Output])[]>> = {
  meanSquaredError: [[numbers, 'linear']],
  meanAbsoluteError: [[numbers, 'linear']],
  meanAbsolutePercentageError: [[largeNumbers, 'linear']],
  meanSquaredLogarithmicError: [[bits, 'sigmoid']],
  squaredHinge: [[signs, 'linear']],
  hinge: [[signs, 'linear']],
  categoricalHinge: [[oneHot, 'linear']],
  logcosh: [[numbers, 'linear']],
  categoricalCrossentropy: [
    [oneHot, 'softmax'],
    [shares, 'sigmoid'],
  ],
  sparseCategoricalCrossentropy: [
    [classes, 'softmax'],
    [classes, 'sigmoid'],
  ],
  binaryCrossentropy: [
    [bits, 'sigmoid'],
    [shares, 'softmax'],
  ],
  kullbackLeiblerDivergence: [[shares, 'softmax']],
  poisson: [[bits, 'sigmoid']],
  cosineProximity: [[numbers, 'linear']],
};
const metrics = ['mse', 'MAE', 'mape', 'cosine', 'binaryAccuracy', 'categoricalAccuracy', 'accuracy', 'ce'];
const sparseMetrics = ['acc', 'crossentropy', 'sparseCategoricalCrossentropy'];

const cases = Object.entries(losses).flatMap(([loss, forms]) =>
  forms.flatMap(([labels, output]) => [[4], [3, 5], [1]].map((shape) => ({ loss, labels, output, shape }))),
);

describe.each(cases)('$loss behind $output, of outputs $shape', ({ loss, labels, output, shape }) => {
  function build(optimizer: tf.Optimizer, eager: boolean) {
    reseed();
    const [units, ...before] = shape.toReversed() as [number, ...number[]];
    const model = tf.sequential({
      layers: [
        tf.layers.inputLayer({ inputShape: [...before, 6] }),
        dense(7, { activation: 'tanh' }),
        dense(units, { activation: output }),
      ],
    });
    const sparse = loss.startsWith('sparse');
    // Upstream cannot take apart labels of more than one dimension for these.
    const names = sparse ? (shape[0] === 1 ? ['acc'] : sparseMetrics) : metrics;
    model.compile({ optimizer, loss, metrics: names });
    if (eager) forceEager(model);
    expect(tf.explain(model)).toMatch(eager ? /^Trains op by op/ : /: input/);
    return model;
  }
  const x = () => data([rows, ...shape.slice(0, -1), 6], 1);
  // Upstream refuses what would be no choice between classes.
  const able = !(shape[0] === 1 && loss === 'categoricalCrossentropy');

  it.runIf(able)('has the gradients and metrics of a step with weights of samples', async () => {
    const results: { weights: Float32Array[]; logs: number[] }[] = [];
    for (const eager of [false, true]) {
      // With plain gradient descent at rate 1 a weight changes by its gradient.
      const model = build(tf.train.sgd(1), eager);
      const sampleWeight = tf.tensor1d(Array.from({ length: rows }, (_, i) => (i % 4) / 2));
      const logs = await model.trainOnBatch(x(), labels(shape), { sampleWeight } as never);
      results.push({ weights: valuesOf(model.getWeights()), logs: logs as number[] });
    }
    const [compiled, eager] = results as [(typeof results)[0], (typeof results)[0]];
    // Sums of less than 1,000 terms, a quotient of probabilities among them at most.
    for (const [i, weight] of compiled.weights.entries()) {
      const [difference, size] = distance(weight, eager.weights[i] as Float32Array);
      expect(difference, `weight ${i}`).toBeLessThanOrEqual(2e-5 * Math.max(0.1, size));
    }
    for (const [i, value] of compiled.logs.entries()) {
      const want = eager.logs[i] as number;
      // Means of numbers of up to 1, some of them negative, which are as exact as these.
      expect(Math.abs(value - want), `number ${i}`).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(want)));
    }
  });

  it.runIf(able)('takes steps as eager training does', async () => {
    const histories: number[][][] = [];
    for (const eager of [false, true]) {
      const model = build(tf.train.sgd(0.01), eager);
      const { history } = await model.fit(x(), labels(shape), {
        batchSize: 8,
        epochs: 3,
        shuffle: false,
        verbose: 0,
      });
      histories.push(Object.values(history) as number[][]);
    }
    for (const [i, want] of (histories[1] as number[][]).entries()) {
      const [difference, size] = distance(histories[0]?.[i] as number[], want);
      expect(difference, `number ${i}`).toBeLessThanOrEqual(1e-4 * Math.max(0.1, size));
    }
  });
});

/** Functions as losses: those of tf.metrics are the same as by name, those of tf.losses one number of a batch. */
const functions: Readonly<Record<string, readonly [LossFunction, Labels, Output]>> = {
  'tf.metrics.meanSquaredError': [tf.metrics.meanSquaredError, numbers, 'linear'],
  'tf.metrics.categoricalCrossentropy': [tf.metrics.categoricalCrossentropy, oneHot, 'softmax'],
  'tf.losses.absoluteDifference': [tf.losses.absoluteDifference, numbers, 'linear'],
  'tf.losses.hingeLoss': [tf.losses.hingeLoss, bits, 'linear'],
  'tf.losses.huberLoss': [tf.losses.huberLoss, (shape) => tf.mul(numbers(shape), 3), 'linear'],
  'tf.losses.logLoss': [tf.losses.logLoss, bits, 'sigmoid'],
  'tf.losses.meanSquaredError': [tf.losses.meanSquaredError, numbers, 'linear'],
  'tf.losses.sigmoidCrossEntropy': [tf.losses.sigmoidCrossEntropy, bits, 'linear'],
  'tf.losses.softmaxCrossEntropy': [tf.losses.softmaxCrossEntropy, oneHot, 'linear'],
};
describe.each(Object.entries(functions))('%s', (name, [loss, labels, activation]) => {
  const build = (optimizer: tf.Optimizer, eager: boolean) => {
    reseed();
    const model = tf.sequential({
      layers: [dense(7, { activation: 'tanh', inputShape: [6] }), dense(4, { activation })],
    });
    model.compile({ optimizer, loss, metrics: ['mae'] });
    if (eager) forceEager(model);
    expect(tf.explain(model)).toMatch(eager ? /^Trains op by op/ : /: input/);
    return model;
  };
  const x = () => data([rows, 6], 1);

  it('trains and evaluates as eagerly', async () => {
    const outcomes = [];
    for (const eager of [false, true]) {
      const model = build(tf.train.sgd(0.05), eager);
      const args = { batchSize: 8, epochs: 3, shuffle: false, verbose: 0 } as const;
      const { history } = await model.fit(x(), labels([4]), args);
      const evaluated = valuesOf(model.evaluate(x(), labels([4]), { batchSize: 8 }) as tf.Scalar[]);
      outcomes.push([
        ...(Object.values(history) as number[][]),
        ...evaluated,
        ...valuesOf(model.getWeights()),
      ]);
    }
    const [compiled, eager] = outcomes as unknown as [ArrayLike<number>[], ArrayLike<number>[]];
    for (const [i, want] of eager.entries()) {
      const [difference, size] = distance(compiled[i] as ArrayLike<number>, want);
      expect(difference, `number ${i}`).toBeLessThanOrEqual(2e-5 * Math.max(1, size));
    }
  });

  it('gives weights of samples the meaning that they have eagerly', async () => {
    const losses: number[] = [];
    for (const eager of [false, true]) {
      const sampleWeight = tf.tensor1d(Array.from({ length: rows }, (_, i) => (i % 4) / 2));
      const logs = await build(tf.train.sgd(0.05), eager).trainOnBatch(x(), labels([4]), {
        sampleWeight,
      } as never);
      losses.push((logs as number[])[0] as number);
    }
    const [compiled, eager] = losses as [number, number];
    expect(Math.abs(compiled - eager), name).toBeLessThanOrEqual(2e-5 * Math.max(1, eager));
  });
});

it('gives precision, recall and the R2 score of batches as eagerly', async () => {
  const outcomes: number[][][] = [];
  for (const eager of [false, true]) {
    reseed();
    // A hard sigmoid of large sums is often just 0 or 1.
    const model = tf.sequential({
      layers: [
        tf.layers.inputLayer({ inputShape: [6] }),
        dense(5, {
          activation: 'hardSigmoid',
          kernelInitializer: tf.initializers.randomNormal({ stddev: 20, seed: 3 }),
        }),
      ],
    });
    const { precision, recall, r2Score } = tf.metrics as unknown as Record<string, LossFunction>;
    const asked = ['precision', recall, r2Score, precision, 'mse'] as never;
    model.compile({ optimizer: tf.train.sgd(1e-3), loss: 'meanSquaredError', metrics: asked });
    if (eager) forceEager(model);
    expect(tf.explain(model)).toMatch(eager ? /^Trains op by op/ : /: input/);
    const { history } = await model.fit(data([rows, 6], 1), bits([5]), {
      batchSize: 8,
      epochs: 2,
      shuffle: false,
      verbose: 0,
    });
    const evaluated = valuesOf(
      model.evaluate(data([rows, 6], 1), bits([5]), { batchSize: rows }) as tf.Scalar[],
    );
    outcomes.push([...(Object.values(history) as number[][]), ...evaluated.map((values) => [...values])]);
  }
  const [compiled, eager] = outcomes as [number[][], number[][]];
  expect(eager[1]?.[0]).toBeGreaterThan(0.2);
  for (const [i, want] of eager.entries()) {
    const [difference, size] = distance(compiled[i] as number[], want);
    expect(difference, `number ${i}`).toBeLessThanOrEqual(2e-5 * Math.max(1, size));
  }
});

describe('weights of losses', () => {
  const model = (lossWeights: unknown, eager: boolean) => {
    reseed();
    const x = tf.input({ shape: [6] });
    const hidden = dense(5, { activation: 'tanh' }).apply(x) as tf.SymbolicTensor;
    const outputs = [
      dense(3, { name: `left_${eager}` }).apply(hidden),
      dense(2, { name: `right_${eager}`, activation: 'sigmoid' }).apply(hidden),
    ] as tf.SymbolicTensor[];
    const made = tf.model({ inputs: x, outputs });
    made.compile({
      optimizer: tf.train.sgd(0.1),
      loss: ['meanSquaredError', 'binaryCrossentropy'],
      metrics: ['mae'],
      lossWeights: lossWeights as number[] | Record<string, number>,
    });
    if (eager) forceEager(made);
    expect(tf.explain(made)).toMatch(eager ? /^Trains op by op/ : /: input/);
    return made;
  };
  const x = () => data([rows, 6], 1);
  const ys = () => [data([rows, 3], 2), bits([2])];

  it.each([
    ['a list', () => [0.25, 3]],
    ['a map', (eager: boolean) => ({ [`right_${eager}`]: -2 })],
    // Op by op the loss of an output that does not count is told as 0.
    ['zero', () => [1, 0]],
  ])('%s counts in the sum and its gradient, compiled and eagerly', async (_, of) => {
    const outcomes = [];
    for (const eager of [false, true]) {
      const made = model(of(eager), eager);
      const args = { batchSize: 8, epochs: 3, shuffle: false, verbose: 0 } as const;
      const { history } = await made.fit(x(), ys(), args);
      const values = Object.values(history) as number[][];
      // What is told of each output is without its weight.
      const [left, right] = made.outputNames.map((name) => history[`${name}_loss`]?.[0] as number);
      const [a, b] = eager ? [0, 0] : Array.isArray(of(false)) ? (of(false) as number[]) : [1, -2];
      if (!eager)
        expect(values[0]?.[0]).toBeCloseTo(
          (a as number) * (left as number) + (b as number) * (right as number),
          4,
        );
      const evaluated = made.evaluate(x(), ys(), { batchSize: rows }) as tf.Scalar[];
      outcomes.push([...values, ...valuesOf(evaluated), ...valuesOf(made.getWeights())]);
    }
    const [compiled, eager] = outcomes as unknown as [ArrayLike<number>[], ArrayLike<number>[]];
    for (const [i, want] of eager.entries()) {
      if (i === 2 && Object.values(of(true)).includes(0)) continue;
      const [difference, size] = distance(compiled[i] as ArrayLike<number>, want);
      expect(difference, `number ${i}`).toBeLessThanOrEqual(2e-5 * Math.max(1, size));
    }
  });

  it.each([[[1]], [[1, Number.NaN]], [{ middle: 1 }], ['2']])('refuses %j', (given) => {
    expect(() => model(given, false)).toThrow('lossWeights is');
  });
});

/** Constraints on weights: applied after each step, compiled and eagerly, as Keras defines them. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { build, conv, dataOf, dense, distance, forceEager, type Net, pool, valuesOf } from './nets';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const { constraints, layers } = tf;
const net: Net = {
  input: [8, 8, 2],
  loss: 'sparseCategoricalCrossentropy',
  target: [1],
  classes: 4,
  layers: () => [],
};

type Constraint = ReturnType<typeof constraints.nonNeg>;

const kinds: Readonly<Record<string, (axis: number) => Constraint>> = {
  maxNorm: (axis) => constraints.maxNorm({ maxValue: 0.7, axis }),
  minMaxNorm: (axis) => constraints.minMaxNorm({ minValue: 0.5, maxValue: 0.6, rate: 0.25, axis }),
  nonNeg: () => constraints.nonNeg(),
  unitNorm: (axis) => constraints.unitNorm({ axis }),
};

const epsilon = 1e-7;

/** Keras's definitions, in double precision. */
function apply(name: string, w: Float32Array, shape: readonly number[], axis: number): Float64Array {
  if (name === 'nonNeg') return Float64Array.from(w, (value) => Math.max(0, value));
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const length = shape[axis] as number;
  return Float64Array.from(w, (value, i) => {
    const first = Math.floor(i / (inner * length)) * inner * length + (i % inner);
    let square = 0;
    for (let k = 0; k < length; k++) square += (w[first + k * inner] as number) ** 2;
    const norm = Math.sqrt(square);
    if (name === 'unitNorm') return value / (norm + epsilon);
    const [low, high, rate] = name === 'maxNorm' ? [0, 0.7, 1] : [0.5, 0.6, 0.25];
    return (value * (rate * Math.min(Math.max(norm, low), high) + (1 - rate) * norm)) / (norm + epsilon);
  });
}

describe.each(Object.keys(kinds))('%s', (name) => {
  const make = kinds[name] as (typeof kinds)[string];
  const model = (constrained: boolean, eager = false, rate = 0.3) => {
    const kernel = (axis: number) => (constrained ? { kernelConstraint: make(axis) } : {});
    const made = build(
      {
        ...net,
        layers: () => [
          conv(5, { ...kernel(2), ...(constrained ? { biasConstraint: make(0) } : {}) }),
          pool(),
          layers.flatten(),
          dense(6, kernel(0)),
          dense(4, { activation: 'softmax', ...kernel(-1) }),
        ],
      },
      tf.train.sgd(rate),
    );
    if (eager) forceEager(made);
    expect(tf.explain(made)).toMatch(eager ? /^Trains op by op/ : /: input/);
    return made;
  };
  const axes = [2, 0, 0, undefined, 1, undefined];

  it.each([false, true])('is applied after a step, eager: %s', async (eager) => {
    const { x, y } = dataOf(net, 8);
    const [free, bound] = [model(false), model(true, eager)];
    await free.trainOnBatch(x, y);
    await bound.trainOnBatch(x, y);
    const shapes = free.getWeights().map(({ shape }) => shape);
    const after = valuesOf(bound.getWeights());
    for (const [i, weight] of valuesOf(free.getWeights()).entries()) {
      const axis = axes[i];
      const want = axis === undefined ? weight : apply(name, weight, shapes[i] as number[], axis);
      // Gradients of two orders of summation, within some 10^-5.
      const [difference, size] = distance(after[i] as Float32Array, want);
      expect(difference, `weight ${i}`).toBeLessThanOrEqual(2e-5 * Math.max(0.1, size));
    }
  });

  it('is applied after each of several steps', async () => {
    const results: Float32Array[][] = [];
    for (const eager of [false, true]) {
      const { x, y } = dataOf(net, 20);
      // Small steps: norms that come near zero on their way would blow up what is nothing but rounding.
      const trained = model(true, eager, 0.01);
      await trained.fit(x, y, { batchSize: 8, epochs: 2, shuffle: false, verbose: 0 });
      results.push(valuesOf(trained.getWeights()));
    }
    for (const [i, weight] of (results[0] as Float32Array[]).entries()) {
      const [difference, size] = distance(weight, results[1]?.[i] as Float32Array);
      expect(difference, `weight ${i}`).toBeLessThanOrEqual(1e-4 * Math.max(0.1, size));
    }
  });
});

it('leaves frozen weights as they are', async () => {
  const made = build(
    {
      ...net,
      layers: () => [
        layers.flatten(),
        dense(6, { kernelConstraint: constraints.nonNeg(), trainable: false }),
        dense(4, { activation: 'softmax' }),
      ],
    },
    tf.train.sgd(0.3),
  );
  const frozen = made.layers[2] as tf.layers.Layer;
  const before = valuesOf(frozen.getWeights());
  const { x, y } = dataOf(net, 8);
  await made.trainOnBatch(x, y);
  expect(valuesOf(frozen.getWeights())).toEqual(before);
});

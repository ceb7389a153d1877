/** Trains a net compiled and eagerly, and compares. */
import * as tf from 'tfjs-native';
import { expect, it } from 'vitest';
import { build, dataOf, distance, forceEager, type Net, valuesOf } from './nets';

interface Trained {
  readonly first: readonly Float32Array[];
  readonly weights: readonly Float32Array[];
  readonly history: Record<string, (number | tf.Tensor)[]>;
  readonly state: readonly { name: string; values: Float32Array }[];
}

/** Five epochs of five steps, of which the last in each has fewer samples. */
export async function train(net: Net, optimizer: tf.Optimizer, eager: boolean): Promise<Trained> {
  const model = build(net, optimizer);
  if (eager) forceEager(model);
  expect(tf.explain(model)).toMatch(eager ? /^Trains op by op/ : /: input/);
  const { x, y } = dataOf(net, 33);
  const first = valuesOf(model.getWeights());
  const { history } = await model.fit(x, y, { batchSize: 8, epochs: 5, shuffle: false, verbose: 0 });
  const kept = optimizer.getClassName() === 'SGD' ? [] : await optimizer.getWeights();
  const state = kept.map(({ name, tensor }) => ({ name, values: tensor.dataSync() as Float32Array }));
  return { first, weights: valuesOf(model.getWeights()), history, state };
}

/** Tests that a net trains compiled as it does eagerly. */
export function agrees(net: Net): void {
  agreesAtFirst(net);
  agreesForLong(net);
}

/** The same, of the first step. */
export function agreesAtFirst(net: Net): void {
  it('has the gradients of eager training in the first step', async () => {
    const gradients: Float32Array[][] = [];
    for (const eager of [false, true]) {
      // With plain gradient descent at rate 1 a weight changes by its gradient.
      const model = build(net, tf.train.sgd(1));
      if (eager) forceEager(model);
      const before = valuesOf(model.getWeights());
      const { x, y } = dataOf(net, 8);
      await model.trainOnBatch(x, y);
      const after = valuesOf(model.getWeights());
      gradients.push(after.map((weight, i) => weight.map((value, k) => (before[i]?.[k] as number) - value)));
    }
    const [compiled, eager] = gradients as [Float32Array[], Float32Array[]];
    // Weights of up to 1 are rounded to 2^-24 before and after the step; beside that, sums of up to 10^4 terms and
    // Winograd's transforms are within some 10^-5 of the largest gradient.
    for (const [i, gradient] of compiled.entries()) {
      const [difference, size] = distance(gradient, eager[i] as Float32Array);
      expect(difference).toBeLessThanOrEqual(2 ** -22 + 2e-5 * size);
    }
  });
}

/** The same, of 25 steps. */
export function agreesForLong(net: Net): void {
  it('takes 25 steps as eager training does', async () => {
    const compiled = await train(net, tf.train.momentum(0.01, 0.9), false);
    const eager = await train(net, tf.train.momentum(0.01, 0.9), true);
    expect(Object.keys(compiled.history)).toEqual(Object.keys(eager.history));
    for (const [name, values] of Object.entries(eager.history)) {
      const [difference, size] = distance(compiled.history[name] as number[], values as number[]);
      // A sample that is just on the edge may count the other way in an accuracy.
      expect(difference, name).toBeLessThanOrEqual(name === 'loss' ? 2e-5 * Math.max(1, size) : 1.5 / 33);
    }
    for (const [i, weight] of compiled.weights.entries()) {
      const [difference, size] = distance(weight, eager.weights[i] as Float32Array);
      expect(difference).toBeLessThanOrEqual(1e-4 * Math.max(0.1, size));
    }
  });
}

/** Optimizers of compiled training: their settings, and their state when training is interrupted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { build, dataOf, dense, distance, forceEager, type Net, valuesOf } from './nets';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const net: Net = {
  input: [7],
  loss: 'meanSquaredError',
  target: [3],
  layers: () => [dense(9, { activation: 'tanh', kernelConstraint: tf.constraints.nonNeg() }), dense(3)],
};
const quiet = { batchSize: 8, shuffle: false, verbose: 0 as const };

const optimizers: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.05),
  momentum: () => tf.train.momentum(0.02, 0.9, true),
  rmsprop: () => tf.train.rmsprop(0.003, 0.9, 0.5, 1e-3),
  'rmsprop, centered': () => tf.train.rmsprop(0.001, 0.9, 0.5, 1e-12, true),
  adagrad: () => tf.train.adagrad(0.02),
  adadelta: () => tf.train.adadelta(0.1),
  adam: () => tf.train.adam(0.003, 0.9, 0.999, 1e-3),
  adamax: () => tf.train.adamax(0.003, 0.9, 0.999, 1e-3, 0.01),
};

describe.each(Object.entries(optimizers))('%s', (name, make) => {
  it('obeys a learning rate that changes between fits and steps, as eagerly', async () => {
    const results: Float32Array[][] = [];
    for (const eager of [false, true]) {
      const optimizer = make();
      const model = build(net, optimizer);
      if (eager) forceEager(model);
      expect(tf.explain(model)).toMatch(eager ? /^Trains op by op/ : /: input/);
      const { x, y } = dataOf(net, 20);
      const settings = optimizer as unknown as { learningRate: number };
      await model.fit(x, y, { ...quiet, epochs: 2 });
      settings.learningRate /= 4;
      await model.fit(x, y, {
        ...quiet,
        epochs: 3,
        callbacks: {
          onEpochEnd: async () => {
            settings.learningRate *= 2;
          },
        },
      });
      settings.learningRate = 0;
      const before = valuesOf(model.getWeights()).map((values) => values.slice());
      if (name === 'sgd' || name === 'adam') {
        await model.trainOnBatch(x, y);
        expect(valuesOf(model.getWeights())).toEqual(before);
      }
      results.push(before);
    }
    // 15 steps of rates below 0.1, of sums of 20 terms.
    for (const [i, weight] of (results[0] as Float32Array[]).entries()) {
      const [difference, size] = distance(weight, results[1]?.[i] as Float32Array);
      expect(difference, `weight ${i}`).toBeLessThanOrEqual(1e-4 * Math.max(0.1, size));
    }
  });

  // Upstream cannot save what Adamax keeps.
  it.runIf(name !== 'adamax')('goes on after save and load with equal bits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tfjs-native-optimizers-'));
    try {
      const { x, y } = dataOf(net, 20);
      const model = build(net, make());
      await model.fit(x, y, { ...quiet, epochs: 2 });
      await model.save(`file://${folder}`, { includeOptimizer: true });
      const loaded = await tf.loadLayersModel(`file://${folder}`);
      expect(tf.explain(loaded)).toMatch(/: input/);
      for (const each of [model, loaded]) {
        await each.trainOnBatch(x, y);
        await each.fit(x, y, { ...quiet, epochs: 3 });
      }
      expect(valuesOf(loaded.getWeights())).toEqual(valuesOf(model.getWeights()));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it('of the program’s own class trains op by op, and its steps are taken', async () => {
  let steps = 0;
  class Own extends tf.SGDOptimizer {
    override applyGradients(gradients: tf.NamedTensorMap): void {
      steps++;
      super.applyGradients(gradients);
    }
  }
  const model = build(net, new Own(0.1));
  expect(tf.explain(model)).toMatch(
    /^Trains op by op, not compiled: optimizer: it is of the program’s own class/,
  );
  const { x, y } = dataOf(net, 20);
  await model.fit(x, y, quiet);
  expect(steps).toBe(3);
});

it('that makes weights NaN of finite gradients ends training with the weights before', async () => {
  // Upstream takes epsilon away under the root, where it belongs on top.
  const model = build(net, tf.train.rmsprop(0.001, 0.9, 0.5, 100, true));
  const before = valuesOf(model.getWeights()).map((values) => values.slice());
  const { x, y } = dataOf(net, 20);
  await expect(model.fit(x, y, quiet)).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE' });
  expect(valuesOf(model.getWeights())).toEqual(before);
});

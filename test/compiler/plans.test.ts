/** When plans are made anew, what they leave in the model's variables, and what ends them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tf from 'tfjs-native';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { build, dataOf, forceEager, type Net, nets, valuesOf } from './nets';

const net = nets['the seed CNN'] as Net;
const quiet = { verbose: 0 as const, shuffle: false };
const adam = () => tf.train.adam(1e-3);
const { threads } = tf.info();

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => tf.setThreads(threads));

async function weightsAfter(change: (model: tf.Sequential, x: tf.Tensor, y: tf.Tensor) => Promise<unknown>) {
  const model = build(net, adam());
  const { x, y } = dataOf(net, 40);
  await change(model, x, y);
  return valuesOf(model.getWeights());
}

describe('equal bits', () => {
  it('at any number of threads, and from run to run', async () => {
    const runs: Float32Array[][] = [];
    for (const count of [1, 2, 3, threads, threads]) {
      tf.setThreads(count);
      runs.push(await weightsAfter((model, x, y) => model.fit(x, y, { ...quiet, batchSize: 16, epochs: 2 })));
    }
    for (const run of runs) expect(run).toEqual(runs[0]);
  });

  it('whether steps are taken many at a time, one by one, or by trainOnBatch', async () => {
    const many = await weightsAfter((model, x, y) => model.fit(x, y, { ...quiet, batchSize: 8 }));
    const callbacks = { onBatchEnd: async () => {} };
    const single = await weightsAfter((model, x, y) =>
      model.fit(x, y, { ...quiet, batchSize: 8, callbacks }),
    );
    const batches = await weightsAfter(async (model, x, y) => {
      for (let at = 0; at < 40; at += 8) await model.trainOnBatch(x.slice(at, 8), y.slice(at, 8));
    });
    expect(single).toEqual(many);
    expect(batches).toEqual(many);
  });

  it('of data that are bytes and data that are their values', async () => {
    const { tensors } = await import('tfjs-native/data');
    const images = Uint8Array.from({ length: 40 * 784 }, (_, i) => (i * 7919) % 256);
    const labels = Uint8Array.from({ length: 40 }, (_, i) => i % 5);
    const bytes = tensors({ images, labels, count: 40, height: 28, width: 28, channels: 1, classes: 5 });
    const floats = tf.tensor(
      Float32Array.from(images, (value) => value / 255),
      [40, 28, 28, 1],
    );
    const ofBytes = await weightsAfter((model) => model.fit(bytes.xs, bytes.ys, { ...quiet, batchSize: 16 }));
    const ofFloats = await weightsAfter((model) => model.fit(floats, bytes.ys, { ...quiet, batchSize: 16 }));
    expect(ofBytes).toEqual(ofFloats);
    expect(bytes.xs.dataSync()).toEqual(floats.dataSync());
  });

  it('of a training that was saved in the middle, loaded and continued', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tfjs-native-plans-'));
    try {
      const whole = await weightsAfter((model, x, y) =>
        model.fit(x, y, { ...quiet, batchSize: 8, epochs: 4 }),
      );
      const model = build(net, adam());
      const { x, y } = dataOf(net, 40);
      await model.fit(x, y, { ...quiet, batchSize: 8, epochs: 2 });
      await model.save(`file://${folder}`, { includeOptimizer: true });
      const loaded = await tf.loadLayersModel(`file://${folder}`);
      await loaded.fit(x, y, { ...quiet, batchSize: 8, epochs: 2 });
      expect(valuesOf(loaded.getWeights())).toEqual(whole);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('after a batch of another size', async () => {
    const grown = await weightsAfter(async (model, x, y) => {
      await model.trainOnBatch(x.slice(0, 4), y.slice(0, 4));
      await model.fit(x, y, { ...quiet, batchSize: 32 });
    });
    const shrunk = await weightsAfter(async (model, x, y) => {
      await model.fit(x, y, { ...quiet, batchSize: 32, epochs: 0 });
      await model.trainOnBatch(x.slice(0, 4), y.slice(0, 4));
      await model.fit(x, y, { ...quiet, batchSize: 32 });
    });
    expect(grown).toEqual(shrunk);
  });
});

describe('weights', () => {
  it('that somebody sets count, and so does what other models make of them', async () => {
    const zeros = (model: tf.LayersModel) => model.setWeights(model.getWeights().map((w) => tf.zerosLike(w)));
    const plain = build(net, tf.train.sgd(0.1));
    const some = dataOf(net, 8);
    await plain.trainOnBatch(some.x, some.y);
    zeros(plain);
    await plain.trainOnBatch(some.x, some.y);
    const set = valuesOf(plain.getWeights());
    // Of zeros only the last bias has a gradient.
    for (const weight of set.slice(0, -1)) expect(weight.every((value) => value === 0)).toBe(true);
    expect(set.at(-1)?.some((value) => value !== 0)).toBe(true);

    const model = build(net, adam());
    const { x, y } = dataOf(net, 8);
    await model.trainOnBatch(x, y);
    const before = valuesOf(model.getWeights());
    const other = tf.model({ inputs: model.inputs, outputs: model.outputs });
    other.compile({ optimizer: tf.train.sgd(0.5), loss: net.loss });
    await other.trainOnBatch(x, y);
    const between = valuesOf(model.getWeights());
    expect(between).not.toEqual(before);
    model.compile({ optimizer: tf.train.sgd(0), loss: net.loss });
    await model.trainOnBatch(x, y);
    expect(valuesOf(model.getWeights())).toEqual(between);
  });

  it('that somebody has read stay as they were', async () => {
    const model = build(net, adam());
    const { x, y } = dataOf(net, 8);
    await model.trainOnBatch(x, y);
    const [kernel] = model.getWeights() as [tf.Tensor];
    const array = kernel.dataSync();
    const clone = kernel.clone();
    const copy = array.slice();
    await model.trainOnBatch(x, y);
    await model.fit(x, y, { ...quiet, epochs: 2 });
    expect(array).toEqual(copy);
    expect(clone.dataSync()).toEqual(copy);
    expect(kernel.dataSync()).not.toEqual(copy);
  });

  it('read in the middle of a fit are those of a finished step', async () => {
    const finished = new Set<string>();
    const key = (model: tf.LayersModel) => String((model.getWeights().at(-1) as tf.Tensor).dataSync());
    await weightsAfter((model, x, y) => {
      finished.add(key(model));
      return model.fit(x, y, {
        ...quiet,
        batchSize: 8,
        epochs: 30,
        callbacks: { onBatchEnd: async () => void finished.add(key(model)) },
      });
    });
    expect(finished.size).toBe(151);
    const seen: string[] = [];
    await weightsAfter(async (model, x, y) => {
      let done = false;
      const training = model.fit(x, y, { ...quiet, batchSize: 8, epochs: 30 }).then(() => {
        done = true;
      });
      while (!done) {
        seen.push(key(model));
        await sleep(1);
      }
      await training;
    });
    for (const weights of seen) expect(finished).toContain(weights);
  });
});

describe('another', () => {
  it('optimizer or loss after compile is used', async () => {
    const change = async (model: tf.Sequential, x: tf.Tensor, y: tf.Tensor) => {
      await model.trainOnBatch(x, y);
      model.compile({ optimizer: tf.train.sgd(0.1), loss: net.loss });
      await model.trainOnBatch(x, y);
    };
    const compiled = await weightsAfter(change);
    const eager = await weightsAfter((model, x, y) => {
      forceEager(model);
      return change(model, x, y);
    });
    for (const [i, weight] of compiled.entries()) {
      weight.forEach((value, k) => {
        // Adam takes full steps of what is nothing but rounding.
        expect(Math.abs(value - (eager[i]?.[k] as number))).toBeLessThan(2.1e-3);
      });
    }
  });

  it('learning rate is obeyed from the next step on', async () => {
    const model = build(net, tf.train.sgd(0.1));
    const { x, y } = dataOf(net, 8);
    await model.trainOnBatch(x, y);
    const before = valuesOf(model.getWeights());
    (model.optimizer as tf.SGDOptimizer).setLearningRate(0);
    await model.trainOnBatch(x, y);
    expect(valuesOf(model.getWeights())).toEqual(before);
  });

  it('state of the optimizer is used when it is set', async () => {
    const model = build(net, adam());
    const { x, y } = dataOf(net, 8);
    await model.trainOnBatch(x, y);
    const state = (await model.optimizer.getWeights()).map(({ name, tensor }) => ({
      name,
      tensor: tensor.clone(),
    }));
    const weights = model.getWeights().map((weight) => weight.clone());
    await model.trainOnBatch(x, y);
    const second = valuesOf(model.getWeights());
    await model.trainOnBatch(x, y);
    model.setWeights(weights);
    await model.optimizer.setWeights(state);
    await model.trainOnBatch(x, y);
    expect(valuesOf(model.getWeights())).toEqual(second);
  });
});

describe('an end', () => {
  it('by a NaN in the data names the step and keeps the weights before it', async () => {
    const model = build(net, adam());
    const { x, y } = dataOf(net, 40);
    const bad = tf.tensor(
      (x.dataSync() as Float32Array).map((value, i) => (i === 30 * 784 ? Number.NaN : value)),
      x.shape,
    );
    const failure = await model.fit(bad, y, { ...quiet, batchSize: 8 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'LOSS_NOT_FINITE' });
    expect((failure as Error).message).toContain('training step 4 ');
    const weights = valuesOf(model.getWeights());
    const three = await weightsAfter((other) =>
      other.fit(x.slice(0, 24), y.slice(0, 24), { ...quiet, batchSize: 8 }),
    );
    expect(weights).toEqual(three);
    await model.fit(x, y, { ...quiet, batchSize: 8 });
  });

  it('by disposing of the model is a clear error', async () => {
    const model = build(net, adam());
    const { x, y } = dataOf(net, 40);
    const training = model.fit(x, y, { ...quiet, batchSize: 8, epochs: 100 });
    setTimeout(() => model.dispose(), 20);
    await expect(training).rejects.toMatchObject({ code: 'MODEL_DISPOSED' });
  });

  it('of the data in the middle of a fit crashes nothing', async () => {
    const model = build(net, adam());
    const { x, y } = dataOf(net, 40);
    const training = model.fit(x, y, { ...quiet, batchSize: 8, epochs: 40 });
    for (let i = 0; i < 5; i++) {
      await sleep(2);
      x.dataSync();
    }
    await training;
    expect(valuesOf(model.getWeights()).every((weight) => weight.every(Number.isFinite))).toBe(true);
  });

  it('of 200 fits leaves no tensors behind', async () => {
    const model = build(nets['dense layers, large and small'] as Net, adam());
    const { x, y } = dataOf(nets['dense layers, large and small'] as Net, 16);
    await model.fit(x, y, quiet);
    const { numTensors, numDataBuffers } = tf.memory();
    for (let i = 0; i < 200; i++) await model.fit(x, y, quiet);
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
  });
});

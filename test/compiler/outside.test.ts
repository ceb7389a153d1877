/** What else a program does with a model's weights, optimizer and data between and during compiled steps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { build, dataOf, dense, distance, forceEager, type Net, nets, reseed, valuesOf } from './nets';

const net: Net = {
  input: [6],
  loss: 'sparseCategoricalCrossentropy',
  target: [1],
  classes: 4,
  layers: () => [dense(8, { activation: 'tanh' }), dense(4, { activation: 'softmax' })],
};
const momentum = () => tf.train.momentum(0.1, 0.9);
const rows = 12;
const quiet = { verbose: 0 as const, shuffle: false };

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

/**
 * Runs a program with compiled models and with eager ones, and expects of both that the same weights come out: of a
 * few steps of rate 0.1, in which sums of some 10 terms round at 2^-24.
 */
async function bothWays(
  program: (ready: <M extends tf.LayersModel>(model: M) => M) => Promise<tf.LayersModel>,
) {
  const compiled = await program((model) => {
    expect(tf.explain(model)).not.toMatch(/^Trains op by op/);
    return model;
  });
  const eager = await program((model) => {
    forceEager(model);
    return model;
  });
  const want = valuesOf(eager.getWeights());
  for (const [i, weight] of valuesOf(compiled.getWeights()).entries()) {
    const [difference, size] = distance(weight, want[i] as Float32Array);
    expect(difference, `weight ${i}`).toBeLessThanOrEqual(1e-5 * Math.max(0.1, size));
  }
}

describe('as eagerly', () => {
  it('steps of the same optimizer that the program takes itself count', async () => {
    await bothWays(async (ready) => {
      const model = ready(build(net, momentum()));
      const { x, y } = dataOf(net, rows);
      const loss = () =>
        tf.losses
          .softmaxCrossEntropy(tf.oneHot(tf.squeeze(y).toInt(), 4), tf.log(model.apply(x) as tf.Tensor))
          .asScalar();
      for (let i = 0; i < 2; i++) {
        await model.trainOnBatch(x, y);
        model.optimizer.minimize(
          loss,
          false,
          model.trainableWeights.map((w) => (w as never as { val: tf.Variable }).val),
        );
        await model.fit(x, y, { ...quiet, batchSize: 5 });
      }
      return model;
    });
  });

  it('a weight that is assigned counts', async () => {
    await bothWays(async (ready) => {
      const model = ready(build(net, momentum()));
      const { x, y } = dataOf(net, rows);
      for (const value of [0.25, -0.5]) {
        await model.trainOnBatch(x, y);
        const { val } = model.trainableWeights[1] as never as { val: tf.Variable };
        tf.tidy(() => val.assign(tf.fill([8], value)));
      }
      await model.trainOnBatch(x, y);
      return model;
    });
  });

  it('weights outlive the plan that trained them', async () => {
    setFlagsFromString('--expose_gc');
    const collect = runInNewContext('gc') as () => void;
    async function trained(): Promise<tf.LayersModel> {
      // Memory of this size goes back to the system at once.
      const wide = () => [dense(50_000, { activation: 'tanh' }), dense(4, { activation: 'softmax' })];
      const model = build({ ...net, layers: wide }, tf.train.sgd(0.01));
      const { x, y } = dataOf(net, rows);
      await model.trainOnBatch(x, y);
      return model;
    }
    // In an order that does not change with what is frozen.
    const weightsOf = ({ layers }: tf.LayersModel) => valuesOf(layers.flatMap((layer) => layer.getWeights()));
    const want = weightsOf(await trained());
    const model = await trained();
    // From here on the plan is of no use.
    (model.layers[1] as tf.layers.Layer).trainable = false;
    tf.explain(model);
    for (let i = 0; i < 5; i++) {
      await new Promise(setImmediate);
      collect();
    }
    for (const [i, values] of weightsOf(model).entries()) {
      const [difference] = distance(values, want[i] as Float32Array);
      expect(difference, `weight ${i}`).toBe(0);
    }
  });

  it('models that share layers train in turns', async () => {
    await bothWays(async (ready) => {
      reseed();
      const generator = tf.sequential({
        layers: [tf.layers.inputLayer({ inputShape: [3] }), dense(5, { activation: 'tanh' }), dense(6)],
      });
      const critic = tf.sequential({
        layers: [
          tf.layers.inputLayer({ inputShape: [6] }),
          dense(7, { activation: 'relu' }),
          dense(1, { activation: 'sigmoid' }),
        ],
      });
      critic.compile({ optimizer: momentum(), loss: 'binaryCrossentropy' });
      ready(critic);
      let through = generator.outputs[0] as tf.SymbolicTensor;
      const freeze = (frozen: boolean) => {
        for (const layer of critic.layers.slice(1)) layer.trainable = !frozen;
      };
      for (const layer of critic.layers.slice(1)) through = layer.apply(through) as tf.SymbolicTensor;
      freeze(true);
      const both = tf.model({ inputs: generator.inputs, outputs: through });
      both.compile({ optimizer: momentum(), loss: 'binaryCrossentropy' });
      ready(both);
      const noise = tf.tensor2d(
        Array.from({ length: 3 * rows }, (_, i) => Math.sin(i * 1.7)),
        [rows, 3],
      );
      const real = dataOf(net, rows).x;
      for (let i = 0; i < 3; i++) {
        freeze(false);
        await critic.trainOnBatch(real, tf.ones([rows, 1]));
        await critic.trainOnBatch(generator.predict(noise) as tf.Tensor, tf.zeros([rows, 1]));
        freeze(true);
        await both.trainOnBatch(noise, tf.ones([rows, 1]));
      }
      return both;
    });
  });

  it('a layer that is frozen or released counts, with and without compiling again', async () => {
    await bothWays(async (ready) => {
      const model = ready(build(net, tf.train.sgd(0.1)));
      const { x, y } = dataOf(net, rows);
      const [, first] = model.layers as [unknown, tf.layers.Layer];
      for (const trainable of [true, false, true, false]) {
        first.trainable = trainable;
        const before = valuesOf(first.getWeights()).map((values) => values.slice());
        await model.trainOnBatch(x, y);
        const after = valuesOf(first.getWeights());
        if (trainable) expect(after).not.toEqual(before);
        else expect(after).toEqual(before);
      }
      model.compile({ optimizer: momentum(), loss: net.loss });
      await model.trainOnBatch(x, y);
      first.trainable = true;
      model.compile({ optimizer: momentum(), loss: net.loss });
      await model.trainOnBatch(x, y);
      return model;
    });
  });

  it('an optimizer serves two models of one form in turns', async () => {
    await bothWays(async (ready) => {
      const optimizer = momentum();
      const [model, other] = [ready(build(net, optimizer)), ready(build(net, optimizer))];
      const { x, y } = dataOf(net, rows);
      for (let i = 0; i < 3; i++) {
        await model.trainOnBatch(x, y);
        await other.trainOnBatch(x, y);
      }
      return model;
    });
  });

  it('training goes on after some of it on another backend', async () => {
    await bothWays(async (ready) => {
      const model = ready(build(net, momentum()));
      const { x, y } = dataOf(net, rows);
      await model.trainOnBatch(x, y);
      await tf.setBackend('cpu');
      await model.trainOnBatch(x, y);
      await tf.setBackend('native');
      await model.trainOnBatch(x, y);
      return model;
    });
  });

  it.each(['int32', 'bool'] as const)('inputs of %s and labels of int32 train', async (dtype) => {
    await bothWays(async (ready) => {
      const model = ready(build(net, momentum()));
      const x = dataOf(net, rows).x.greater(0).cast(dtype);
      const y = dataOf(net, rows).y.toInt();
      await model.trainOnBatch(x, y);
      await model.fit(x, y, { ...quiet, batchSize: 5 });
      return model;
    });
  });

  it('labels that are no class train', async () => {
    await bothWays(async (ready) => {
      const model = ready(build(net, momentum()));
      const { x } = dataOf(net, rows);
      await model.fit(
        x,
        tf.tensor2d(
          Array.from({ length: rows }, (_, i) => (i % 8) - 2),
          [rows, 1],
        ),
        quiet,
      );
      return model;
    });
  });

  it('samples and classes are weighed', async () => {
    await bothWays(async (ready) => {
      const model = ready(build(net, momentum()));
      const { x, y } = dataOf(net, rows);
      const sampleWeight = tf.tensor1d(Array.from({ length: rows }, (_, i) => (i % 3) / 2));
      const classWeight = { 0: 2, 1: 0, 2: 1, 3: 0.5 };
      await model.fit(x, y, { ...quiet, batchSize: 5, sampleWeight, classWeight });
      return model;
    });
  });
});

it('an optimizer that has seen a model of another form is refused, not read beyond its state', async () => {
  const optimizer = tf.train.adam(0.01);
  const small = build(net, optimizer);
  const { x, y } = dataOf(net, rows);
  await small.trainOnBatch(x, y);
  const large = build({ ...net, layers: () => [dense(90), dense(4, { activation: 'softmax' })] }, optimizer);
  await expect(large.trainOnBatch(x, y)).rejects.toThrow(/shape|optimizer/i);
  await small.trainOnBatch(x, y);
  expect(valuesOf(small.getWeights()).every((weight) => weight.every(Number.isFinite))).toBe(true);
});

describe('in the callbacks of fit', () => {
  it('the optimizer that is saved has the state of that epoch', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tfjs-native-outside-'));
    try {
      const { x, y } = dataOf(net, rows);
      const model = build(net, tf.train.adam(0.01));
      const onEpochEnd = async (epoch: number) => {
        if (epoch === 1) await model.save(`file://${folder}`, { includeOptimizer: true });
      };
      await model.fit(x, y, { ...quiet, batchSize: 5, epochs: 4, callbacks: { onEpochEnd } });
      const loaded = await tf.loadLayersModel(`file://${folder}`);
      await loaded.fit(x, y, { ...quiet, batchSize: 5, epochs: 2 });
      expect(valuesOf(loaded.getWeights())).toEqual(valuesOf(model.getWeights()));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('weights are those of the step that has ended', async () => {
    const seen: Float32Array[][] = [];
    const { x, y } = dataOf(net, rows);
    const model = build(net, momentum());
    const onBatchEnd = async () => void seen.push(valuesOf(model.getWeights()));
    await model.fit(x, y, { ...quiet, batchSize: 4, callbacks: { onBatchEnd } });
    expect(seen.length).toBe(3);
    for (const [i, weights] of seen.entries()) {
      const other = build(net, momentum());
      const count = 4 * (i + 1);
      await other.fit(x.slice(0, count), y.slice(0, count), { ...quiet, batchSize: 4 });
      expect(weights).toEqual(valuesOf(other.getWeights()));
    }
  });
});

describe('data', () => {
  // Behind a tanh the loss is finite all the same, and only the weights would not be.
  it.each([
    ['linear', Number.POSITIVE_INFINITY],
    ['tanh', Number.NEGATIVE_INFINITY],
    ['linear', 1e30],
    ['relu', Number.NaN],
  ] as const)(
    'that are not finite or too large end training with good weights: %s, %d',
    async (activation, bad) => {
      const { x, y } = dataOf(net, rows);
      const values = (x.dataSync() as Float32Array).slice();
      for (let i = 0; i < 6; i++) values[6 * 9 + i] = bad;
      const layers = () => [
        dense(8, { activation }),
        tf.layers.batchNormalization(),
        dense(4, { activation: 'softmax' }),
      ];
      const train = async (count: number, epochs: number) => {
        const model = build({ ...net, layers }, tf.train.momentum(5, 0.9));
        const bads = tf.tensor(values, x.shape).slice(0, count);
        const training = model.fit(bads, y.slice(0, count), { ...quiet, batchSize: 4, epochs });
        return { model, training };
      };
      const good = await train(8, 1);
      await good.training;
      const { model, training } = await train(12, 3);
      await expect(training).rejects.toMatchObject({
        code: 'LOSS_NOT_FINITE',
        message: expect.stringContaining('training step 3 '),
      });
      expect(valuesOf(model.getWeights())).toEqual(valuesOf(good.model.getWeights()));
      const state = async ({ optimizer }: tf.LayersModel) =>
        valuesOf((await optimizer.getWeights()).map(({ tensor }) => tensor));
      expect(await state(model)).toEqual(await state(good.model));
      await model.fit(x, y, quiet);
    },
  );

  it('may be disposed of during fit', async () => {
    const seed = nets['the seed CNN'] as Net;
    const { x, y } = dataOf(seed, 40);
    const model = build(seed, tf.train.adam());
    const training = model.fit(x, y, { ...quiet, batchSize: 8, epochs: 30 }).then(
      () => 'done',
      (error: Error) => error.message,
    );
    setTimeout(() => {
      x.dispose();
      y.dispose();
      // What takes its memory next.
      tf.fill([40, 28, 28, 1], 1e30);
    }, 20);
    expect(await training).toMatch(/done|disposed/);
    expect(valuesOf(model.getWeights()).every((weight) => weight.every((v) => Math.abs(v) < 100))).toBe(true);
  });
});

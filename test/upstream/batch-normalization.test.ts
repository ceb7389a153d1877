import * as tf from 'tfjs-native';
import { afterAll, describe, expect, it } from 'vitest';
import { nativeRuns } from '../kernels/like-cpu';

type Results = Record<string, number[]>;

/** Numbers of about [-1, 1], the same each time. */
const wave = (length: number, step: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * step) + 0.1 * Math.cos(i * i));

function expectClose(got: Results, want: Results, roundings: number): void {
  expect(Object.keys(got)).toEqual(Object.keys(want));
  for (const [key, values] of Object.entries(want)) {
    expect(got[key]?.length, key).toBe(values.length);
    const scale = Math.max(...values.map(Math.abs), 1e-3);
    const worst = Math.max(...values.map((v, i) => Math.abs(v - (got[key]?.[i] as number))));
    expect(worst, key).toBeLessThanOrEqual(scale * roundings * 2 ** -24);
  }
}

const both = async (run: () => Results): Promise<[Results, Results]> => {
  await tf.setBackend('cpu');
  const cpu = tf.tidy(run);
  await tf.setBackend('native');
  return [tf.tidy(run), cpu];
};

interface Case {
  shape: number[];
  config?: Parameters<typeof tf.layers.batchNormalization>[0];
}

/** Forward in training, the moving averages, and first and second gradients. */
function layerResults({ shape, config = {} }: Case): Results {
  const axis = config.axis ?? -1;
  const channels = shape.at(axis) as number;
  const layer = tf.layers.batchNormalization({ momentum: 0.9, ...config });
  layer.build(shape);
  const gamma = tf.tensor1d(wave(channels, 0.7));
  const beta = tf.tensor1d(wave(channels, 1.3));
  layer.setWeights([gamma, beta, tf.zeros([channels]), tf.ones([channels])]);
  const size = shape.reduce((a, b) => a * b, 1);
  const x = tf.tensor(
    wave(size, 2.1).map((v, i) => 2 + v * (1 + (i % channels) / 4)),
    shape,
  );
  const weights = tf.tensor(wave(size, 3.7), shape);
  const apply = (input: tf.Tensor) => layer.apply(input, { training: true }) as tf.Tensor;
  const loss = (input: tf.Tensor) => tf.sum(tf.mul(weights, tf.square(apply(input)))) as tf.Scalar;
  const results: Results = { y: [...apply(x).dataSync()] };
  const read = layer.getWeights().map((w) => [...w.dataSync()]);
  results.movingMean = read[2] as number[];
  results.movingVariance = read[3] as number[];
  results.dx = [...tf.grad(loss)(x).dataSync()];
  const { grads } = tf.variableGrads(
    () => loss(x),
    layer.trainableWeights.map((w) => w.read() as tf.Variable),
  );
  Object.values(grads).forEach((gradient, i) => {
    results[`d${i}`] = [...gradient.dataSync()];
  });
  const second = tf.grad((input) => tf.sum(tf.mul(weights, tf.square(tf.grad(loss)(input)))));
  results.ddx = [...second(x).dataSync()];
  return results;
}

describe('batchNormalization in training', () => {
  afterAll(async () => {
    await tf.setBackend('native');
  });

  const ops = ['FusedBatchNormTraining', 'FusedBatchNormTrainingGrad'];

  it.each<Case>([
    { shape: [16, 5] },
    { shape: [2, 7, 20] },
    { shape: [3, 4, 5, 6] },
    { shape: [2, 5, 5, 67], config: { epsilon: 1e-2, momentum: 0.5 } },
    { shape: [3, 4, 5, 6], config: { axis: 3 } },
  ])('$shape: output, averages, first and second gradients as on cpu', async (item) => {
    const [native, cpu] = await both(() => layerResults(item));
    expect([...nativeRuns].filter((op) => ops.includes(op)).sort()).toEqual(ops);
    // Sums of some hundred terms, four of them one after the other for the second gradient.
    expectClose(native, cpu, 1000);
  });

  it('along another axis, whose gradients TensorFlow.js lacks, its own ops run', async () => {
    const run = (): Results => {
      const layer = tf.layers.batchNormalization({ axis: 1 });
      const y = layer.apply(tf.tensor(wave(60, 0.3), [3, 4, 5]), { training: true }) as tf.Tensor;
      return Object.fromEntries([y, ...layer.getWeights()].map((t, i) => [`${i}`, [...t.dataSync()]]));
    };
    const [native, cpu] = await both(run);
    expect([...nativeRuns].filter((op) => ops.includes(op))).toEqual([]);
    expectClose(native, cpu, 30);
  });

  it('statistics do not suffer from a large mean', () => {
    const values = wave(40000, 0.9).map((v) => 1e4 + v);
    const x = tf.tensor2d(values, [20000, 2]);
    const layer = tf.layers.batchNormalization({ momentum: 0 });
    layer.apply(x, { training: true });
    const [, , mean, variance] = layer.getWeights().map((w) => [...w.dataSync()]) as number[][];
    for (const c of [0, 1]) {
      const column = [...values].filter((_, i) => i % 2 === c);
      const exactMean = column.reduce((a, b) => a + b) / column.length;
      const exact = column.reduce((sum, v) => sum + (v - exactMean) ** 2, 0) / column.length;
      expect(Math.abs((mean?.[c] as number) - exactMean)).toBeLessThan(1e4 * 2 ** -23);
      expect(Math.abs((variance?.[c] as number) - exact)).toBeLessThan(exact * 1e-5);
    }
  });

  it('works without scale and offset, where TensorFlow.js fails', () => {
    const x = tf.tensor2d(wave(60, 1.7), [20, 3]);
    const plain = tf.layers.batchNormalization({ scale: false, center: false });
    const full = tf.layers.batchNormalization({});
    const [a, b] = [plain, full].map((layer) => layer.apply(x, { training: true }) as tf.Tensor);
    expect([...(a as tf.Tensor).dataSync()]).toEqual([...(b as tf.Tensor).dataSync()]);
    expect(plain.trainableWeights.length).toBe(0);
  });

  it('trains a small net as on cpu does', async () => {
    const run = async (): Promise<Results> => {
      const seed = 3;
      const kernelInitializer = () => tf.initializers.glorotUniform({ seed });
      const model = tf.sequential({
        layers: [
          tf.layers.conv2d({
            inputShape: [6, 6, 2],
            filters: 5,
            kernelSize: 3,
            kernelInitializer: kernelInitializer(),
          }),
          tf.layers.batchNormalization({ momentum: 0.8 }),
          tf.layers.reLU(),
          tf.layers.flatten(),
          tf.layers.dense({ units: 7, kernelInitializer: kernelInitializer() }),
          tf.layers.batchNormalization({}),
          tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: kernelInitializer() }),
        ],
      });
      model.compile({ optimizer: tf.train.sgd(0.1), loss: 'categoricalCrossentropy' });
      const x = tf.tensor4d(wave(8 * 72, 0.77), [8, 6, 6, 2]);
      const y = tf.oneHot(tf.tensor1d([0, 1, 2, 1, 0, 2, 2, 1], 'int32'), 3);
      const results: Results = { losses: [] };
      for (let step = 0; step < 5; step++) results.losses?.push((await model.trainOnBatch(x, y)) as number);
      model.getWeights().forEach((w, i) => {
        results[`weight ${i}`] = [...w.dataSync()];
      });
      results.prediction = [...(model.predict(x) as tf.Tensor).dataSync()];
      model.dispose();
      tf.dispose([x, y]);
      return results;
    };
    await tf.setBackend('cpu');
    const cpu = await run();
    await tf.setBackend('native');
    // Roundings grow from step to step, since each normalises by what the step before made.
    expectClose(await run(), cpu, 5000);
  });

  it('leaves nothing behind', async () => {
    const model = tf.sequential({
      layers: [tf.layers.batchNormalization({ inputShape: [4] }), tf.layers.dense({ units: 1 })],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const x = tf.tensor2d(wave(32, 0.5), [8, 4]);
    const y = tf.ones([8, 1]);
    await model.trainOnBatch(x, y);
    const before = tf.memory();
    for (let i = 0; i < 4; i++) await model.trainOnBatch(x, y);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
    model.dispose();
    tf.dispose([x, y]);
  });

  it('gives layers the names that TensorFlow.js gives', () => {
    const names = [1, 2].map(() => tf.layers.batchNormalization({}).name);
    const number = (name: string | undefined) => Number(/BatchNormalization(\d+)$/.exec(name ?? '')?.[1]);
    expect(number(names[1])).toBe(number(names[0]) + 1);
  });
});

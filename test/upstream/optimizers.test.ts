import * as tf from 'tfjs-native';
import { afterAll, describe, expect, it } from 'vitest';

const makers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  nesterov: () => tf.train.momentum(0.1, 0.9, true),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  'rmsprop centered': () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-7, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(1, 0.95, 1e-6),
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01, 0.9, 0.999, 1e-7, 0.1),
};

/** The variables and the optimizer's weights after some steps of minimising a quadratic, on a backend. */
async function run(backend: string, make: () => tf.Optimizer): Promise<Record<string, number[]>> {
  await tf.setBackend(backend);
  const values = Float32Array.from({ length: 1003 }, (_, i) => Math.sin(i));
  const x = tf.variable(tf.tensor1d(values), true, `x-${backend}-${Math.random()}`);
  const y = tf.variable(tf.scalar(2), true, `y-${backend}-${Math.random()}`);
  const target = tf.tensor1d(values.map((v, i) => v * Math.cos(i) + 0.3));
  const optimizer = make();
  for (let step = 0; step < 10; step++) {
    optimizer.minimize(() => tf.add(tf.sum(tf.square(tf.sub(x, target))), tf.square(y)) as tf.Scalar);
  }
  // Upstream has not implemented it for Adamax.
  const weights = optimizer instanceof tf.AdamaxOptimizer ? [] : await optimizer.getWeights();
  const all: Record<string, number[]> = { x: [...x.dataSync()], y: [...y.dataSync()] };
  for (const [i, { name, tensor }] of weights.entries()) {
    all[`${i} ${name.replace(/^.*\//, '')}`] = [...tensor.dataSync()];
  }
  optimizer.dispose();
  tf.dispose([x, y, target]);
  return all;
}

describe("tf.train's optimizers in one native pass", () => {
  afterAll(async () => {
    await tf.setBackend('native');
  });

  it.each(Object.keys(makers))('%s: variables and state of 10 steps as on cpu', async (name) => {
    const native = await run('native', makers[name] as () => tf.Optimizer);
    const cpu = await run('cpu', makers[name] as () => tf.Optimizer);
    expect(Object.keys(native)).toEqual(Object.keys(cpu));
    for (const [key, values] of Object.entries(cpu)) {
      const scale = Math.max(...values.map(Math.abs), 1e-6);
      // 10 steps of about 15 roundings each, amplified by the contraction's factor (below 2 a step).
      const bound = scale * 10 * 15 * 2 ** -24 * 4;
      const worst = Math.max(...values.map((v, i) => Math.abs(v - (native[key]?.[i] as number))));
      expect(worst, key).toBeLessThanOrEqual(bound);
    }
  });

  it('leaves nothing behind', () => {
    tf.tidy(() => {
      const x = tf.variable(tf.ones([10]));
      const optimizer = tf.train.adam(0.1);
      const step = () => optimizer.minimize(() => tf.sum(tf.square(x)) as tf.Scalar);
      step();
      const before = tf.memory().numTensors;
      for (let i = 0; i < 5; i++) step();
      expect(tf.memory().numTensors).toBe(before);
      optimizer.dispose();
      x.dispose();
    });
  });

  it("keeps what a user holds of a variable's earlier value", () => {
    const x = tf.variable(tf.tensor1d([1, 2, 3]));
    const held = x.clone();
    tf.train.sgd(1).minimize(() => tf.sum(x) as tf.Scalar);
    expect([...held.dataSync()]).toEqual([1, 2, 3]);
    expect([...x.dataSync()]).toEqual([0, 1, 2]);
    tf.dispose([x, held]);
  });
});

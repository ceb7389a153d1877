/**
 * ResNet-8, on `native` and on TensorFlow without oneDNN's kernels: with these, TensorFlow 2.9.1 may crash in the gradient of its
 * 1x1 convolutions with strides of 2.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from 'tfjs-native';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { distance, forceEager, valuesOf } from '../compiler/nets';
import { root } from '../public/run';
import { record } from './report';

const { build } = createRequire(import.meta.url)(join(root, 'scripts/bench/models.cjs')) as {
  build(own: typeof tf, name: string): tf.LayersModel;
};

beforeAll(() => {
  process.chdir(process.env['TENSORFLOW_PROJECT'] as string);
  process.env['TF_ENABLE_ONEDNN_OPTS'] = '0';
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterAll(() => tf.useBackend('native'));

type Way = 'compiled' | 'eager' | 'tensorflow';

async function train(way: Way): Promise<{ gradients: Float32Array[]; losses: number[] }> {
  await tf.useBackend(way === 'tensorflow' ? 'tensorflow' : 'native');
  tf.setSeed(1);
  const model = build(tf, 'resnet8');
  const compile = (rate: number) =>
    model.compile({ optimizer: tf.train.sgd(rate), loss: 'sparseCategoricalCrossentropy' });
  compile(1);
  if (way === 'eager') forceEager(model);
  const x = tf.randomUniform([8, 32, 32, 3]);
  const y = tf.floor(tf.randomUniform([8], 0, 10));
  const copy = () => model.getWeights().map((weight) => weight.clone());
  const first = copy();
  const before = valuesOf(first);
  // With plain gradient descent at rate 1 a weight changes by its gradient.
  await model.trainOnBatch(x, y);
  const gradients = valuesOf(model.getWeights()).map((after, i) =>
    after.map((value, k) => (before[i]?.[k] as number) - value),
  );
  model.setWeights(first);
  compile(0.01);
  const losses: number[] = [];
  for (let step = 0; step < 5; step++) losses.push((await model.trainOnBatch(x, y)) as number);
  return { gradients, losses };
}

it.each(['compiled', 'eager'] as const)('trains %s as on TensorFlow', async (way) => {
  const [ours, theirs] = [await train(way), await train('tensorflow')];
  const most = Math.max(...theirs.gradients.map((gradient) => distance(gradient, gradient)[1]));
  const compare = (what: string, a: ArrayLike<number>, b: ArrayLike<number>, bound: number): void => {
    const [difference] = distance(a, b);
    record({ subject: 'ResNet-8', what, sides: `native ${way}, tensorflow`, difference, bound });
    expect(difference, what).toBeLessThanOrEqual(bound);
  };
  for (const [i, gradient] of ours.gradients.entries())
    compare(`gradient ${i}`, gradient, theirs.gradients[i] as Float32Array, 2 ** -22 + 2e-5 * most);
  compare('losses of 5 steps', ours.losses, theirs.losses, 1e-4);
});

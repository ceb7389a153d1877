/** On a machine whose TensorFlow has a GPU; elsewhere these are reported as not run. */
import * as tf from 'tfjs-native';
import { afterAll, expect, it } from 'vitest';
import { build, dataOf, type Net, nets } from '../compiler/nets';

process.chdir(process.env['TENSORFLOW_PROJECT'] as string);
await tf.useBackend('tensorflow', { memoryGrowth: true });
const { tensorflow } = tf.info();
const onGpu = it.skipIf(!tensorflow?.gpu);
afterAll(() => tf.useBackend('native'));

onGpu('is chosen by auto, and named', async () => {
  expect(await tf.useBackend('auto', { requireGpu: true })).toBe('tensorflow');
  expect(tensorflow?.device).not.toBe('CPU');
  expect(tensorflow?.withoutGpu).toBeUndefined();
});

onGpu('trains', async () => {
  const net = nets['the seed CNN'] as Net;
  const { x, y } = dataOf(net, 64);
  const { history } = await build(net, tf.train.adam(0.001)).fit(x, y, { epochs: 5, verbose: 0 });
  const losses = history['loss'] as number[];
  expect(losses.at(-1)).toBeLessThan(losses[0] as number);
});

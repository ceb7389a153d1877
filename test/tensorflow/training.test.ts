/**
 * Whole trainings of the seed CNN on MNIST: test accuracies on `native` and on `tensorflow`, of the same seeds.
 * `IMAGES=60000 EPOCHS=5` are those of `tfjs-native train mnist-cnn`, some ten minutes of TensorFlow.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'tfjs-native';
import { loadMnist, slice } from 'tfjs-native/data';
import { train } from 'tfjs-native/train';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { record } from './report';

const images = Number(process.env['IMAGES'] ?? 6000);
const epochs = Number(process.env['EPOCHS'] ?? 1);
const seeds = [1, 2, 3];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-native-training-'));
});
afterAll(async () => {
  await tf.useBackend('native');
  rmSync(folder, { recursive: true });
});

it(`${images} images, ${epochs} epochs`, { timeout: 3_600_000 }, async () => {
  const all = await loadMnist();
  const data = { train: slice(all.train, 0, images), test: all.test };
  process.chdir(process.env['TENSORFLOW_PROJECT'] as string);
  const accuracies: Record<string, number[]> = {};
  for (const backend of ['native', 'tensorflow'] as const) {
    await tf.useBackend(backend);
    const reached: number[] = [];
    for (const seed of seeds) {
      const { model, test, backend: used } = await train({ data, epochs, seed, out: join(folder, backend) });
      expect(used).toBe(backend);
      reached.push(test?.accuracy as number);
      model.optimizer.dispose();
      model.dispose();
    }
    accuracies[backend] = reached;
  }
  console.log(JSON.stringify(accuracies));
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b) / list.length;
  const [native, tensorflow] = [accuracies['native'], accuracies['tensorflow']] as [number[], number[]];
  // Rounding makes trainings of one seed part ways, as other seeds do: three standard errors of a share of the test images,
  // of the difference of two means.
  const miss = 1 - mean(tensorflow);
  const deviation = Math.sqrt((miss * (1 - miss)) / data.test.count);
  const bound = 3 * deviation * Math.sqrt(2);
  const difference = Math.abs(mean(native) - mean(tensorflow));
  record({
    subject: 'mnist-cnn, trained',
    what: 'mean test accuracy of 3 seeds',
    sides: 'native, tensorflow',
    difference,
    bound,
  });
  expect(difference).toBeLessThanOrEqual(bound);
});

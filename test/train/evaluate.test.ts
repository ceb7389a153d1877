import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as tf from 'tfjs-native';
import { mnistCnn } from 'tfjs-native/models';
import { evaluate, evaluateModel } from 'tfjs-native/train';
import { smallMnist, temporaryFolder } from '../data/idx-files';
import { smallData } from './small-data';

async function saved(model: tf.LayersModel, includeOptimizer = true): Promise<string> {
  const folder = temporaryFolder();
  await model.save(`file://${folder}`, { includeOptimizer });
  return folder;
}

/** Small dense models, so that nothing but loading and evaluating matters. */
function dense(units: number, inputShape: number[] = [28, 28, 1]): tf.Sequential {
  return tf.sequential({
    layers: [tf.layers.flatten({ inputShape }), tf.layers.dense({ units, activation: 'softmax' })],
  });
}

describe('evaluateModel', () => {
  test('gives loss and accuracy of the test images', async () => {
    const { test } = await smallData(1, 300);
    const model = dense(10);
    // Says 7 with probability 0.9, whatever the image is.
    const bias = Array.from({ length: 10 }, (_, digit) => Math.log(digit === 7 ? 0.9 : 0.1 / 9));
    model.layers[1]?.setWeights([tf.zeros([784, 10]), tf.tensor1d(bias)]);
    const sevens = [...test.labels].filter((label) => label === 7).length;
    const { loss, accuracy } = await evaluateModel(await saved(model, false), test);
    expect(accuracy).toBe(sevens / 300);
    const expected = -(sevens * Math.log(0.9) + (300 - sevens) * Math.log(0.1 / 9)) / 300;
    expect(loss).toBeCloseTo(expected, 5);
  });

  test('takes a folder of idx files, of which it needs the test set only', async () => {
    const data = smallMnist(temporaryFolder(), { train: 0, test: 20 });
    const { test } = await smallData(1, 20);
    const folder = await saved(mnistCnn({ seed: 2 }));
    expect(await evaluateModel(folder, data)).toEqual(await evaluateModel(folder, test));
  });

  test('does not care how the model was trained, and leaves no tensors', async () => {
    const model = dense(10);
    model.compile({ optimizer: 'rmsprop', loss: 'meanSquaredError' });
    const folder = await saved(model);
    const { test } = await smallData(1, 20);
    const tensors = tf.memory().numTensors;
    await evaluateModel(folder, test);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test('refuses a model for other images or classes', async () => {
    const { test } = await smallData(1, 5);
    const folder = await saved(dense(7));
    const error = await evaluateModel(folder, test).catch((thrown: unknown) => thrown as tf.TfjsNativeError);
    expect(error).toMatchObject({ code: 'MODEL_UNSUITABLE' });
    expect((error as Error).message).toContain(`${folder} is 28 x 28 x 1 -> 7 `);
    expect((error as Error).message).toContain('need 28 x 28 x 1 -> 10');
    await expect(evaluateModel(await saved(dense(10, [32, 32, 3])), test)).rejects.toThrow(
      '32 x 32 x 3 -> 10',
    );
  });

  test('refuses a folder without a whole model, and names it', async () => {
    const { test } = await smallData(1, 5);
    const refused = (folder: string) =>
      evaluateModel(folder, test).catch((error: unknown) => error as tf.TfjsNativeError);
    const missing = join(temporaryFolder(), 'nowhere');
    const empty = temporaryFolder();
    const cut = await saved(dense(10));
    writeFileSync(join(cut, 'weights.bin'), readFileSync(join(cut, 'weights.bin')).subarray(0, 1000));
    const broken = await saved(dense(10));
    writeFileSync(join(broken, 'model.json'), '{"modelTopology": {"class_name": "Nonsense", "config": {}}}');
    const folderInPlace = temporaryFolder();
    mkdirSync(join(folderInPlace, 'model.json'));
    for (const folder of [missing, empty, cut, broken, folderInPlace]) {
      const error = await refused(folder);
      expect(error, folder).toMatchObject({ code: 'MODEL_NOT_LOADED' });
      expect((error as Error).message).toContain(folder);
    }
  });
});

test('evaluate can be stopped', async () => {
  const { test } = await smallData(1, 20);
  const model = dense(10);
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  expect(await evaluate(model, test, { signal: AbortSignal.abort() })).toBeUndefined();
  expect(await evaluate(model, test)).toMatchObject({ accuracy: expect.any(Number) as number });
});

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as tf from 'tfjs-native';
import { type ImageSets, slice } from 'tfjs-native/data';
import { evaluateModel, finetune, type FinetuneOptions, train } from 'tfjs-native/train';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { temporaryFolder } from '../data/idx-files';
import { smallData } from './small-data';

const folder = join(mkdtempSync(join(tmpdir(), 'tfjs-native-test-')), 'base');

function disposeModel(model: tf.LayersModel): void {
  model.optimizer.dispose();
  model.dispose();
}

beforeAll(async () => {
  const { model } = await train({ data: await smallData(2000, 300), epochs: 1, out: folder });
  disposeModel(model);
});

afterAll(() => rmSync(join(folder, '..'), { recursive: true }));

/** Odd and even digits. */
async function parity(): Promise<ImageSets> {
  const { train: all } = await smallData(3000, 10);
  const of = (from: number, to: number) => {
    const part = slice(all, from, to);
    const labels = part.labels.map((label: number) => label % 2) as Uint8Array;
    return { ...part, labels, classes: 2, classNames: ['even', 'odd'] };
  };
  return { train: of(2000, 2800), test: of(2800, 3000) };
}

const weightsOf = (model: tf.LayersModel, name: string) =>
  model
    .getLayer(name)
    .getWeights()
    .map((weight) => [...weight.dataSync()]);

async function tuned(options: Omit<FinetuneOptions, 'data' | 'out'> & Partial<FinetuneOptions>) {
  const out = join(temporaryFolder(), 'tuned');
  const old = (await smallData(10, 300)).test;
  return { out, result: await finetune(folder, { data: await parity(), oldData: old, out, ...options }) };
}

describe('finetune', () => {
  test('replaces the head where the classes are others, and keeps what is frozen', async () => {
    const base = await tf.loadLayersModel(`file://${folder}/model.json`);
    const { out, result } = await tuned({ freeze: 2, epochs: 4, learningRate: 1e-3 });
    expect(result).toMatchObject({ newHead: true, frozen: ['conv1', 'conv2'], folder: out });
    expect(result.model.outputs[0]?.shape).toEqual([null, 2]);
    for (const name of ['conv1', 'conv2'])
      expect(weightsOf(result.model, name)).toEqual(weightsOf(base, name));
    expect(result.newTest.before).toBeUndefined();
    expect(result.newTest.after?.accuracy).toBeGreaterThan(0.85);
    // The body has not changed, so that the old head says the same.
    expect(result.oldTest?.after).toEqual(result.oldTest?.before);
    const report = await evaluateModel(out, (await parity()).test);
    expect(report.accuracy).toBe(result.newTest.after?.accuracy);
    expect(report.classes.map(({ name }) => name)).toEqual(['even', 'odd']);
    disposeModel(result.model);
    disposeModel(base);
  });

  test('keeps the head where the classes are the same, and tells before and after', async () => {
    const { train: all } = await smallData(3000, 10);
    const data = { train: slice(all, 2000, 2800), test: slice(all, 2800, 3000) };
    const { result } = await tuned({ data, epochs: 2 });
    expect(result).toMatchObject({ newHead: false, frozen: [] });
    const before = await evaluateModel(folder, data.test);
    expect(result.newTest.before).toMatchObject({ accuracy: before.accuracy, loss: before.loss });
    const old = await evaluateModel(folder, (await smallData(10, 300)).test);
    expect(result.oldTest?.before).toMatchObject({ accuracy: old.accuracy, loss: old.loss });
    expect(result.oldTest?.after?.loss).not.toBe(old.loss);
    disposeModel(result.model);
    const { result: forced } = await tuned({ data, epochs: 1, newHead: true, freeze: ['conv1'] });
    expect(forced).toMatchObject({ newHead: true, frozen: ['conv1'] });
    disposeModel(forced.model);
  });

  test('leaves no tensors behind, neither of the old head nor after an error', async () => {
    // Each save of an optimizer leaves its count of iterations, made by tfjs-core.
    const saves = 2;
    const before = tf.memory().numTensors;
    const { result } = await tuned({ epochs: 1 });
    disposeModel(result.model);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(before + saves);
    const then = tf.memory().numTensors;
    await expect(tuned({ freeze: 9 })).rejects.toThrow('freeze is 9');
    await expect(tuned({ batch: 1e6 })).rejects.toThrow('batch is 1000000');
    expect(tf.memory().numTensors).toBe(then);
  });

  test('that was stopped goes on as if it had not been', async () => {
    const weights = (model: tf.LayersModel) => model.getWeights().map((weight) => [...weight.dataSync()]);
    const options = { epochs: 2, freeze: 1 };
    const { result: whole } = await tuned(options);
    const controller = new AbortController();
    let steps = 0;
    const { out, result: first } = await tuned({
      ...options,
      signal: controller.signal,
      onEvent: ({ event }) => {
        if (event === 'step' && ++steps === 30) controller.abort();
      },
    });
    expect(first).toMatchObject({ stopped: true, newTest: { after: undefined } });
    disposeModel(first.model);
    const { result: rest } = await tuned({ freeze: 1, resume: true, out });
    expect(weights(rest.model)).toEqual(weights(whole.model));
    expect(rest.newTest).toEqual(whole.newTest);
    for (const { model } of [whole, rest]) disposeModel(model);
  });

  test.each([
    [{ freeze: 3 }, 'freeze is 3; expected a whole number from 0 to 2: the model has 3 layers with weights'],
    [
      { freeze: ['conv9'] },
      'freeze is "conv9"; expected names of layers with weights: conv1, conv2, dense_new',
    ],
    [{ freeze: ['conv1', 'conv2', 'dense_new'] }, 'a layer has to be left to train'],
    [{ learningRate: 0 }, 'learningRate is 0; expected a number above 0'],
    [{ l2: 0.1 } as object, 'option is "l2"'],
  ])('refuses %j', async (options, message) => {
    await expect(tuned(options)).rejects.toThrow(message);
  });

  test('refuses images of another size, and data of one class', async () => {
    const data = await parity();
    const other = { ...data.train, height: 14, width: 56 };
    await expect(tuned({ data: { ...data, train: other } })).rejects.toThrow('14 x 56 x 1 -> 2');
    const one = { ...data.train, labels: new Uint8Array(data.train.count) };
    await expect(tuned({ data: { ...data, train: one } })).rejects.toThrow('all of class even');
  });
});

import { describe, expect, test } from 'vitest';
import * as tf from 'tfjs-native';
import {
  type Batch,
  batches,
  type BatchSource,
  type ImageDataset,
  slice,
  splitValidation,
} from 'tfjs-native/data';

/** Images of 2 x 3 x 2 values; image i begins with the value i and has the class i mod 7. */
function dataset(count: number): ImageDataset<Uint8Array> {
  const size = 12;
  const images = Uint8Array.from({ length: count * size }, (_, at) =>
    at % size === 0 ? at / size : (at * 37) % 256,
  );
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 7);
  return { images, labels, count, height: 2, width: 3, channels: 2, classes: 7 };
}

async function epoch(source: BatchSource): Promise<Batch[]> {
  const iterator = await source.iterator();
  const all: Batch[] = [];
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) all.push(next.value);
  return all;
}

/** The images of an epoch, told by their first values. */
async function order(source: BatchSource): Promise<number[]> {
  const found: number[] = [];
  for (const { xs, ys } of await epoch(source)) {
    const values = xs.dataSync();
    for (let at = 0; at < values.length; at += 12) found.push(Math.round((values[at] as number) * 255));
    tf.dispose([xs, ys]);
  }
  return found;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('batches', () => {
  test('have all images in order, scaled to 0 … 1, with their classes', async () => {
    const data = dataset(10);
    const source = batches(data, { batch: 4 });
    expect(source.size).toBe(3);
    const all = await epoch(source);
    expect(all.map(({ xs }) => xs.shape)).toEqual([
      [4, 2, 3, 2],
      [4, 2, 3, 2],
      [2, 2, 3, 2],
    ]);
    expect(all.map(({ ys }) => ys.shape)).toEqual([
      [4, 1],
      [4, 1],
      [2, 1],
    ]);
    expect(all.flatMap(({ xs }) => [...xs.dataSync()])).toEqual(
      [...data.images].map((v) => Math.fround(v / 255)),
    );
    expect(all.flatMap(({ ys }) => [...ys.dataSync()])).toEqual([...data.labels]);
  });

  test('scale 0 to 0 and 255 to 1', async () => {
    const data = { ...dataset(1), images: Uint8Array.from([0, 255, 51, 0, 0, 0, 0, 0, 0, 0, 0, 255]) };
    const [only] = await epoch(batches(data, { batch: 1 }));
    const values = [...(only as Batch).xs.dataSync()];
    expect(values.slice(0, 3)).toEqual([0, 1, Math.fround(0.2)]);
    expect(values[11]).toBe(1);
  });

  test('are shuffled anew in every epoch, images and classes together', async () => {
    const data = dataset(50);
    const source = batches(data, { batch: 8, seed: 1 });
    const first = await epoch(source);
    const second = await order(source);
    const firstOrder = first.flatMap(({ xs }) =>
      upTo(xs.shape[0]).map((i) => Math.round((xs.dataSync()[i * 12] as number) * 255)),
    );
    expect(firstOrder).not.toEqual(upTo(50));
    expect(second).not.toEqual(firstOrder);
    for (const found of [firstOrder, second]) expect([...found].sort((a, b) => a - b)).toEqual(upTo(50));
    expect(first.flatMap(({ ys }) => [...ys.dataSync()])).toEqual(firstOrder.map((image) => image % 7));
  });

  test('come in the same order for the same seed, whatever else draws random numbers', async () => {
    const one = batches(dataset(40), { batch: 7, seed: 5 });
    const other = batches(dataset(40), { batch: 9, seed: 5 });
    const different = batches(dataset(40), { batch: 7, seed: 6 });
    const expected = [await order(one), await order(one)];
    const found: number[][] = [];
    for (let i = 0; i < 2; i++) {
      Math.random();
      tf.util.shuffle(upTo(100));
      tf.randomUniform([10]).dispose();
      await order(different);
      found.push(await order(other));
    }
    expect(found).toEqual(expected);
    expect(await order(batches(dataset(40), { batch: 7, seed: 6 }))).not.toEqual(expected[0]);
  });

  test('of an iterator that is not used do not count as an epoch', async () => {
    const plain = batches(dataset(20), { batch: 5, seed: 2 });
    const asked = batches(dataset(20), { batch: 5, seed: 2 });
    await asked.iterator();
    expect(await order(asked)).toEqual(await order(plain));
  });

  test.each([0, -1, 1.5, 11, Number.NaN])('of %d of 10 images are refused', (batch) => {
    expect(() => batches(dataset(10), { batch })).toThrow(
      `batch is ${batch}; expected a whole number from 1 to 10, the images.`,
    );
  });

  test('leave no tensors behind in fitDataset', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [2, 3, 2] }),
        tf.layers.dense({ units: 7, activation: 'softmax' }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    const source = batches(dataset(20), { batch: 6, seed: 1 });
    await model.fitDataset(source, { epochs: 1, verbose: 0 });
    const before = tf.memory().numTensors;
    await model.fitDataset(source, { epochs: 2, verbose: 0 });
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});

describe('splitValidation', () => {
  test('holds out the last part, as Keras does, without copying', () => {
    const data = dataset(25);
    const { train, validation } = splitValidation(data, 0.1);
    expect([train.count, validation.count]).toEqual([22, 3]);
    expect([...train.labels, ...validation.labels]).toEqual([...data.labels]);
    expect(validation.images[0]).toBe(22);
    expect(validation.images.buffer).toBe(data.images.buffer);
  });

  test('agrees with validationSplit of tf.layers', async () => {
    // Only the loss over the held out part tells which images it is.
    const data = dataset(30);
    const [all] = (await epoch(batches(data, { batch: 30 }))) as [Batch];
    const model = tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [2, 3, 2] }),
        tf.layers.dense({ units: 7, activation: 'softmax' }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(0), loss: 'sparseCategoricalCrossentropy' });
    const { history } = await model.fit(all.xs, all.ys, { epochs: 1, validationSplit: 0.2, verbose: 0 });
    const { validation } = splitValidation(data, 0.2);
    const [held] = (await epoch(batches(validation, { batch: validation.count }))) as [Batch];
    const loss = (model.evaluate(held.xs, held.ys) as tf.Scalar).dataSync()[0] as number;
    expect(history.val_loss?.[0]).toBeCloseTo(loss, 5);
  });

  test.each([0, 1, -0.1, 1.1, 0.999, Number.NaN])('refuses to hold out %d of 10 images', (fraction) => {
    expect(() => splitValidation(dataset(10), fraction)).toThrow(
      `validation split is ${fraction}; expected a part`,
    );
  });
});

test('slice shares the memory and counts anew', () => {
  const part = slice(dataset(10), 4, 6);
  expect(part.count).toBe(2);
  expect([part.images[0], part.images[12], part.images.length]).toEqual([4, 5, 24]);
  expect([...part.labels]).toEqual([4, 5]);
  expect(slice(dataset(10), 7).count).toBe(3);
});

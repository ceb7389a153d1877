import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Transformer } from '@napi-rs/image';
import { describe, expect, test } from 'vitest';
import { type ImageDataset, inspectData, loadMnist } from 'tfjs-native/data';
import { pictureOf, sampleImages } from '../../dist/data/inspect';
import { lines, run } from '../cli/command';
import { smallMnist, temporaryFolder } from './idx-files';

/** Images of 2 x 1 pixels of three channels. */
function dataset(pixels: readonly number[], labels: readonly number[]): ImageDataset<Uint8Array> {
  const [height, width, channels, classes] = [2, 1, 3, 3];
  const images = Uint8Array.from(pixels);
  return { images, labels: Uint8Array.from(labels), count: labels.length, height, width, channels, classes };
}

const a = [10, 20, 30, 40, 50, 60];
const b = [0, 255, 7, 1, 2, 3];
const c = [9, 9, 9, 9, 9, 9];

describe('inspectData', () => {
  test('counts classes and finds duplicates in a set and between sets', async () => {
    const summary = await inspectData({
      train: dataset([...a, ...b, ...a, ...a], [0, 1, 0, 0]),
      test: dataset([...c, ...b, ...c], [2, 1, 2]),
    });
    expect(summary).toMatchObject({ shape: [2, 1, 3], classNames: ['0', '1', '2'], shared: [[1, 1]] });
    expect(summary.train).toMatchObject({ count: 4, classCounts: [3, 1, 0], duplicates: [2, 3] });
    expect(summary.test).toMatchObject({ count: 3, classCounts: [0, 1, 2], duplicates: [2] });
  });

  test('tells statistics of each channel', async () => {
    const { train } = await inspectData({ train: dataset([...a, ...b], [0, 1]), test: dataset(c, [2]) });
    train.channels.forEach((found, channel) => {
      const values = [...a, ...b].filter((_, i) => i % 3 === channel).map((value) => value / 255);
      const mean = values.reduce((sum, value) => sum + value) / 4;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4;
      expect(found).toMatchObject({ least: Math.min(...values), most: Math.max(...values) });
      expect(found.mean).toBeCloseTo(mean, 12);
      expect(found.deviation).toBeCloseTo(Math.sqrt(variance), 12);
    });
  });

  test("tells MNIST's published mean and deviation", async () => {
    const { train, shared } = await inspectData(await loadMnist());
    expect(train.channels[0]?.mean).toBeCloseTo(0.1307, 4);
    expect(train.channels[0]?.deviation).toBeCloseTo(0.3081, 4);
    expect(shared).toEqual([]);
  });
});

test('a picture shows the samples of each class in a row', async () => {
  const data = dataset([...a, ...b, ...c, ...a], [1, 0, 1, 1]);
  const rows = sampleImages(data, 2, 1);
  expect(rows.map((row) => row.map((index) => data.labels[index]))).toEqual([[0], [1, 1], []]);
  expect(new Set(rows.flat()).size).toBe(3);
  expect(sampleImages(data, 2, 1)).toEqual(rows);
  const png = await pictureOf(data, rows, 2);
  const { width, height } = await new Transformer(png).metadata();
  // Twice 1 x 2 pixels each, and a line of grey on every side.
  expect({ width, height }).toEqual({ width: 2 * 3 + 1, height: 3 * 5 + 1 });
  const pixels = await new Transformer(png).rawPixels();
  const channels = pixels.length / (width * height);
  const at = (x: number, y: number) => [...pixels.subarray((y * width + x) * channels).subarray(0, 3)];
  expect([at(0, 0), at(3, 8), at(4, 1)]).toEqual(Array(3).fill([128, 128, 128]));
  for (const [x, y, pixel] of [
    [1, 1, 0],
    [2, 2, 0],
    [1, 3, 1],
    [2, 4, 1],
  ] as const)
    expect(at(x, y)).toEqual(b.slice(3 * pixel, 3 * pixel + 3));
});

describe('tfjs-native data inspect', () => {
  test('prints features, labels, counts, an image, and saves a picture', async () => {
    const cwd = temporaryFolder();
    smallMnist(join(cwd, 'data'), { train: 50, test: 20 });
    const { code, stdout, stderr } = await run(['data', 'inspect', 'data', '--picture', 'samples.png'], {
      cwd,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const text of ['28 x 28 pixels, grey', '10 classes: 0, 1, 2', '50 images', '20 images', 'label 5:'])
      expect(stdout).toContain(text);
    const { train, test: tested } = await loadMnist();
    const zeros = [train.labels.subarray(0, 50), tested.labels.subarray(0, 20)].map(
      (labels) => labels.filter((label: number) => label === 0).length,
    );
    expect(/^0 +(\d+) +[\d.]+ % +(\d+)/m.exec(stdout)?.slice(1).map(Number)).toEqual(zeros);
    // The five as letters: its row 7 begins at pixel 8 of 28.
    expect(stdout).toMatch(/^ {16}.*[%@]/m);
    expect(readFileSync(join(cwd, 'samples.png')).subarray(1, 4).toString()).toBe('PNG');
  });

  test('--json prints one object', async () => {
    const cwd = temporaryFolder();
    smallMnist(join(cwd, 'data'), { train: 50, test: 20 });
    const { code, stdout } = await run(['data', 'inspect', 'data', '--json'], { cwd });
    expect(code).toBe(0);
    const [summary, ...more] = lines(stdout);
    expect(more).toEqual([]);
    expect(summary).toMatchObject({ data: 'data', shape: [28, 28, 1], train: { count: 50 }, shared: [] });
  });

  test('says why it cannot', async () => {
    const missing = await run(['data', 'inspect', 'nowhere']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('No data in nowhere: there is no such folder or file');
    const cwd = temporaryFolder();
    smallMnist(join(cwd, 'data'), { train: 20, test: 20 });
    // A file, and no folder.
    const picture = join('data', 'train-images-idx3-ubyte', 'samples.png');
    const unwritable = await run(['data', 'inspect', 'data', '--picture', picture], { cwd });
    expect(unwritable.code).toBe(1);
    expect(unwritable.stderr).toContain(`${picture}: cannot be written`);
  });
});

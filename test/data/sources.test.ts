import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Transformer } from '@napi-rs/image';
import { createTarGzip } from 'nanotar';
import { describe, expect, test } from 'vitest';
import * as tf from 'tfjs-native';
import {
  batches,
  fromTensors,
  type ImageDataset,
  loadCsv,
  loadData,
  loadImageFolder,
  loadTestSet,
} from 'tfjs-native/data';
import { loadCifar10Archive } from '../../dist/data/cifar10';
import { loadEmnist } from '../../dist/data/emnist';
import { idx, temporaryFolder } from './idx-files';

async function refused(loading: Promise<unknown>): Promise<string> {
  return loading.then(
    () => expect.fail('it should have been refused'),
    (error: tf.TfjsNativeError) => {
      expect(error.name).toBe('TfjsNativeError');
      return error.message;
    },
  );
}

/** An image of one color as PNG. */
const png = (width: number, height: number, rgba: readonly number[]): Promise<Buffer> =>
  Transformer.fromRgbaPixels(
    Uint8Array.from({ length: width * height * 4 }, (_, i) => rgba[i % 4] as number),
    width,
    height,
  ).png();

async function writeImages(
  folder: string,
  images: Readonly<Record<string, Buffer | string>>,
): Promise<string> {
  for (const [name, content] of Object.entries(images)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** The pixels of an image by its name. */
function imageOf({ images, names, height, width, channels }: ImageDataset, name: string): number[] {
  const at = (names as string[]).indexOf(name);
  const size = height * width * channels;
  return [...(images as Uint8Array).subarray(at * size, (at + 1) * size)];
}

describe('folders of images', () => {
  test('hold PNG, JPEG, BMP and WebP, and their names tell the classes', async () => {
    const rgba = Uint8Array.from({ length: 4 * 4 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 53) % 256));
    const image = () => Transformer.fromRgbaPixels(rgba, 4, 4);
    const rgb = [...rgba].filter((_, i) => i % 4 !== 3);
    const folder = await writeImages(temporaryFolder(), {
      'cat/a.png': await image().png(),
      'cat/b.bmp': await image().bmp(),
      'dog/c.webp': await image().webpLossless(),
      'dog/d.JPG': await image().jpeg(100),
      'dog/notes.txt': 'not an image',
      '.hidden/x.png': 'not an image',
    });
    const data = await loadImageFolder(folder);
    expect(data).toMatchObject({
      count: 4,
      height: 4,
      width: 4,
      channels: 3,
      classes: 2,
      classNames: ['cat', 'dog'],
    });
    for (const name of ['cat/a.png', 'cat/b.bmp', 'dog/c.webp']) expect(imageOf(data, name)).toEqual(rgb);
    for (const [i, name] of (data.names ?? []).entries())
      expect(data.labels[i]).toBe(name.startsWith('dog') ? 1 : 0);
  });

  test('are laid on white, made grey by luma, scaled, turned as EXIF says', async () => {
    // Orientation 6: the picture's right side is up. Left half black, right half white becomes top white, bottom black.
    const half = Uint8Array.from({ length: 16 * 16 * 4 }, (_, i) =>
      i % 4 === 3 || (i >> 2) % 16 >= 8 ? 255 : 0,
    );
    const jpeg = await Transformer.fromRgbaPixels(half, 16, 16).jpeg(100);
    const tiff = Buffer.from('49492a00080000000100120103000100000006000000' + '00000000', 'hex');
    const exif = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
    const app1 = Buffer.concat([Buffer.from([0xff, 0xe1, 0, exif.length + 2]), exif]);
    const folder = await writeImages(temporaryFolder(), {
      'a/clear.png': await png(16, 16, [10, 20, 30, 0]),
      'a/half.png': await png(16, 16, [0, 0, 0, 51]),
      'a/red.png': await png(16, 16, [255, 0, 0, 255]),
      'b/large.png': await png(64, 32, [0, 255, 0, 255]),
      'b/turned.jpg': Buffer.concat([jpeg.subarray(0, 2), app1, jpeg.subarray(2)]),
    });
    const data = await loadImageFolder(folder, { color: 'grey', size: [16, 16] });
    expect(data).toMatchObject({ height: 16, width: 16, channels: 1, count: 5 });
    const only = (name: string) => [...new Set(imageOf(data, name))];
    expect(only('a/clear.png')).toEqual([255]);
    expect(only('a/half.png')).toEqual([204]);
    // 0.299 and 0.587 of 255.
    expect(only('a/red.png')).toEqual([76]);
    expect(only('b/large.png')).toEqual([150]);
    const turned = imageOf(data, 'b/turned.jpg');
    const light = (row: number) => turned.slice(row * 16, row * 16 + 16).every((value) => value > 200);
    const dark = (row: number) => turned.slice(row * 16, row * 16 + 16).every((value) => value < 55);
    // The picture's left column becomes its top row.
    expect([dark(0), dark(5), light(10), light(15)]).toEqual([true, true, true, true]);
  });

  test('that are large are read when they are needed, with the same pixels', async () => {
    const images: Record<string, Buffer> = {};
    for (let i = 0; i < 12; i++) images[`${i % 3}/${i}.png`] = await png(3, 2, [i, 2 * i, 3 * i, 255]);
    const folder = await writeImages(temporaryFolder(), images);
    const whole = await loadImageFolder(folder);
    const streamed = await loadImageFolder(folder, { memory: 10 });
    expect(ArrayBuffer.isView(streamed.images)).toBe(false);
    const all = async (data: ImageDataset) => {
      const iterator = await batches(data, { batch: 5, seed: 1 }).iterator();
      const values: number[] = [];
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        values.push(...next.value.xs.dataSync(), ...next.value.ys.dataSync());
        tf.dispose([next.value.xs, next.value.ys]);
      }
      return values;
    };
    expect(await all(streamed)).toEqual(await all(whole));
  });

  test('with files that cannot be read or are not like the others: each is named', async () => {
    const folder = await writeImages(temporaryFolder(), {
      'a/broken.png': (await png(8, 8, [1, 2, 3, 255])).subarray(0, 50),
      'a/text.jpg': 'text',
      'a/fine.png': await png(8, 8, [1, 2, 3, 255]),
      'b/fine.png': await png(8, 8, [1, 2, 3, 255]),
      'b/large.png': await png(9, 8, [1, 2, 3, 255]),
    });
    const said = await refused(loadImageFolder(folder, { size: [8, 8] }));
    expect(said).toContain('2 of 5 images cannot be used');
    for (const name of ['broken.png', 'text.jpg']) expect(said).toContain(join(folder, 'a', name));
    const sizes = await writeImages(temporaryFolder(), {
      'a/1.png': await png(8, 8, [0, 0, 0, 255]),
      'b/2.png': await png(9, 8, [0, 0, 0, 255]),
    });
    const sizeSaid = await refused(loadImageFolder(sizes));
    expect(sizeSaid).toMatch(/8 x 9 RGB|8 x 8 RGB/);
    expect(sizeSaid).toContain('--image-size');
  });

  test('of 10,000 files with bad ones among them: these are counted and the first ones named', async () => {
    const folder = temporaryFolder();
    const fine = await png(4, 4, [9, 8, 7, 255]);
    const bad = new Set(Array.from({ length: 12 }, (_, i) => 17 + 811 * i));
    for (const name of ['a', 'b']) mkdirSync(join(folder, name));
    for (let i = 0; i < 10_000; i++)
      writeFileSync(join(folder, i % 2 ? 'b' : 'a', `${i}.png`), bad.has(i) ? fine.subarray(0, 40) : fine);
    const said = await refused(loadImageFolder(folder));
    expect(said).toContain('12 of 10000 images cannot be used');
    const named = said.match(/\d+\.png/g) ?? [];
    expect(named).toHaveLength(10);
    for (const name of named) expect(bad.has(Number.parseInt(name, 10))).toBe(true);
  });

  test('with a class without images are refused', async () => {
    const folder = await writeImages(temporaryFolder(), { 'a/1.png': await png(2, 2, [0, 0, 0, 255]) });
    mkdirSync(join(folder, 'empty'));
    expect(await refused(loadData(folder))).toContain(`${join(folder, 'empty')}: holds no images`);
  });

  test('may be parted into train, validation and test', async () => {
    const images: Record<string, Buffer> = {};
    for (const [part, n] of [
      ['train', 6],
      ['val', 4],
      ['test', 2],
    ] as const)
      for (let i = 0; i < n; i++)
        images[`${part}/${i % 2 ? 'x' : 'y'}/${i}.png`] = await png(2, 2, [i, i, i, 255]);
    const folder = await writeImages(temporaryFolder(), images);
    const { train, validation, test: tested } = await loadData(folder);
    expect([train.count, validation?.count, tested.count]).toEqual([6, 4, 2]);
    expect((await loadTestSet(folder)).count).toBe(2);
  });

  test('without a test set: a tenth of each class is held out, always the same', async () => {
    const images: Record<string, Buffer> = {};
    for (let i = 0; i < 40; i++) images[`${i % 2}/${i}.png`] = await png(2, 2, [i, i, i, 255]);
    const folder = await writeImages(temporaryFolder(), images);
    const first = await loadData(folder);
    expect([first.train.count, first.test.count]).toEqual([36, 4]);
    expect([...first.test.labels].sort()).toEqual([0, 0, 1, 1]);
    expect((await loadData(folder)).test.names).toEqual(first.test.names);
    expect(first.train.names?.some((name) => first.test.names?.includes(name))).toBe(false);
  });
});

describe('CSV', () => {
  const write = (text: string) => {
    const file = join(temporaryFolder(), 'data.csv');
    writeFileSync(file, text);
    return file;
  };

  test.each([
    ['without names', '1,0,10,20,255\n0,1,2,3,4\n'],
    ['with names', 'label,p0,p1,p2,p3\n1,0,10,20,255\n0,1,2,3,4\n'],
    ['with the class behind', 'p0,p1,p2,p3,label\r\n0,10,20,255,1\r\n1,2,3,4,0\r\n'],
  ])('%s', async (_, text) => {
    const data = await loadCsv(write(text));
    expect(data).toMatchObject({ count: 2, height: 2, width: 2, channels: 1, classes: 2 });
    expect([...(data.images as Uint8Array)]).toEqual([0, 10, 20, 255, 1, 2, 3, 4]);
    expect([...data.labels]).toEqual([1, 0]);
  });

  test('of three channels, and of fractions', async () => {
    const data = await loadCsv(write(`3,${Array.from({ length: 12 }, (_, i) => i + 0.5).join(',')}\n`));
    expect(data).toMatchObject({ height: 2, width: 2, channels: 3, classes: 4 });
    expect((data.images as Float32Array)[11]).toBe(11.5);
  });

  test.each([
    [
      '1,0,10,20,255\n0,1,cat,3,4\n',
      'line 2: the pixel in column 3 is "cat"; expected a number from 0 to 255',
    ],
    ['1,0,10,20,255\n0,1,NaN,3,4\n', 'line 2: the pixel in column 3 is "NaN"'],
    ['1,0,10,20,256\n', 'line 1: the pixel in column 5 is "256"'],
    ['1,0,10,20,\n', 'line 1: the pixel in column 5 is ""'],
    ['a,b\n1.5,3\n', 'line 2: the class in column 1 is "1.5"; expected a whole number from 0 on'],
    ['-1,3\n', 'line 1: the class in column 1 is "-1"'],
    ['1,0,10,20,255\n0,1,2\n', 'line 2: has 3 columns; expected 5'],
    ['1,0,10\n', 'line 1: has 2 pixel values'],
    ['', 'holds no images'],
    ['label,p0\n', 'holds no images'],
  ])('that is wrong is refused with its line: %j', async (text, message) => {
    const file = write(text);
    const said = await refused(loadCsv(file));
    expect(said).toContain(file);
    expect(said).toContain(message);
  });

  test('that is not there is refused', async () => {
    expect(await refused(loadCsv('/nowhere/x.csv'))).toContain('/nowhere/x.csv: cannot be read as CSV');
  });
});

describe('CIFAR-10', () => {
  const record = (label: number, seed: number) =>
    Buffer.from([label, ...Array.from({ length: 3072 }, (_, i) => (i * seed) % 256)]);
  const files = (): [string, Buffer][] => [
    ...[1, 2, 3, 4, 5].map((n): [string, Buffer] => [
      `data_batch_${n}.bin`,
      Buffer.concat([record(n, n), record(0, 9)]),
    ]),
    ['test_batch.bin', record(9, 7)],
  ];

  test('is read from its folder and its archive: planes become pixels', async () => {
    const folder = temporaryFolder();
    for (const [name, content] of files()) writeFileSync(join(folder, name), content);
    const { train, test: tested } = await loadData(folder);
    expect(train).toMatchObject({ count: 10, height: 32, width: 32, channels: 3, classes: 10 });
    expect([...train.labels]).toEqual([1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    const value = (c: number, i: number) => ((c * 1024 + i) * 7) % 256;
    for (const i of [0, 33, 1023])
      expect([...(tested.images as Uint8Array).subarray(3 * i, 3 * i + 3)]).toEqual([
        value(0, i),
        value(1, i),
        value(2, i),
      ]);
    const archive = join(temporaryFolder(), 'cifar.tar.gz');
    const packed = files().map(([name, data]) => ({ name: `cifar-10-batches-bin/${name}`, data }));
    writeFileSync(archive, await createTarGzip(packed));
    expect(await loadCifar10Archive(archive)).toEqual({ train, test: tested });
  });

  test('that is cut off or has wrong labels is refused by name', async () => {
    const folder = temporaryFolder();
    for (const [name, content] of files()) writeFileSync(join(folder, name), content);
    writeFileSync(join(folder, 'data_batch_3.bin'), record(1, 1).subarray(1));
    expect(await refused(loadData(folder))).toContain('data_batch_3.bin: has 3072 bytes');
    writeFileSync(join(folder, 'data_batch_3.bin'), record(10, 1));
    expect(await refused(loadData(folder))).toContain('data_batch_3.bin: label 0 is 10; expected 0 to 9');
  });
});

/** A ZIP archive of files that are stored as they are. */
function zip(files: readonly [string, Buffer][]): Buffer {
  const { crc32 } = require('node:zlib') as { crc32?: (data: Buffer) => number };
  const parts: Buffer[] = [];
  const entries: Buffer[] = [];
  let at = 0;
  for (const [name, content] of files) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32?.(content) ?? 0, 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), content]);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02', 0, 'latin1');
    common.copy(entry, 6);
    entry.writeUInt32LE(at, 42);
    entries.push(Buffer.concat([entry, Buffer.from(name)]));
    parts.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end]);
}

test('EMNIST is read from its archive: images are transposed, letters counted from 1', async () => {
  const image = Uint8Array.from({ length: 784 }, (_, i) => i % 251);
  const files = (['train', 'test'] as const).flatMap((set): [string, Buffer][] => [
    [`gzip/emnist-letters-${set}-images-idx3-ubyte.gz`, gzipSync(idx([1, 28, 28], image))],
    [`gzip/emnist-letters-${set}-labels-idx1-ubyte.gz`, gzipSync(idx([1], Uint8Array.of(26)))],
  ]);
  const archive = join(temporaryFolder(), 'gzip.zip');
  writeFileSync(archive, zip(files));
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const { test: tested } = await loadEmnist(archive, 'letters', letters);
  expect([...tested.labels]).toEqual([25]);
  expect(tested.classNames?.[25]).toBe('Z');
  expect((tested.images as Uint8Array)[1]).toBe(image[28]);
  expect((tested.images as Uint8Array)[28]).toBe(image[1]);
  expect(await refused(loadEmnist(archive, 'digits', letters))).toContain('there is no emnist-digits-train');
  writeFileSync(archive, readFileSync(archive).subarray(0, 1000));
  expect(await refused(loadEmnist(archive, 'letters', letters))).toContain(archive);
});

describe('tensors', () => {
  test('become data sets', async () => {
    const scaled = tf.tensor3d([0, 0.2, 0.4, 1], [2, 1, 2]);
    const data = await fromTensors(scaled, tf.tensor2d([0, 1, 0, 1, 0, 0], [2, 3]), { white: 1 });
    expect(data).toMatchObject({ count: 2, height: 1, width: 2, channels: 1, classes: 3 });
    expect([...data.labels]).toEqual([1, 0]);
    expect(data.images[3]).toBe(255);
  });

  test.each([
    [[0, Number.NaN, 3, 4], [0, 1], 'pixel 1 of image 0 of data is NaN; expected a number from 0 to 255'],
    [[0, 1, 3, -4], [0, 1], 'pixel 1 of image 1 of data is -4'],
    [[0, 0.5, 0.3, 1], [0, 1], 'the largest pixel of data is 1; expected 0 to 255'],
    [[0, 1, 3, 4], [0, -1], 'the label of image 1 of data is -1; expected a whole number from 0 to 0'],
    [[0, 1, 3, 4], [0, 0.5], 'the label of image 1 of data is 0.5'],
    [[0, 1, 3, 4], [0], 'labels is "a tensor of shape [1]"; expected 2 labels'],
  ])('with what does not fit are refused: %j %j', async (pixels, labels, message) => {
    expect(await refused(fromTensors(tf.tensor3d(pixels, [2, 1, 2]), tf.tensor1d(labels)))).toContain(
      message,
    );
  });
});

test('what is no data set is refused with all that would be one', async () => {
  const folder = temporaryFolder();
  const said = await refused(loadData(join(folder, 'nowhere')));
  for (const word of ['fashion-mnist', 'cifar10', 'folder of images', 'train.csv'])
    expect(said).toContain(word);
  writeFileSync(join(folder, 'x.bin'), 'x');
  expect(await refused(loadData(join(folder, 'x.bin')))).toContain('that is not a folder, nor a .csv file');
  expect(readdirSync(folder)).toEqual(['x.bin']);
  copyFileSync(join(folder, 'x.bin'), join(folder, 'y.csv'));
  expect(await refused(loadData(join(folder, 'y.csv')))).toContain('line 1');
});

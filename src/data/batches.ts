/** Turns images into batches of tensors, for `model.fitDataset` and `model.evaluateDataset`. */
import { nativeError } from '../errors';
import type { ImageDataset } from './dataset';
import { permutation } from './random';
import { type Batch, tensors } from './tensors';

/** An endless supply of epochs: each iterator gives the batches of the next one. */
export interface BatchSource {
  /** Batches in an epoch; the last may be smaller than the others. */
  readonly size: number;
  iterator(): Promise<{ next(): Promise<IteratorResult<Batch>> }>;
}

export interface BatchOptions {
  /** Images in a batch, from 1 to all. */
  readonly batch: number;
  /** Shuffles every epoch anew, in an order that depends on this and the epoch only. Default: no shuffling. */
  readonly seed?: number;
}

function gather(dataset: ImageDataset, indices: Uint32Array): Batch {
  const size = dataset.height * dataset.width * dataset.channels;
  const images = new Uint8Array(indices.length * size);
  const labels = new Uint8Array(indices.length);
  indices.forEach((index, i) => {
    images.set(dataset.images.subarray(index * size, (index + 1) * size), i * size);
    labels[i] = dataset.labels[index] as number;
  });
  return tensors({ ...dataset, images, labels, count: indices.length });
}

/**
 * The batches of a data set, epoch after epoch.
 * @throws TfjsNativeError INVALID_ARGUMENT if `batch` is no whole number from 1 to the number of images
 */
export function batches(dataset: ImageDataset, { batch, seed }: BatchOptions): BatchSource {
  if (!Number.isInteger(batch) || batch < 1 || batch > dataset.count) {
    throw nativeError(
      'INVALID_ARGUMENT',
      'batch',
      batch,
      `a whole number from 1 to ${dataset.count}, the images`,
    );
  }
  const inOrder = Uint32Array.from({ length: dataset.count }, (_, index) => index);
  let epochs = 0;
  return {
    size: Math.ceil(dataset.count / batch),
    async iterator() {
      let order: Uint32Array | undefined;
      let at = 0;
      return {
        async next() {
          // An epoch counts from its first batch: tf.layers asks for one iterator more than it uses.
          order ??= seed === undefined ? inOrder : permutation(dataset.count, seed, epochs++);
          if (at >= order.length) return { done: true, value: undefined };
          const indices = order.subarray(at, at + batch);
          at += batch;
          return { done: false, value: gather(dataset, indices) };
        },
      };
    },
  };
}

/** Turns images into batches of tensors, for `model.fitDataset` and `model.evaluateDataset`. */
import { type Tensor2D, type Tensor4D, tensor2d, tensor4d } from '@tensorflow/tfjs-core';
import { nativeError } from '../errors';
import type { ImageDataset } from './dataset';
import { permutation } from './random';

/** One batch; who takes it disposes of it (tf.layers does). */
export interface Batch {
  /** [images, height, width, channels], scaled to 0 … 1. */
  readonly xs: Tensor4D;
  /** [images, 1], the classes as whole numbers. */
  readonly ys: Tensor2D;
}

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

const scaled = Float32Array.from({ length: 256 }, (_, value) => value / 255);

function gather(dataset: ImageDataset, indices: Uint32Array): Batch {
  const { height, width, channels } = dataset;
  const size = height * width * channels;
  const values = new Float32Array(indices.length * size);
  const labels = new Float32Array(indices.length);
  let at = 0;
  indices.forEach((index, i) => {
    const end = (index + 1) * size;
    for (let pixel = index * size; pixel < end; pixel++) {
      values[at++] = scaled[dataset.images[pixel] as number] as number;
    }
    labels[i] = dataset.labels[index] as number;
  });
  const count = indices.length;
  return { xs: tensor4d(values, [count, height, width, channels]), ys: tensor2d(labels, [count, 1]) };
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

/** Turns images into batches of tensors, for `model.fitDataset` and `model.evaluateDataset`. */
import { nativeError } from '../errors';
import { augmenter } from './augment';
import { type ImageDataset, pixelsOf, range } from './dataset';
import type { Augmentation } from './names';
import { permutation } from './random';
import { balancedOrder } from './sampling';
import { type Batch, prepareBatch, type TensorOptions } from './tensors';

/** An endless supply of epochs: each iterator gives the batches of the next one. */
export interface BatchSource {
  /** Batches in an epoch; the last may be smaller than the others. */
  readonly size: number;
  iterator(): Promise<{ next(): Promise<IteratorResult<Batch>> }>;
}

export interface BatchOptions extends TensorOptions {
  /** Images in a batch, from 1 to all. */
  readonly batch: number;
  /** Shuffles every epoch anew, in an order that depends on this and the epoch only. Default: no shuffling. */
  readonly seed?: number;
  /** Changes the images at random, each time anew. Needs a seed. Default: nothing. */
  readonly augmentation?: Augmentation | undefined;
  /** Takes images of each class equally often, those of small classes again and again. Needs a seed. Default false. */
  readonly balanced?: boolean;
  /** The epoch, and the batch in it, to begin with, from 0. Default: the first one. */
  readonly from?: { readonly epoch: number; readonly step: number };
}

/**
 * The batches of a data set, epoch after epoch. While a batch is used, the next one is made.
 * @throws TfjsNativeError INVALID_ARGUMENT if `batch` is no whole number from 1 to the number of images
 */
export function batches(dataset: ImageDataset, options: BatchOptions): BatchSource {
  const { batch, seed, balanced, augmentation, from = { epoch: 0, step: 0 } } = options;
  const { count } = dataset;
  if (!Number.isInteger(batch) || batch < 1 || batch > count)
    throw nativeError('INVALID_ARGUMENT', 'batch', batch, `a whole number from 1 to ${count}, the images`);
  if (seed === undefined && (balanced || augmentation))
    throw nativeError('INVALID_ARGUMENT', 'seed', seed, 'a seed where images are drawn or changed at random');
  const augment = augmentation && augmenter(augmentation, dataset, seed as number);

  function orderOf(epoch: number): Uint32Array {
    if (seed === undefined) return range(count);
    return balanced ? balancedOrder(dataset, seed, epoch) : permutation(count, seed, epoch);
  }

  async function make(order: Uint32Array, at: number, epoch: number): Promise<() => Batch> {
    const indices = order.subarray(at, at + batch);
    const labels = Int32Array.from(indices, (index) => dataset.labels[index] as number);
    const plain = pixelsOf(dataset, indices);
    const pixels = plain instanceof Promise ? await plain : plain;
    return prepareBatch(augment ? augment(pixels, indices, epoch) : pixels, labels, dataset, options);
  }

  let epochs = from.epoch;
  let skipped = from.step;
  return {
    size: Math.ceil(count / batch),
    async iterator() {
      let epoch: number;
      let order: Uint32Array | undefined;
      let at = 0;
      let ahead: Promise<() => Batch> | undefined;

      /** When the caller has begun to use what it was given. */
      function prepareNext(): void {
        const begin = at;
        if (begin >= count) return;
        setImmediate(() => {
          // Whoever came for it first has it already.
          if (at !== begin || ahead) return;
          ahead = make(order as Uint32Array, begin, epoch);
          ahead.catch(() => undefined);
        });
      }

      return {
        async next() {
          if (order === undefined) {
            // An epoch counts from its first batch: tf.layers asks for one iterator more than it uses.
            epoch = epochs++;
            order = orderOf(epoch);
            at = skipped * batch;
            skipped = 0;
          }
          if (at >= count) return { done: true, value: undefined };
          const prepared = await (ahead ?? make(order, at, epoch));
          ahead = undefined;
          at += batch;
          prepareNext();
          return { done: false, value: prepared() };
        },
      };
    },
  };
}

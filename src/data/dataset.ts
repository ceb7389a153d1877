/** Labelled images in memory, and how they are split. */
import { nativeError } from '../errors';

/** Images of one size with one class each. */
export interface ImageDataset {
  /** `count` x `height` x `width` x `channels` values from 0 to 255, row-major. Scaled when batches are made. */
  readonly images: Uint8Array;
  /** One class per image, 0 to `classes` - 1. */
  readonly labels: Uint8Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
}

/** What a model is trained on, and what it is tested with afterwards. */
export interface ImageSets {
  readonly train: ImageDataset;
  readonly test: ImageDataset;
}

/** The images from `start` to before `end`, sharing the memory of `dataset`. */
export function slice(dataset: ImageDataset, start: number, end = dataset.count): ImageDataset {
  const size = dataset.height * dataset.width * dataset.channels;
  const labels = dataset.labels.subarray(start, end);
  return {
    ...dataset,
    images: dataset.images.subarray(start * size, end * size),
    labels,
    count: labels.length,
  };
}

/**
 * Holds out the last part of the data for validation, as Keras' `validation_split` does: the order is that of
 * the data, nothing is shuffled before.
 * @param fraction of the images that is held out, above 0 and below 1
 * @throws TfjsNativeError INVALID_ARGUMENT if either part would be empty
 */
export function splitValidation(
  dataset: ImageDataset,
  fraction: number,
): { train: ImageDataset; validation: ImageDataset } {
  const kept = Math.floor(dataset.count * (1 - fraction));
  if (!(kept > 0 && kept < dataset.count)) {
    const accepted = `a part of the ${dataset.count} images that leaves some for training and some for validation`;
    throw nativeError('INVALID_ARGUMENT', 'validation split', fraction, accepted);
  }
  return { train: slice(dataset, 0, kept), validation: slice(dataset, kept) };
}

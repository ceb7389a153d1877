/** Splits of labelled images: for training, for validation, for testing. */
import { nativeError } from '../errors';
import {
  classCounts,
  className,
  concat,
  type ImageDataset,
  type ImageReader,
  type ImageSets,
  type Pixels,
  slice,
  subset,
} from './dataset';
import { permutation, streams } from './random';

/**
 * Holds out the last part of the data for validation, as Keras' `validation_split` does: the order is that of
 * the data, nothing is shuffled before.
 * @param fraction of the images that is held out, above 0 and below 1
 * @throws TfjsNativeError INVALID_ARGUMENT if either part would be empty
 */
export function splitValidation<Images extends Pixels | ImageReader>(
  dataset: ImageDataset<Images>,
  fraction: number,
): { train: ImageDataset<Images>; validation: ImageDataset<Images> } {
  const kept = Math.floor(dataset.count * (1 - fraction));
  if (!(kept > 0 && kept < dataset.count)) {
    const accepted = `a part of the ${dataset.count} images that leaves some for training and some for validation`;
    throw nativeError('INVALID_ARGUMENT', 'validation split', fraction, accepted);
  }
  return { train: slice(dataset, 0, kept), validation: slice(dataset, kept) };
}

/**
 * Reads parts such as `8:1:1`.
 * @throws TfjsNativeError INVALID_ARGUMENT
 */
export function parseRatio(text: string): number[] {
  const parts = text.split(':').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (parts.length < 2 || parts.length > 3 || !parts.every((part) => Number.isFinite(part) && part > 0))
    throw nativeError('INVALID_ARGUMENT', 'split', text, 'two or three numbers above 0, such as 8:1:1');
  return parts;
}

/** Where each of several parts of `count` things ends, in proportion. */
function ends(count: number, ratio: readonly number[]): number[] {
  const whole = ratio.reduce((sum, part) => sum + part, 0);
  let sum = 0;
  return ratio.map((part) => {
    sum += part;
    return Math.round((count * sum) / whole);
  });
}

/**
 * Splits by ratio, at random but the same for the same seed, each class in proportion (stratified).
 * @param ratio of the parts, such as [8, 1, 1]
 * @returns a data set for each part, in the order that the images had
 * @throws TfjsNativeError INVALID_ARGUMENT if a part would have no image of a class that has any
 */
export function splitByRatio<Images extends Pixels | ImageReader>(
  dataset: ImageDataset<Images>,
  ratio: readonly number[],
  { seed }: { readonly seed: number },
): ImageDataset<Images>[] {
  const parts = ratio.map((): number[] => []);
  const shuffled = permutation(dataset.count, seed, 0, streams.split);
  const counts = classCounts(dataset);
  const limits = counts.map((count) => ends(count, ratio));
  limits.forEach((limit, label) => {
    const empty = limit.findIndex((end, part) => end === (limit[part - 1] ?? 0));
    const count = counts[label] as number;
    if (count > 0 && empty >= 0) {
      const accepted = `a ratio that leaves each part an image of each class; class ${className(dataset, label)} has ${count}`;
      throw nativeError('INVALID_ARGUMENT', 'split', ratio.join(':'), accepted);
    }
  });
  const taken = new Array<number>(dataset.classes).fill(0);
  for (const index of shuffled) {
    const label = dataset.labels[index] as number;
    const rank = taken[label] as number;
    taken[label] = rank + 1;
    const part = (limits[label] as number[]).findIndex((end) => rank < end);
    (parts[part] as number[]).push(index);
  }
  return parts.map((part) => subset(dataset, Uint32Array.from(part).sort()));
}

/** What is trained on, validated with and tested with: three sets that share no image. */
export interface Splits {
  readonly train: ImageDataset;
  readonly validation: ImageDataset;
  readonly test: ImageDataset;
}

/** How validation images, and test images, are split off, where the data is not split already. */
export interface SplitOptions {
  /** The part of the training images, the last ones, that is held out for validation, above 0 and below 1. Default 0.1. */
  readonly validationSplit?: number;
  /**
   * Instead: a ratio of stratified random parts. Two (`9:1`) are training and validation, of the training images; three
   * (`8:1:1`) are training, validation and test, of all images, those of the test set included.
   */
  readonly split?: string | undefined;
  /** Seeds the random parts. */
  readonly seed: number;
}

/** @throws TfjsNativeError INVALID_ARGUMENT if a part would be empty, or the ratio is none */
export function split(
  { train, test, validation }: ImageSets,
  { validationSplit = 0.1, split: ratio, seed }: SplitOptions,
): Splits {
  if (validation) return { train, validation, test };
  if (ratio === undefined) return { ...splitValidation(train, validationSplit), test };
  const parts = parseRatio(ratio);
  const [first, second, third] = splitByRatio(parts.length === 3 ? concat(train, test) : train, parts, {
    seed,
  });
  return { train: first as ImageDataset, validation: second as ImageDataset, test: third ?? test };
}

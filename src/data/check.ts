/** Finds what is wrong with data before time is spent on it. */
import { nativeError } from '../errors';
import {
  classCounts,
  className,
  type ImageDataset,
  imageSize,
  inMemory,
  type Pixels,
  white,
} from './dataset';
import type { Splits } from './splits';

function checkPixels(pixels: Pixels, size: number, name: string): void {
  if (pixels instanceof Uint8Array) return;
  const wrong = pixels.findIndex((value) => !(value >= 0 && value <= white));
  if (wrong >= 0) {
    const place = `pixel ${wrong % size} of image ${Math.floor(wrong / size)} of ${name}`;
    throw nativeError('INVALID_ARGUMENT', place, pixels[wrong], `a number from 0 to ${white}`);
  }
  let most = 0;
  for (const value of pixels) most = Math.max(value, most);
  if (most > 0 && most <= 1) {
    const accepted = `0 to ${white} (\`fromTensors\` takes { white: 1 } for pixels that are scaled already)`;
    throw nativeError('INVALID_ARGUMENT', `the largest pixel of ${name}`, most, accepted);
  }
}

/**
 * Checks that a data set is what it says.
 * @param name for errors, such as `training data`
 * @throws TfjsNativeError INVALID_ARGUMENT naming what is wrong, by image where there is one
 */
export function checkDataset(dataset: ImageDataset, name: string): void {
  const { images, labels, count, classes } = dataset;
  const size = imageSize(dataset);
  if (!(count > 0 && size > 0))
    throw nativeError('INVALID_ARGUMENT', name, `${count} images of ${size} values`, 'at least one image');
  if (labels.length !== count)
    throw nativeError('INVALID_ARGUMENT', `labels of ${name}`, labels.length, `${count}, one for each image`);
  if (inMemory(images) && images.length !== count * size)
    throw nativeError(
      'INVALID_ARGUMENT',
      `pixels of ${name}`,
      images.length,
      `${count * size}, ${size} an image`,
    );
  const wrong = labels.findIndex(
    (label: number) => !(Number.isInteger(label) && label >= 0 && label < classes),
  );
  if (wrong >= 0) {
    const accepted = `a whole number from 0 to ${classes - 1}`;
    throw nativeError('INVALID_ARGUMENT', `the label of image ${wrong} of ${name}`, labels[wrong], accepted);
  }
  if (inMemory(images)) checkPixels(images, size, name);
}

/** The classes with images, by number. */
const present = (dataset: ImageDataset): Set<number> =>
  new Set(classCounts(dataset).flatMap((count, label) => (count > 0 ? [label] : [])));

/**
 * Checks that there is something to learn of every class.
 * @returns warnings
 * @throws TfjsNativeError INVALID_ARGUMENT if all images are of one class, or a class is only among those for validation
 */
export function checkSplits({ train, validation }: Pick<Splits, 'train' | 'validation'>): string[] {
  const [trained, validated] = [present(train), present(validation)];
  const called = (labels: Iterable<number>) => [...labels].map((label) => className(train, label)).join(', ');
  if (trained.size < 2) {
    const found = `all of class ${called(trained)}`;
    throw nativeError('INVALID_ARGUMENT', 'training images', found, 'images of two classes or more');
  }
  const left = [...validated].filter((label) => !trained.has(label));
  if (left.length > 0) {
    const found = `a part that leaves no image of class ${called(left)} to train with`;
    const accepted = 'one with images of each class: `split` (--split 9:1) takes some of each';
    throw nativeError('INVALID_ARGUMENT', 'the validation split', found, accepted);
  }
  const missing = Array.from({ length: train.classes }, (_, label) => label).filter(
    (label) => !trained.has(label),
  );
  // Of a handful of images none is expected of every class.
  const many = validation.count >= 10 * train.classes;
  const unseen = many ? [...trained].filter((label) => !validated.has(label)) : [];
  return [
    ...(missing.length > 0 ? [`No training image is of class ${called(missing)}: it cannot be learnt.`] : []),
    ...(unseen.length > 0
      ? [`No validation image is of class ${called(unseen)} (--split 9:1 takes some of each).`]
      : []),
  ];
}

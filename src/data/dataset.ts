/** Labelled images, and parts of them. */
import { nativeError } from '../errors';

/** A byte that is white. */
export const white = 255;

/** Pixels that are not in memory: files that are read when they are needed. */
export interface ImageReader {
  /** The pixels of some images, one after another. */
  read(indices: Uint32Array): Promise<Uint8Array>;
}

/** `images` x `height` x `width` x `channels` values from 0 to 255, row-major. Scaled when batches are made. */
export type Pixels = Uint8Array | Float32Array;

/**
 * Images of one size with one class each.
 * @typeParam Images tells those in memory from those that are read from files
 */
export interface ImageDataset<Images extends Pixels | ImageReader = Pixels | ImageReader> {
  readonly images: Images;
  /** One class per image, 0 to `classes` - 1. */
  readonly labels: Uint8Array | Int32Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
  /** What the classes are called. Default: their numbers. */
  readonly classNames?: readonly string[] | undefined;
  /** What the images are called: their files. */
  readonly names?: readonly string[] | undefined;
}

/** What a model is trained on, and what it is tested with afterwards. */
export interface ImageSets<Images extends Pixels | ImageReader = Pixels | ImageReader> {
  readonly train: ImageDataset<Images>;
  readonly test: ImageDataset<Images>;
  /** What is apart for validation already. Default: a part of the training images will be. */
  readonly validation?: ImageDataset<Images>;
}

/** Height x width x channels. */
export const imageSize = ({
  height,
  width,
  channels,
}: Pick<ImageDataset, 'height' | 'width' | 'channels'>): number => height * width * channels;

/** Whether the pixels are in memory. */
export const inMemory = (images: ImageDataset['images']): images is Pixels => ArrayBuffer.isView(images);

/** What a class is called. */
export const className = ({ classNames }: Pick<ImageDataset, 'classNames'>, label: number): string =>
  classNames?.[label] ?? String(label);

/** What all classes are called, in their order. */
export const allClassNames = (dataset: Pick<ImageDataset, 'classNames' | 'classes'>): string[] =>
  Array.from({ length: dataset.classes }, (_, label) => className(dataset, label));

/** Images in each class. */
export function classCounts({ labels, classes }: Pick<ImageDataset, 'labels' | 'classes'>): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  return counts;
}

/** The images of each class, in the order in which they are given. Default: in their own. */
export function byClass(
  { labels, classes }: Pick<ImageDataset, 'labels' | 'classes'>,
  indices: Iterable<number> = labels.keys(),
): number[][] {
  const members = Array.from({ length: classes }, (): number[] => []);
  for (const index of indices) members[labels[index] as number]?.push(index);
  return members;
}

/** The pixels of some images, one after another: a promise of them where they are read from files. */
export function pixelsOf(dataset: ImageDataset, indices: Uint32Array): Pixels | Promise<Uint8Array> {
  const { images } = dataset;
  if (!inMemory(images)) return images.read(indices);
  const size = imageSize(dataset);
  const pixels =
    images instanceof Uint8Array
      ? new Uint8Array(indices.length * size)
      : new Float32Array(indices.length * size);
  indices.forEach((index, i) => {
    pixels.set(images.subarray(index * size, (index + 1) * size), i * size);
  });
  return pixels;
}

/** 0, 1, … `count` - 1 */
export const range = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);

/** The images from `start` to before `end`, sharing the memory of `dataset`. */
export function slice<Images extends Pixels | ImageReader>(
  dataset: ImageDataset<Images>,
  start: number,
  end = dataset.count,
): ImageDataset<Images> {
  const { images } = dataset;
  if (!inMemory(images)) return subset(dataset, range(dataset.count).subarray(start, end));
  const size = imageSize(dataset);
  const labels = dataset.labels.subarray(start, end);
  const part = images.subarray(start * size, end * size) as Images;
  const names = dataset.names?.slice(start, end);
  return { ...dataset, images: part, labels, names, count: labels.length };
}

/** Some images in a given order: a copy of those in memory. */
export function subset<Images extends Pixels | ImageReader>(
  dataset: ImageDataset<Images>,
  indices: Uint32Array,
): ImageDataset<Images> {
  const { images } = dataset;
  const chosen: Pixels | ImageReader = inMemory(images)
    ? (pixelsOf(dataset, indices) as Pixels)
    : { read: (some) => (images as ImageReader).read(some.map((index) => indices[index] as number)) };
  return {
    ...dataset,
    images: chosen as Images,
    labels: Int32Array.from(indices, (index) => dataset.labels[index] as number),
    names: dataset.names && Array.from(indices, (index) => dataset.names?.[index] as string),
    count: indices.length,
  };
}

/**
 * The images of two data sets, one after the other.
 * @throws TfjsNativeError INVALID_ARGUMENT if their images or classes are not alike
 */
export function concat(first: ImageDataset, second: ImageDataset): ImageDataset {
  const shape = ({ height, width, channels, classes }: ImageDataset) =>
    `${height} x ${width} x ${channels}, ${classes} classes`;
  if (shape(first) !== shape(second))
    throw nativeError('INVALID_ARGUMENT', 'The second data set', shape(second), shape(first));
  const labels = Int32Array.from([...first.labels, ...second.labels]);
  const count = first.count + second.count;
  const names = first.names && second.names && [...first.names, ...second.names];
  if (first.images instanceof Uint8Array && second.images instanceof Uint8Array) {
    const images = new Uint8Array(first.images.length + second.images.length);
    images.set(first.images);
    images.set(second.images, first.images.length);
    return { ...first, images, labels, names, count };
  }
  const size = imageSize(first);
  const read = async (indices: Uint32Array): Promise<Uint8Array> => {
    const pixels = new Uint8Array(indices.length * size);
    for (const [dataset, begin] of [
      [first, 0],
      [second, first.count],
    ] as const) {
      const places = range(indices.length).filter((i) => {
        const index = (indices[i] as number) - begin;
        return index >= 0 && index < dataset.count;
      });
      const found = await pixelsOf(
        dataset,
        places.map((i) => (indices[i] as number) - begin),
      );
      places.forEach((place, i) => {
        pixels.set(found.subarray(i * size, (i + 1) * size), place * size);
      });
    }
    return pixels;
  };
  return { ...first, images: { read }, labels, names, count };
}

/** Data sets in the format of MNIST: 28 x 28 grey images in one idx file, their classes in another. */
import { nativeError } from '../errors';
import type { ImageDataset } from './dataset';
import type { IdxArray } from './idx';

/** An idx file. */
export interface IdxFile {
  /** For errors. */
  readonly file: string;
  readonly content: IdxArray;
}

export interface IdxOptions {
  /** Default 10. */
  readonly classes?: number;
  /** What the files call the first class. Default 0. */
  readonly firstLabel?: number;
  /** Whether the files hold images column by column, as EMNIST's do. Default false. */
  readonly transposed?: boolean;
}

const size = 28;

function checkImages({ file, content: { dims } }: IdxFile): number {
  const [count, height, width] = dims;
  if (dims.length !== 3 || height !== size || width !== size) {
    const found = `has ${dims.length} dimensions (${dims.join(' x ')})`;
    throw nativeError('DATA_FILE', file, `${found}; expected 3: images x ${size} x ${size}`);
  }
  if (count === 0) throw nativeError('DATA_FILE', file, 'holds no images');
  return count as number;
}

function checkLabels(
  { file, content: { dims, values } }: IdxFile,
  count: number,
  imageFile: string,
  first: number,
  classes: number,
) {
  if (dims.length !== 1) {
    throw nativeError('DATA_FILE', file, `has ${dims.length} dimensions (${dims.join(' x ')}); expected 1`);
  }
  if (dims[0] !== count) {
    throw nativeError('DATA_FILE', file, `holds ${dims[0]} labels for the ${count} images of ${imageFile}`);
  }
  const last = first + classes - 1;
  const wrong = values.findIndex((label) => label < first || label > last);
  if (wrong >= 0) {
    throw nativeError('DATA_FILE', file, `label ${wrong} is ${values[wrong]}; expected ${first} to ${last}`);
  }
}

function transpose(images: Uint8Array): Uint8Array {
  const cells = size * size;
  const turned = new Uint8Array(images.length);
  for (let at = 0; at < images.length; at += cells) {
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++)
        turned[at + row * size + column] = images[at + column * size + row] as number;
    }
  }
  return turned;
}

/**
 * The data set that two idx files make.
 * @throws TfjsNativeError DATA_FILE naming the file that is wrong
 */
export function idxDataset(
  images: IdxFile,
  labels: IdxFile,
  { classes = 10, firstLabel = 0, transposed = false }: IdxOptions = {},
): ImageDataset<Uint8Array> {
  const count = checkImages(images);
  checkLabels(labels, count, images.file, firstLabel, classes);
  const { values } = labels.content;
  return {
    images: transposed ? transpose(images.content.values) : images.content.values,
    labels: firstLabel === 0 ? values : values.map((label) => label - firstLabel),
    count,
    height: size,
    width: size,
    channels: 1,
    classes,
  };
}

/** Data sets of the user's own tensors. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { nativeError } from '../errors';
import { checkDataset } from './check';
import { type ImageDataset, white } from './dataset';

export interface TensorDataOptions {
  /** What white is in the tensor: 255, or 1 where pixels are scaled already. Default 255. */
  readonly white?: 1 | 255;
  /** Default: what one-hot labels tell, else one more than the highest label. */
  readonly classes?: number;
  readonly classNames?: readonly string[];
}

const text = ({ shape }: Tensor): string => `a tensor of shape [${shape}]`;

/**
 * Makes a data set of tensors, whose values are copied.
 * @param images [images, height, width] or [images, height, width, channels]
 * @param labels [images] or [images, 1] of whole numbers, or one-hot [images, classes]
 * @throws TfjsNativeError INVALID_ARGUMENT naming what does not fit, by image where there is one
 */
export async function fromTensors(
  images: Tensor3D | Tensor4D,
  labels: Tensor1D | Tensor2D,
  options: TensorDataOptions = {},
): Promise<ImageDataset<Float32Array>> {
  const { white: scale = white, classNames } = options;
  const [count, height, width, channels = 1] = images.shape as number[] as [number, number, number, number?];
  if (images.shape.length < 3 || images.shape.length > 4)
    throw nativeError(
      'INVALID_ARGUMENT',
      'images',
      text(images),
      '[images, height, width] or [… , channels]',
    );
  const columns = labels.shape[1] ?? 1;
  if (labels.shape[0] !== count || labels.shape.length > 2)
    throw nativeError('INVALID_ARGUMENT', 'labels', text(labels), `${count} labels, one for each image`);
  const [pixels, given] = await Promise.all([images.data(), labels.data()]);
  const found =
    columns === 1
      ? Array.from(given)
      : Array.from({ length: count }, (_, i) => {
          const row = given.subarray(i * columns, (i + 1) * columns);
          return row.indexOf(Math.max(...row));
        });
  const highest = found.reduce((most, label) => Math.max(most, label), 0);
  const classes = options.classes ?? classNames?.length ?? (columns > 1 ? columns : highest + 1);
  const shape = { count, height, width, channels, classes, classNames };
  const scaled = Float32Array.from(pixels, (value) => (value * white) / scale);
  // Before labels are whole numbers by force.
  checkDataset({ ...shape, images: scaled, labels: Float32Array.from(found) as never }, 'data');
  return { ...shape, images: scaled, labels: Int32Array.from(found) };
}

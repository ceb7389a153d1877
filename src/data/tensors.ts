/** Images and their classes as tensors. */
import { engine, type Tensor2D, type Tensor4D, tensor2d, tensor4d } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend/native-backend';
import type { ImageDataset } from './dataset';

/** Images and their classes; who takes a batch of them disposes of it (tf.layers does). */
export interface Batch {
  /** [images, height, width, channels], scaled to 0 … 1. */
  readonly xs: Tensor4D;
  /** [images, 1], the classes as whole numbers. */
  readonly ys: Tensor2D;
}

/** Bytes are divided by this. */
const white = 255;
const scaled = Float32Array.from({ length: 256 }, (_, value) => value / white);

/**
 * A whole data set as tensors, for `model.fit`. On the backend `native` the images stay bytes, the data set's own, in
 * compiled training; any other op makes numbers of them first, four bytes each.
 */
export function tensors(dataset: ImageDataset): Batch {
  const { images, labels, count, height, width, channels } = dataset;
  const ys = tensor2d(Float32Array.from(labels), [count, 1]);
  const shape: [number, number, number, number] = [count, height, width, channels];
  if (engine().backendName !== 'native') {
    return {
      xs: tensor4d(
        Float32Array.from(images, (value) => scaled[value] as number),
        shape,
      ),
      ys,
    };
  }
  const backend = engine().backend as NativeBackend;
  const info = backend.fromBytes({ bytes: images, divisor: white }, shape);
  return { xs: engine().makeTensorFromTensorInfo(info) as Tensor4D, ys };
}

/** Images and their classes as tensors. */
import {
  engine,
  oneHot,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend/native-backend';
import { nativeError } from '../errors';
import { type ImageDataset, inMemory, type Pixels, white } from './dataset';
import type { LabelFormat } from './names';
import { isUnit, preprocessed, type Preprocessing, unitPreprocessing } from './preprocessing';

/** Images and their classes; who takes a batch of them disposes of it (tf.layers does). */
export interface Batch {
  /** [images, height, width, channels], preprocessed: by default scaled to 0 … 1. */
  readonly xs: Tensor4D;
  /** The classes: as whole numbers [images, 1], or one-hot [images, classes]. */
  readonly ys: Tensor2D;
}

export interface TensorOptions {
  /** Default: divides by 255. */
  readonly preprocessing?: Preprocessing;
  /** Default `sparse`. */
  readonly labels?: LabelFormat;
  /**
   * Of one-hot labels: this part, from 0 to below 1, is spread over all classes (Szegedy et al., "Rethinking the
   * Inception architecture", as Keras' `label_smoothing`). Default 0.
   */
  readonly labelSmoothing?: number;
}

/** What is the same in all batches of a data set. */
type Kind = Pick<ImageDataset, 'height' | 'width' | 'channels' | 'classes'>;

/**
 * Pixels as the model takes them; bytes that are only divided by 255 stay bytes on the backend `native`, which divides
 * them in the first layer.
 */
function inputOf(pixels: Pixels, preprocessing: Preprocessing): Pixels {
  const staysBytes =
    engine().backendName === 'native' && pixels instanceof Uint8Array && isUnit(preprocessing);
  return staysBytes ? pixels : preprocessed(pixels, preprocessing);
}

function imageTensor(input: Pixels, { height, width, channels }: Kind): Tensor4D {
  const count = input.length / (height * width * channels);
  const shape: [number, number, number, number] = [count, height, width, channels];
  if (input instanceof Float32Array) return tensor4d(input, shape);
  const backend = engine().backend as NativeBackend;
  const info = backend.fromBytes({ bytes: input, divisor: white }, shape);
  return engine().makeTensorFromTensorInfo(info) as Tensor4D;
}

function targets(labels: ImageDataset['labels'], { classes }: Kind, options: TensorOptions): Tensor2D {
  if (options.labels !== 'onehot') return tensor2d(Float32Array.from(labels), [labels.length, 1]);
  const off = (options.labelSmoothing ?? 0) / classes;
  const on = 1 - (options.labelSmoothing ?? 0) + off;
  return tidy(
    () => oneHot(tensor1d(Int32Array.from(labels), 'int32'), classes, on, off, 'float32') as Tensor2D,
  );
}

/** A batch in plain memory, which needs no disposing, and that makes tensors of it. */
export function prepareBatch(
  pixels: Pixels,
  labels: ImageDataset['labels'],
  kind: Kind,
  options: TensorOptions = {},
): () => Batch {
  const input = inputOf(pixels, options.preprocessing ?? unitPreprocessing(kind));
  return () => ({ xs: imageTensor(input, kind), ys: targets(labels, kind, options) });
}

/**
 * A whole data set as tensors, for `model.fit`. On the backend `native` images that are only divided by 255 stay
 * bytes, the data set's own, in compiled training; any other op makes numbers of them first, four bytes each.
 * @throws TfjsNativeError INVALID_ARGUMENT if the pixels are not in memory
 */
export function tensors(dataset: ImageDataset, options: TensorOptions = {}): Batch {
  const { images: pixels, labels } = dataset;
  if (!inMemory(pixels))
    throw nativeError(
      'INVALID_ARGUMENT',
      'images',
      'a reader of files',
      'pixels in memory; `batches` takes others',
    );
  return prepareBatch(pixels, labels, dataset, options)();
}

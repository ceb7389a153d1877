/** What a model says of images. */
import { setImmediate } from 'node:timers/promises';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { batches } from '../data/batches';
import type { ImageDataset } from '../data/dataset';
import type { Preprocessing } from '../data/preprocessing';
import { predictAsync } from '../upstream/predict';

/** Large enough to keep all cores busy, small enough for the activations to stay in the cache. */
const predictionBatch = 250;

export interface PredictionOptions {
  /** What is done to pixels before the model sees them. Default: they are divided by 255. */
  readonly preprocessing?: Preprocessing | undefined;
  /** Stops after the current batch. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The probabilities of all classes, image after image.
 * @returns undefined if it was stopped
 */
export async function probabilitiesOf(
  model: LayersModel,
  dataset: ImageDataset,
  { preprocessing, signal }: PredictionOptions = {},
): Promise<Float32Array | undefined> {
  const { classes, count } = dataset;
  const probabilities = new Float32Array(count * classes);
  const source = batches(dataset, {
    batch: Math.min(predictionBatch, count),
    ...(preprocessing && { preprocessing }),
  });
  const iterator = await source.iterator();
  let at = 0;
  while (true) {
    // The event loop gets a turn.
    await setImmediate();
    if (signal?.aborted) return undefined;
    const { done, value } = await iterator.next();
    if (done) return probabilities;
    const { xs, ys } = value;
    try {
      const predicted = (await predictAsync(model, xs)) as Tensor;
      probabilities.set((await predicted.data()) as Float32Array, at);
      at += predicted.size;
      predicted.dispose();
    } finally {
      dispose([xs, ys]);
    }
  }
}

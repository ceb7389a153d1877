/** How well a model does on images that it was not trained on. */
import type { io } from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import type { ImageDataset } from '../data/dataset';
import { checkDataset } from '../data/check';
import { colorOf } from '../data/names';
import { isKnown, loadTestSet, startLoading } from '../data/sources';
import { nativeError } from '../errors';
import { fileSystem } from '../io/file-system';
import { checkFits, metadataOf, type ModelMetadata } from './metadata';
import { type ClassificationReport, classificationReport, lossAndAccuracy } from './metrics';
import { type PredictionOptions, probabilitiesOf } from './probabilities';

export type Evaluation = Pick<ClassificationReport, 'loss' | 'accuracy'>;

/**
 * Loss and accuracy of a model that gives the probabilities of classes.
 * @returns undefined if it was stopped
 */
export async function evaluate(
  model: LayersModel,
  dataset: ImageDataset,
  options: PredictionOptions = {},
): Promise<Evaluation | undefined> {
  const probabilities = await probabilitiesOf(model, dataset, options);
  return probabilities && lossAndAccuracy({ ...dataset, probabilities });
}

/**
 * Loads a model without how it was trained, which does not matter here and may not be loadable.
 * @throws TfjsNativeError MODEL_NOT_LOADED
 */
export async function loadModel(folder: string): Promise<LayersModel> {
  const handler = fileSystem(folder) as Required<io.IOHandler>;
  const { trainingConfig: _, ...artifacts } = await handler.load();
  try {
    return await loadLayersModel({ load: async () => artifacts });
  } catch (error) {
    throw nativeError('MODEL_NOT_LOADED', folder, (error as Error).message);
  }
}

/**
 * Test images as a model takes them.
 * @param source what `loadTestSet` takes. Default: what the model was trained on, if that is known by name, else MNIST.
 */
export async function testSetFor(metadata: ModelMetadata, source?: string): Promise<ImageDataset> {
  const { preprocessing, classNames, data } = metadata;
  const { height, width, channels } = preprocessing;
  const color = colorOf(channels);
  return loadTestSet(source ?? data, { size: [height, width], color, classNames });
}

/**
 * Evaluates a saved model on test images, whose pixels are preprocessed as those were that it was trained on.
 * @param folder holds `model.json` and the weights
 * @param data what `loadData` takes, or images in memory. Default: the test set of what the model was trained on, if
 *   that is known by name, else MNIST's.
 * @throws TfjsNativeError MODEL_NOT_LOADED, MODEL_UNSUITABLE if it is not made for such images and classes, and
 *   what `loadData` throws
 */
export async function evaluateModel(
  folder: string,
  data?: string | ImageDataset,
): Promise<ClassificationReport> {
  if (typeof data === 'string' && isKnown(data)) startLoading(data);
  const model = await loadModel(folder);
  try {
    const dataset = typeof data === 'object' ? data : await testSetFor(metadataOf(model, folder), data);
    checkDataset(dataset, 'the test data');
    const { preprocessing, classNames } = checkFits(model, folder, dataset);
    const probabilities = (await probabilitiesOf(model, dataset, { preprocessing })) as Float32Array;
    return classificationReport({ ...dataset, probabilities }, classNames);
  } finally {
    model.dispose();
  }
}

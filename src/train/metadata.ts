/** What is kept with a model, in its `model.json`, beside the network: what it takes to use it. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { allClassNames, type ImageDataset } from '../data/dataset';
import { type Preprocessing, unitPreprocessing } from '../data/preprocessing';
import { nativeError } from '../errors';

export interface ModelMetadata {
  /** What is done to pixels before the model sees them. */
  readonly preprocessing: Preprocessing;
  /** What the classes are called, in the order of the model's outputs. */
  readonly classNames: readonly string[];
  /** The name of the data that it was trained on, if that is a known one. */
  readonly data?: string | undefined;
}

const key = 'tfjs-native';

/** The metadata of a model for a data set. */
export const metadataFor = (
  dataset: ImageDataset,
  preprocessing: Preprocessing,
  data?: string,
): ModelMetadata => ({
  preprocessing,
  classNames: allClassNames(dataset),
  ...(data !== undefined && { data }),
});

/** Has a model saved with its metadata. */
export function setMetadata(model: LayersModel, metadata: ModelMetadata): void {
  model.setUserDefinedMetadata({ ...model.getUserDefinedMetadata(), [key]: metadata });
}

const savedMetadata = (model: LayersModel): ModelMetadata | undefined =>
  (model.getUserDefinedMetadata() as { [key]?: ModelMetadata } | undefined)?.[key];

const text = (shape: readonly (number | null)[]): string => shape.map((n) => n ?? '?').join(' x ');

/**
 * The metadata of a model; of one that was trained elsewhere, what its shapes tell: pixels divided by 255, classes
 * without names.
 * @param folder for the error
 * @throws TfjsNativeError MODEL_UNSUITABLE if it does not take images and give probabilities of classes
 */
export function metadataOf(model: LayersModel, folder: string): ModelMetadata {
  const [input, output] = [model.inputs[0]?.shape.slice(1) ?? [], model.outputs[0]?.shape.slice(1) ?? []];
  const shapes = [...model.inputs, ...model.outputs].map(({ shape }) => text(shape.slice(1))).join(' -> ');
  const simple = model.inputs.length === 1 && model.outputs.length === 1;
  if (!simple || input.length !== 3 || input.includes(null) || output.length !== 1 || output[0] === null)
    throw nativeError('MODEL_UNSUITABLE', folder, shapes, 'height x width x channels -> classes');
  const known = savedMetadata(model);
  if (known) return known;
  const [height, width, channels] = input as [number, number, number];
  return {
    preprocessing: unitPreprocessing({ height, width, channels }),
    classNames: allClassNames({ classes: output[0] as number }),
  };
}

/** @throws TfjsNativeError MODEL_UNSUITABLE if the model is not made for such images and classes */
export function checkFits(
  model: LayersModel,
  folder: string,
  { height, width, channels, classes }: ImageDataset,
): ModelMetadata {
  const metadata = metadataOf(model, folder);
  const found = [...model.inputs, ...model.outputs].map(({ shape }) => text(shape.slice(1))).join(' -> ');
  const wanted = `${height} x ${width} x ${channels} -> ${classes}`;
  if (found !== wanted) throw nativeError('MODEL_UNSUITABLE', folder, found, wanted);
  return metadata;
}

/** Goes on with a trained model on new data. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  initializers,
  type LayersModel,
  layers,
  model as makeModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { allClassNames, type ImageDataset, type ImageSets } from '../data/dataset';
import { initializerSeed } from '../data/random';
import { nativeError } from '../errors';
import { compileModel } from '../models/compile';
import { type Evaluation, evaluate, loadModel, testSetFor } from './evaluate';
import { checkFits, metadataOf, type ModelMetadata } from './metadata';
import {
  architectureSettings,
  type ControlOptions,
  controlOf,
  finetuneDefaults,
  finetuneOut,
  fullSettings,
  resumedSettings,
  type Settings,
} from './options';
import { lastFile } from './run';
import { checkpointOf, disposeModel, runSession, splitData, type TrainResult } from './session';

/** Settings of an architecture or of pixels are those of the model that is fine-tuned. */
export type FinetuneSettings = Omit<Settings, (typeof architectureSettings)[number]>;

export interface FinetuneOptions extends FinetuneSettings, ControlOptions {
  /** The new data: what `loadData` takes, or data in memory. */
  readonly data: string | ImageSets;
  /**
   * Layers whose weights stay as they are: the first so many that have weights, or by name. Default 0.
   */
  readonly freeze?: number | readonly string[] | undefined;
  /** Replaces the last layer, which tells the classes, even if these are the same. Default: only if they are others. */
  readonly newHead?: boolean | undefined;
  /**
   * What the model was tested on before, to see what it forgets: what `loadTestSet` takes, or images in memory. Default: the
   * test set of what it was trained on, if that is known by name.
   */
  readonly oldData?: string | ImageDataset | undefined;
}

/** Figures before and after fine-tuning. */
export interface BeforeAndAfter {
  /** Undefined where a model has no output for these classes yet. */
  readonly before: Evaluation | undefined;
  /** Undefined if it was stopped. */
  readonly after: Evaluation | undefined;
}

export interface FinetuneResult extends TrainResult {
  /** On the new data's test images, which nothing was trained with or chosen by. */
  readonly newTest: BeforeAndAfter;
  /**
   * On the old test images; undefined without any. Where the head was replaced, the old head on the new body tells what is
   * left.
   */
  readonly oldTest: BeforeAndAfter | undefined;
  /** Layers whose weights stayed as they were. */
  readonly frozen: readonly string[];
  readonly newHead: boolean;
}

const hasWeights = (layer: LayersModel['layers'][number]): boolean => layer.weights.length > 0;

/**
 * Marks layers as not trained.
 * @returns their names
 * @throws TfjsNativeError INVALID_ARGUMENT naming a layer that is not there, or if nothing would be left to train
 */
function freezeLayers(model: LayersModel, freeze: NonNullable<FinetuneOptions['freeze']>): string[] {
  const weighted = model.layers.filter(hasWeights);
  const all = weighted.map(({ name }) => name);
  if (typeof freeze === 'number' && !(Number.isInteger(freeze) && freeze >= 0 && freeze < all.length)) {
    const accepted = `a whole number from 0 to ${all.length - 1}: the model has ${all.length} layers with weights`;
    throw nativeError('INVALID_ARGUMENT', 'freeze', freeze, accepted);
  }
  const names = typeof freeze === 'number' ? all.slice(0, freeze) : [...freeze];
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined)
    throw nativeError(
      'INVALID_ARGUMENT',
      'freeze',
      unknown,
      `names of layers with weights: ${all.join(', ')}`,
    );
  if (names.length === all.length)
    throw nativeError(
      'INVALID_ARGUMENT',
      'freeze',
      names.join(', '),
      'fewer: a layer has to be left to train',
    );
  for (const layer of weighted) if (names.includes(layer.name)) layer.trainable = false;
  return names;
}

/** The model with a new last dense layer, for other classes; both share all layers but that. */
function withNewHead(old: LayersModel, folder: string, classes: number, seed: number): LayersModel {
  const at = old.layers.findLastIndex((layer) => layer.getClassName() === 'Dense');
  const head = old.layers[at];
  const rest = old.layers.slice(at + 1).map((layer) => layer.getClassName());
  if (head === undefined || rest.some((name) => name !== 'Activation' && name !== 'Softmax')) {
    const found = `${old.layers.at(-1)?.getClassName()} at its end`;
    throw nativeError('MODEL_UNSUITABLE', folder, found, 'a dense layer at the end, to be replaced');
  }
  const kernelInitializer = initializers.glorotUniform({ seed: initializerSeed(seed, 0) });
  const dense = layers.dense({
    name: `${head.name}_new`,
    units: classes,
    activation: 'softmax',
    kernelInitializer,
  });
  const outputs = dense.apply(head.input as SymbolicTensor) as SymbolicTensor;
  return makeModel({ name: old.name, inputs: old.inputs, outputs });
}

async function digestOf(model: LayersModel): Promise<string> {
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) hash.update(await weight.data());
  return hash.digest('hex');
}

async function oldTestSet(given: FinetuneOptions['oldData'], metadata: ModelMetadata) {
  const source = given ?? metadata.data;
  return typeof source === 'string' ? testSetFor(metadata, source) : source;
}

const sameClasses = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((name, i) => name === other[i]);

/**
 * Fine-tunes a saved model: trains it on new data with a lower learning rate, all of it or the layers that are not frozen.
 * The new data's own test images are held out from it, so that the figures after it are of images that the model has never
 * seen. What is saved, and when, is as in `train`.
 * @param folder of the model, which stays as it is
 * @throws TfjsNativeError MODEL_NOT_LOADED, MODEL_UNSUITABLE, and what `train` throws
 */
export async function finetune(folder: string, options: FinetuneOptions): Promise<FinetuneResult> {
  const began = performance.now();
  const { control, rest } = controlOf(options, finetuneOut(folder));
  const { data: given, freeze = 0, newHead: wanted, oldData, ...asked } = rest;
  const foreign = architectureSettings.find((name) => name in asked);
  if (foreign !== undefined)
    throw nativeError(
      'INVALID_ARGUMENT',
      'option',
      foreign,
      'settings of training: the network is the given one',
    );
  const checkpoint = await checkpointOf(control);
  const file = join(control.out, lastFile);
  const settings = checkpoint
    ? resumedSettings(checkpoint.config.settings, asked, file)
    : fullSettings(finetuneDefaults, asked);
  const old = await loadModel(folder);
  let model = old;
  try {
    const metadata = metadataOf(old, folder);
    const { preprocessing } = metadata;
    const data = await splitData(given, settings, control, preprocessing);
    const { train: trained, test } = data.splits;
    const newHead = wanted ?? !sameClasses(allClassNames(trained), metadata.classNames);
    const oldTest = await oldTestSet(oldData, metadata);
    if (oldTest) checkFits(old, folder, oldTest);
    const base = await digestOf(old);
    if (newHead) model = withNewHead(old, folder, trained.classes, settings.seed);
    checkFits(model, folder, trained);
    const frozen = freezeLayers(model, freeze);
    const tested = { preprocessing, signal: control.signal };
    const measure = async (set: ImageDataset | undefined) => set && (await evaluate(old, set, tested));
    const before = { new: newHead ? undefined : await measure(test), old: await measure(oldTest) };
    compileModel(model, settings);
    const result = await runSession({
      name: 'finetuned',
      base,
      settings,
      control,
      data,
      preprocessing,
      checkpoint,
      model,
    });
    const oldAfter = result.stopped ? undefined : await measure(oldTest);
    return {
      ...result,
      newTest: { before: before.new, after: result.test },
      oldTest: oldTest && { before: before.old, after: oldAfter },
      frozen,
      newHead,
      seconds: (performance.now() - began) / 1000,
    };
  } catch (error) {
    disposeModel(model);
    throw error;
  } finally {
    // The old head, which is nobody's now.
    for (const layer of old.layers) if (!model.layers.includes(layer)) layer.dispose();
  }
}

/** One training, of a new model or of one that is fine-tuned, from its data to its result. */
import { join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { batches } from '../data/batches';
import { checkDataset, checkSplits } from '../data/check';
import type { ImageDataset } from '../data/dataset';
import type { DownloadProgress } from '../data/download';
import { colorOf, squareOf } from '../data/names';
import type { Preprocessing } from '../data/preprocessing';
import { balancedClassWeights } from '../data/sampling';
import { isKnown, loadData } from '../data/sources';
import { type Splits, split } from '../data/splits';
import { nativeError } from '../errors';
import { type Info, info } from '../info';
import { writeFiles } from '../io/write-files';
import { type Checkpoint, readCheckpoint, restoreOptimizer, restoreWeights } from './checkpoint';
import { type Evaluation, evaluate } from './evaluate';
import { metadataFor, setMetadata } from './metadata';
import type { Control, FullSettings, TrainOptions } from './options';
import { prepareOutput } from './output';
import { lastFile, noProgress, Run } from './run';
import { checkSame, identify, type RunConfig } from './run-config';
import { runRecord } from './run-record';

export interface TrainResult extends Pick<Info, 'backend' | 'isa' | 'threads' | 'tensorflow'> {
  /** The trained model. When done, `dispose` its optimizer and it. */
  readonly model: LayersModel;
  /** Where the model is saved; undefined if training was stopped before its first step. */
  readonly folder: string | undefined;
  /** Whether the signal ended it early. */
  readonly stopped: boolean;
  /** Steps that were taken, in all epochs. */
  readonly steps: number;
  /** The epoch of the lowest validation loss, from 1, whose weights the model has if `earlyStopping` was asked for. */
  readonly bestEpoch: number | undefined;
  /** On the test images; undefined if it was stopped. */
  readonly test: Evaluation | undefined;
  /** From the call to the result. */
  readonly seconds: number;
}

/** What a training goes on with, if it does. */
export async function checkpointOf({ out, resume }: Control): Promise<Checkpoint | undefined> {
  return resume ? readCheckpoint(join(out, lastFile)) : undefined;
}

/** Data in its parts. */
export interface SplitData {
  readonly splits: Splits;
  /** Where it is known by one. */
  readonly name: string | undefined;
}

/**
 * Reads data, checks it and splits it.
 * @param like what images in files are made like
 * @throws TfjsNativeError what `loadData` throws, INVALID_ARGUMENT naming what is wrong with the data
 */
export async function splitData(
  data: NonNullable<TrainOptions['data']>,
  settings: FullSettings,
  { signal, onEvent }: Control,
  like?: Pick<Preprocessing, 'height' | 'width' | 'channels'>,
): Promise<SplitData> {
  const { imageSize, color } = settings;
  const shape = like && ([like.height, like.width] as const);
  const options = {
    size: squareOf(imageSize) ?? shape,
    color: color ?? (like && colorOf(like.channels)),
    signal,
    onProgress: (progress: DownloadProgress) => onEvent?.({ event: 'download', ...progress }),
  };
  const sets = typeof data === 'string' ? await loadData(data, options) : data;
  for (const [set, name] of [
    [sets.train, 'the training data'],
    [sets.validation, 'the validation data'],
    [sets.test, 'the test data'],
  ] as const)
    if (set) checkDataset(set, name);
  const splits = split(sets, settings);
  for (const message of checkSplits(splits)) onEvent?.({ event: 'warning', message });
  return { splits, name: typeof data === 'string' && isKnown(data) ? data : undefined };
}

/** What a session is made of. */
export interface SessionParts {
  readonly name: RunConfig['model'];
  readonly base?: string;
  readonly settings: FullSettings;
  readonly control: Control;
  readonly data: SplitData;
  readonly preprocessing: Preprocessing;
  readonly checkpoint: Checkpoint | undefined;
  /** As it is before the first step, compiled. It stays the caller's. */
  readonly model: LayersModel;
}

/** @param model whose optimizer there may not be yet */
export function disposeModel(model: LayersModel): void {
  model.optimizer?.dispose();
  model.dispose();
}

async function test(model: LayersModel, dataset: ImageDataset, parts: SessionParts) {
  const { preprocessing, control } = parts;
  try {
    return await evaluate(model, dataset, { preprocessing, signal: control.signal });
  } catch (error) {
    throw nativeError('EVALUATION_FAILED', control.out, (error as Error).message);
  }
}

/** Trains, tests and saves. */
export async function runSession(parts: SessionParts): Promise<Omit<TrainResult, 'seconds'>> {
  const began = performance.now();
  const { name, base, settings, control, data, preprocessing, checkpoint, model } = parts;
  const { train: trained, validation, test: tested } = data.splits;
  const { out, signal } = control;
  const config: RunConfig = { model: name, base, settings, data: identify(data.splits, data.name) };
  const file = join(out, lastFile);
  if (checkpoint) checkSame(file, checkpoint.config, config);
  const progress = checkpoint?.progress ?? noProgress;
  const { augmentation } = settings;
  const source = batches(trained, {
    ...settings,
    preprocessing,
    balanced: settings.balancedSampling,
    augmentation: Object.keys(augmentation).length > 0 ? augmentation : undefined,
    from: progress,
  });
  await prepareOutput(out);
  setMetadata(model, metadataFor(trained, preprocessing, data.name));
  if (checkpoint) {
    restoreWeights(model, checkpoint.tensors, file);
    await restoreOptimizer(model, checkpoint.tensors);
  }
  control.onEvent?.({
    event: 'start',
    model: name,
    images: trained.count,
    validationImages: validation.count,
    epochs: settings.epochs,
    steps: source.size,
    epoch: progress.epoch,
    step: progress.step,
    imagesDone: progress.sums.images,
  });
  const classWeight = settings.balancedWeights ? balancedClassWeights(trained) : undefined;
  const run = new Run({ model, control, config, source, validation, preprocessing, classWeight }, progress);
  await run.fit();
  const evaluation = signal?.aborted ? undefined : await test(model, tested, parts);
  const { backend, isa, threads, tensorflow } = info();
  const folder = run.saver.saved?.folder ?? (checkpoint && out);
  const { steps, bestEpoch } = run;
  if (folder !== undefined && evaluation !== undefined) {
    const seconds = (performance.now() - began) / 1000;
    const record = runRecord(config, { test: evaluation, steps, bestEpoch, seconds });
    await writeFiles(folder, { 'run.json': [record] });
  }
  const stopped = evaluation === undefined;
  const running = { backend, isa, threads, ...(tensorflow && { tensorflow }) };
  return { model, folder, stopped, steps, bestEpoch, test: evaluation, ...running };
}

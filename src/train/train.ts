/** Trains a named model on images, with what it takes to lose nothing on the way. */
import { join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { batches } from '../data/batches';
import type { ImageDataset } from '../data/dataset';
import { dataNames } from '../data/names';
import { preprocessingFor, type Preprocessing } from '../data/preprocessing';
import { balancedClassWeights } from '../data/sampling';
import { loadData } from '../data/sources';
import { split } from '../data/splits';
import { nativeError } from '../errors';
import { type Info, info } from '../info';
import { writeFiles } from '../io/write-files';
import { buildModel } from '../models/build';
import { type Checkpoint, readCheckpoint, restoreOptimizer, restoreWeights } from './checkpoint';
import { type Evaluation, evaluate } from './evaluate';
import { metadataFor, setMetadata } from './metadata';
import { checkTrainOptions, type FullTrainOptions, resumedOptions, type TrainOptions } from './options';
import { prepareOutput } from './output';
import { recipes } from './recipes';
import { lastFile, noProgress, Run } from './run';
import { identify, type RunConfig } from './run-config';
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

function disposeModel(model: LayersModel): void {
  model.optimizer.dispose();
  model.dispose();
}

async function test(
  model: LayersModel,
  dataset: ImageDataset,
  preprocessing: Preprocessing,
  { out, signal }: FullTrainOptions,
) {
  try {
    return await evaluate(model, dataset, { preprocessing, signal });
  } catch (error) {
    throw nativeError('EVALUATION_FAILED', out, (error as Error).message);
  }
}

/** The name of the data, where it is a known one. */
function nameOf(data: FullTrainOptions['data'], fallback: string): string | undefined {
  if (data === undefined) return fallback;
  return (dataNames as readonly unknown[]).includes(data) ? (data as string) : undefined;
}

/** @throws TfjsNativeError CHECKPOINT_UNSUITABLE if it is of a training on other data */
function checkData(file: string, { config }: Checkpoint, now: RunConfig): void {
  if (config.data.digest === now.data.digest) return;
  const images = ({ data }: RunConfig) => `${data.images.train} images, digest ${data.digest.slice(0, 12)}`;
  const difference = `its training images are others (${images(config)}; now ${images(now)})`;
  throw nativeError('CHECKPOINT_UNSUITABLE', file, difference);
}

/** Where the training stands that shall go on, with the options that it has. */
async function resumption(
  options: TrainOptions,
): Promise<{ options: TrainOptions; checkpoint?: Checkpoint }> {
  if (!options.resume) return { options };
  const { out } = checkTrainOptions({ ...options });
  const file = join(out, lastFile);
  const checkpoint = await readCheckpoint(file);
  return { options: resumedOptions(options, checkpoint.config, file), checkpoint };
}

/**
 * Trains a model on images: a part of the training images is held out for validation, the others are shuffled in every
 * epoch, and the test images are evaluated at the end, for nothing but that figure.
 *
 * The model is saved with its optimizer's state after every epoch and when the signal stops the training, as
 * `model.json` and `weights.bin`, and beside it what it takes to go on (`last.safetensors`), the best epoch's weights
 * (`best.safetensors`), the epochs (`history.csv`, `history.jsonl`) and what was trained how (`run.json`). If that
 * fails, training goes on, the model is saved in a folder for temporary files instead, and the failure is thrown at the
 * end.
 * @throws TfjsNativeError INVALID_ARGUMENT, what `loadData` throws, OUTPUT_UNWRITABLE, CHECKPOINT_UNSUITABLE (all before
 *   any training), TRAINING_DIVERGED when the loss is no longer finite, SAVE_FAILED, EVALUATION_FAILED
 */
export async function train(given: TrainOptions = {}): Promise<TrainResult> {
  const began = performance.now();
  const { options: wanted, checkpoint } = await resumption(given);
  const options = checkTrainOptions(wanted);
  const { out, signal, seed } = options;
  const name = nameOf(options.data, recipes[options.model].data);
  const sets = typeof options.data === 'object' ? options.data : await loadData(options.data ?? name);
  const splits = split(sets, options);
  const { train: trained, validation } = splits;
  const {
    data: _data,
    out: _out,
    resume: _resume,
    signal: _signal,
    onEvent,
    model: named,
    checkpointSeconds: _,
    ...settings
  } = options;
  const config: RunConfig = { model: named, settings, data: identify(splits, name) };
  if (checkpoint) checkData(join(out, lastFile), checkpoint, config);
  const preprocessing = await preprocessingFor(trained, settings.normalize);
  const progress = checkpoint?.progress ?? noProgress;
  const source = batches(trained, {
    ...settings,
    preprocessing,
    balanced: settings.balancedSampling,
    augmentation: Object.keys(settings.augmentation).length > 0 ? settings.augmentation : undefined,
    from: progress,
    seed,
  });
  await prepareOutput(out);
  const { height, width, channels, classes } = trained;
  const model = buildModel(named, { ...settings, inputShape: [height, width, channels], classes });
  try {
    setMetadata(model, metadataFor(trained, preprocessing, name));
    if (checkpoint) {
      restoreWeights(model, checkpoint.tensors, join(out, lastFile));
      await restoreOptimizer(model, checkpoint.tensors);
    }
    onEvent?.({
      event: 'start',
      model: named,
      images: trained.count,
      validationImages: validation.count,
      epochs: settings.epochs,
      steps: source.size,
      epoch: progress.epoch,
      step: progress.step,
      imagesDone: progress.sums.images,
    });
    const classWeight = settings.balancedWeights ? balancedClassWeights(trained) : undefined;
    const run = new Run({ model, options, config, source, validation, preprocessing, classWeight }, progress);
    await run.fit();
    const evaluation = signal?.aborted ? undefined : await test(model, splits.test, preprocessing, options);
    const { backend, isa, threads, tensorflow } = info();
    const folder = run.saver.saved?.folder ?? (checkpoint && out);
    const seconds = (performance.now() - began) / 1000;
    const { steps, bestEpoch } = run;
    if (folder !== undefined && evaluation !== undefined) {
      const record = runRecord(config, { test: evaluation, steps, bestEpoch, seconds });
      await writeFiles(folder, { 'run.json': [record] });
    }
    return {
      model,
      folder,
      stopped: evaluation === undefined,
      steps,
      bestEpoch,
      test: evaluation,
      backend,
      isa,
      threads,
      ...(tensorflow && { tensorflow }),
      seconds,
    };
  } catch (error) {
    disposeModel(model);
    throw error;
  }
}

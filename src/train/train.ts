/** Trains a named model on images, with what it takes to lose nothing on the way. */
import { tidy } from '@tensorflow/tfjs-core';
import type { LayersModel, Logs } from '@tensorflow/tfjs-layers';
import { batches, type BatchSource } from '../data/batches';
import { type ImageDataset, splitValidation } from '../data/dataset';
import { loadMnist } from '../data/mnist';
import { nativeError, TfjsNativeError } from '../errors';
import { type Info, info } from '../info';
import { buildModel } from '../models/build';
import { type Evaluation, evaluate } from './evaluate';
import { checkTrainOptions, type FullTrainOptions, type TrainOptions } from './options';
import { ModelSaver, prepareOutput } from './output';

/** The part of the training images that is held out: the last ones. */
const validationSplit = 0.1;

export interface TrainResult extends Pick<Info, 'backend' | 'isa' | 'threads' | 'tensorflow'> {
  /** The trained model. When done, `dispose` its optimizer and it. */
  readonly model: LayersModel;
  /** Where the model is saved; undefined if training was stopped before its first step. */
  readonly folder: string | undefined;
  /** Whether the signal ended it early. */
  readonly stopped: boolean;
  /** Steps that were taken, in all epochs. */
  readonly steps: number;
  /** On the test images; undefined if it was stopped. */
  readonly test: Evaluation | undefined;
  /** From the call to the result. */
  readonly seconds: number;
}

function allFinite(model: LayersModel): boolean {
  return model.getWeights().every((weight) => tidy(() => weight.isFinite().all().dataSync()[0] === 1));
}

function disposeModel(model: LayersModel): void {
  model.optimizer.dispose();
  model.dispose();
}

/** One run of `fitDataset` and what is kept of it. */
class Run {
  readonly saver: ModelSaver;
  #epoch = 0;
  #step = 0;
  #steps = 0;
  #unsavedSteps = 0;
  #epochBegan = 0;
  #sums = { images: 0, loss: 0, correct: 0 };
  #failure: Error | undefined;

  constructor(
    readonly model: LayersModel,
    readonly options: FullTrainOptions,
    readonly source: BatchSource,
    readonly validation: ImageDataset,
  ) {
    this.saver = new ModelSaver(options.out);
  }

  /** Steps taken in all epochs. */
  get steps(): number {
    return this.#steps;
  }

  async fit(): Promise<void> {
    const { epochs, signal } = this.options;
    if (signal?.aborted) return;
    const training = this.model.fitDataset(this.source, {
      epochs,
      verbose: 0,
      // So that signals and other work get their turn between any two steps.
      yieldEvery: 'batch',
      callbacks: {
        onEpochBegin: (epoch) => this.#beginEpoch(epoch + 1),
        onBatchEnd: (step, logs) => this.#endStep(step + 1, logs as Logs),
        onEpochEnd: async () => {
          await this.#endEpoch();
          if (signal?.aborted) this.model.stopTraining = true;
        },
      },
    });
    await training.catch((error: unknown) => {
      // Of a compiled step, which is then not taken.
      if (!(error instanceof TfjsNativeError && error.code === 'LOSS_NOT_FINITE')) throw error;
      this.#step++;
      this.#diverge('The loss became NaN or infinite');
    });
    if (!this.#failure && this.#unsavedSteps > 0)
      await this.#save(`epoch ${this.#epoch}, step ${this.#step}`);
    const failure = this.#failure ?? this.saver.failure;
    if (failure) throw failure;
  }

  async #beginEpoch(epoch: number): Promise<void> {
    this.#epoch = epoch;
    this.#step = 0;
    this.#epochBegan = performance.now();
    this.#sums = { images: 0, loss: 0, correct: 0 };
  }

  async #endStep(step: number, logs: Logs): Promise<void> {
    const { size, loss, acc } = logs as { size: number; loss: number; acc: number };
    this.#step = step;
    this.#steps++;
    this.#unsavedSteps++;
    if (!Number.isFinite(loss)) {
      this.#diverge('The loss became NaN or infinite');
      return;
    }
    const sums = this.#sums;
    sums.images += size;
    sums.loss += loss * size;
    sums.correct += Math.round(acc * size);
    this.options.onEvent?.({
      event: 'step',
      epoch: this.#epoch,
      step,
      images: sums.images,
      ...this.#means(),
    });
    if (this.options.signal?.aborted) this.model.stopTraining = true;
  }

  #means(): { loss: number; accuracy: number } {
    const { images, loss, correct } = this.#sums;
    return { loss: loss / images, accuracy: correct / images };
  }

  async #endEpoch(): Promise<void> {
    const { signal, onEvent } = this.options;
    if (this.#failure || signal?.aborted) return;
    const validation = await evaluate(this.model, this.validation, signal);
    if (validation === undefined) return;
    if (!Number.isFinite(validation.loss)) {
      this.#diverge(`The validation loss became ${validation.loss}`);
      return;
    }
    if (!(await this.#save(`epoch ${this.#epoch}`))) return;
    onEvent?.({
      event: 'epoch',
      epoch: this.#epoch,
      ...this.#means(),
      valLoss: validation.loss,
      valAccuracy: validation.accuracy,
      seconds: (performance.now() - this.#epochBegan) / 1000,
    });
  }

  /** @returns whether the model is worth saving: a broken one never replaces a good one */
  async #save(state: string): Promise<boolean> {
    if (!allFinite(this.model)) {
      this.#diverge('A weight became NaN or infinite');
      return false;
    }
    await this.saver.save(this.model, state);
    this.#unsavedSteps = 0;
    const { failure } = this.saver;
    if (failure) this.options.onEvent?.({ event: 'warning', message: failure.message });
    return true;
  }

  #diverge(what: string): void {
    const { saved } = this.saver;
    const kept = saved
      ? `The model of ${saved.state} is in ${saved.folder}.`
      : 'No epoch was completed or saved.';
    const { learningRate } = this.options;
    this.#failure = nativeError('TRAINING_DIVERGED', what, this.#epoch, this.#step, learningRate, kept);
    this.model.stopTraining = true;
  }
}

async function test(
  model: LayersModel,
  dataset: ImageDataset,
  folder: string,
  signal: AbortSignal | undefined,
) {
  try {
    return await evaluate(model, dataset, signal);
  } catch (error) {
    throw nativeError('EVALUATION_FAILED', folder, (error as Error).message);
  }
}

/**
 * Trains a model on MNIST or data like it: 10% of the training images (the last ones) are held out for
 * validation, the others are shuffled in every epoch, and the test images are evaluated at the end.
 *
 * The model is saved with its optimizer's state after every epoch and when the signal stops the training, as
 * `model.json` and `weights.bin`. If that fails, training goes on, the model is saved in a folder for temporary
 * files instead, and the failure is thrown at the end.
 * @throws TfjsNativeError INVALID_ARGUMENT, what `loadMnist` throws, OUTPUT_UNWRITABLE (all before any training),
 *   TRAINING_DIVERGED when the loss is no longer finite, SAVE_FAILED, EVALUATION_FAILED
 */
export async function train(options: TrainOptions = {}): Promise<TrainResult> {
  const began = performance.now();
  const full = checkTrainOptions(options);
  const { data, batch, seed, out, signal } = full;
  const sets = typeof data === 'object' ? data : await loadMnist({ data });
  const { train: trained, validation } = splitValidation(sets.train, validationSplit);
  const source = batches(trained, { batch, seed });
  await prepareOutput(out);
  const model = buildModel(full.model, full);
  try {
    full.onEvent?.({
      event: 'start',
      model: full.model,
      images: trained.count,
      validationImages: validation.count,
      epochs: full.epochs,
      steps: source.size,
    });
    const run = new Run(model, full, source, validation);
    await run.fit();
    const evaluation = signal?.aborted ? undefined : await test(model, sets.test, out, signal);
    const { backend, isa, threads, tensorflow } = info();
    return {
      model,
      folder: run.saver.saved?.folder,
      stopped: evaluation === undefined,
      steps: run.steps,
      test: evaluation,
      backend,
      isa,
      threads,
      ...(tensorflow && { tensorflow }),
      seconds: (performance.now() - began) / 1000,
    };
  } catch (error) {
    disposeModel(model);
    throw error;
  }
}

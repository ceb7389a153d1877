/** One run of `fitDataset` and what is kept of it. */
import { join } from 'node:path';
import { type Optimizer, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel, Logs } from '@tensorflow/tfjs-layers';
import { randomState, restoreRandomState, seedStep } from '../backend/seed';
import type { BatchSource } from '../data/batches';
import type { ImageDataset } from '../data/dataset';
import type { Preprocessing } from '../data/preprocessing';
import { nativeError, TfjsNativeError } from '../errors';
import { readSafeTensors, type TensorValues, writeSafeTensors } from '../io/safetensors';
import { writeFiles } from '../io/write-files';
import { type Progress, restoreWeights, trainingTensors, weightsOf, writeCheckpoint } from './checkpoint';
import { evaluate } from './evaluate';
import type { EpochEvent } from './events';
import { writeHistory } from './history';
import type { Control } from './options';
import { ModelSaver } from './output';
import type { RunConfig } from './run-config';
import { runRecord } from './run-record';
import {
  learningRateAt,
  noPatience,
  noPlateau,
  type Patience,
  patienceAfter,
  type Plateau,
  plateauAfter,
} from './schedule';

/** In the folder of a run: all of its last state, and the weights of its best epoch. */
export const lastFile = 'last.safetensors';
const bestFile = 'best.safetensors';

/** Before the first step. */
export const noProgress: Progress = {
  epoch: 0,
  step: 0,
  sums: { images: 0, loss: 0, correct: 0 },
  steps: 0,
  stopping: noPatience,
  plateau: noPlateau,
  bestEpoch: undefined,
  history: [],
};

/** What a run works on. */
export interface RunParts {
  readonly model: LayersModel;
  readonly control: Control;
  readonly config: RunConfig;
  readonly source: BatchSource;
  readonly validation: ImageDataset;
  readonly preprocessing: Preprocessing;
  readonly classWeight: Record<number, number> | undefined;
}

function allFinite(model: LayersModel): boolean {
  return model.getWeights().every((weight) => tidy(() => weight.isFinite().all().dataSync()[0] === 1));
}

function setLearningRate(optimizer: Optimizer, rate: number): void {
  const fields = optimizer as unknown as { learningRate: number; setLearningRate?: (rate: number) => void };
  // SGD keeps it on the backend as well. (instanceof takes any optimizer for any class.)
  if (fields.setLearningRate) fields.setLearningRate(rate);
  else fields.learningRate = rate;
}

export class Run {
  readonly saver: ModelSaver;
  #epoch: number;
  #step: number;
  #steps: number;
  #unsavedSteps = 0;
  #epochBegan = 0;
  #lastSaved = performance.now();
  #sums: { images: number; loss: number; correct: number };
  #rate = 0;
  #stopping: Patience;
  #plateau: Plateau;
  #bestEpoch: number | undefined;
  #best: Record<string, TensorValues> | undefined;
  #history: EpochEvent[];
  #failure: Error | undefined;

  /** @param progress of the run that this one goes on with; the model has its weights already */
  constructor(
    readonly parts: RunParts,
    progress: Progress = noProgress,
  ) {
    this.saver = new ModelSaver(parts.control.out);
    this.#epoch = progress.epoch;
    this.#step = progress.step;
    this.#steps = progress.steps;
    this.#sums = { ...progress.sums };
    this.#stopping = progress.stopping;
    this.#plateau = progress.plateau;
    this.#bestEpoch = progress.bestEpoch;
    this.#history = [...progress.history];
  }

  /** Steps taken in all epochs. */
  get steps(): number {
    return this.#steps;
  }

  /** The epoch whose weights the model has got in the end, from 1; undefined where that is not known. */
  get bestEpoch(): number | undefined {
    return this.#bestEpoch;
  }

  get #progress(): Progress {
    return {
      epoch: this.#epoch,
      step: this.#step,
      sums: { ...this.#sums },
      steps: this.#steps,
      stopping: this.#stopping,
      plateau: this.#plateau,
      bestEpoch: this.#bestEpoch,
      history: this.#history,
    };
  }

  /** For people. */
  get #state(): string {
    return `epoch ${this.#epoch + 1}, step ${this.#step}`;
  }

  /** Whether no better epoch has come for as long as was asked. */
  get #exhausted(): boolean {
    const { earlyStopping } = this.parts.config.settings;
    return earlyStopping !== undefined && this.#stopping.waited >= earlyStopping;
  }

  async fit(): Promise<void> {
    const { model, source, config, control, classWeight } = this.parts;
    const { epochs, earlyStopping } = config.settings;
    const { signal } = control;
    if (signal?.aborted) return;
    const before = randomState();
    if (!this.#exhausted && this.#epoch < epochs) {
      const training = model.fitDataset(source, {
        epochs,
        initialEpoch: this.#epoch,
        verbose: 0,
        ...(classWeight && { classWeight }),
        // So that signals and other work get their turn between any two steps.
        yieldEvery: 'batch',
        callbacks: {
          onEpochBegin: async () => {
            this.#epochBegan = performance.now();
          },
          onBatchBegin: async () => this.#beginStep(),
          onBatchEnd: (_, logs) => this.#endStep(logs as Logs),
          onEpochEnd: async () => {
            await this.#endEpoch();
            if (signal?.aborted || this.#exhausted) model.stopTraining = true;
          },
        },
      });
      await training
        .catch(async (error: unknown) => {
          // Of a compiled step, which is then not taken.
          if (!(error instanceof TfjsNativeError && error.code === 'LOSS_NOT_FINITE')) {
            // Data that cannot be read any more, say.
            if (this.#unsavedSteps > 0) await this.#save(this.#state);
            throw error;
          }
          this.#step++;
          this.#diverge('The loss became NaN or infinite');
        })
        .finally(() => restoreRandomState(before));
    }
    if (!this.#failure && this.#unsavedSteps > 0) await this.#save(this.#state);
    if (!this.#failure && !signal?.aborted && earlyStopping !== undefined) await this.#takeBest();
    const failure = this.#failure ?? this.saver.failure;
    if (failure) throw failure;
  }

  /** The learning rate of a step of this epoch, from 0. */
  #rateAt(step: number): number {
    const { source, config } = this.parts;
    return learningRateAt(config.settings, this.#epoch + step / source.size) * this.#plateau.factor;
  }

  #beginStep(): void {
    const { model, config } = this.parts;
    const rate = this.#rateAt(this.#step);
    if (rate !== this.#rate) setLearningRate(model.optimizer, rate);
    this.#rate = rate;
    seedStep(config.settings.seed, this.#steps);
  }

  async #endStep(logs: Logs): Promise<void> {
    const { model, control } = this.parts;
    const { size, loss, acc } = logs as { size: number; loss: number; acc: number };
    this.#step++;
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
    control.onEvent?.({
      event: 'step',
      epoch: this.#epoch + 1,
      step: this.#step,
      images: sums.images,
      ...this.#means(),
    });
    if (performance.now() - this.#lastSaved >= control.checkpointSeconds * 1000)
      await this.#save(this.#state);
    if (control.signal?.aborted) model.stopTraining = true;
  }

  #means(): { loss: number; accuracy: number } {
    const { images, loss, correct } = this.#sums;
    return { loss: loss / images, accuracy: correct / images };
  }

  async #endEpoch(): Promise<void> {
    const { model, source, control, validation, preprocessing } = this.parts;
    const { signal, onEvent } = control;
    if (this.#failure || signal?.aborted) return;
    const validated = await evaluate(model, validation, { preprocessing, signal });
    if (validated === undefined) return;
    if (!Number.isFinite(validated.loss)) {
      this.#diverge(`The validation loss became ${validated.loss}`);
      return;
    }
    const event: EpochEvent = {
      event: 'epoch',
      epoch: this.#epoch + 1,
      ...this.#means(),
      valLoss: validated.loss,
      valAccuracy: validated.accuracy,
      // Its last step may have been taken by a training that this one goes on with.
      learningRate: this.#rateAt(source.size - 1),
      seconds: (performance.now() - this.#epochBegan) / 1000,
    };
    const before = this.#progress;
    this.#advance(event);
    if (!(await this.#save(`epoch ${event.epoch}`))) {
      this.#epoch = before.epoch;
      this.#step = before.step;
      return;
    }
    onEvent?.(event);
  }

  /** To the beginning of the next epoch. */
  #advance(event: EpochEvent): void {
    this.#history.push(event);
    this.#stopping = patienceAfter(this.#stopping, event.valLoss);
    this.#plateau = plateauAfter(this.#plateau, event.valLoss, this.parts.config.settings);
    if (this.#stopping.waited === 0) {
      this.#bestEpoch = event.epoch;
      this.#best = undefined;
    }
    this.#epoch++;
    this.#step = 0;
    this.#sums = { images: 0, loss: 0, correct: 0 };
  }

  /** @returns whether the model is worth saving: a broken one never replaces a good one */
  async #save(state: string): Promise<boolean> {
    const { model, config, control } = this.parts;
    if (!allFinite(model)) {
      this.#diverge('A weight became NaN or infinite');
      return false;
    }
    const progress = this.#progress;
    const isBest = progress.step === 0 && progress.bestEpoch === progress.epoch;
    if (isBest) this.#best = await weightsOf(model);
    const best = isBest ? this.#best : undefined;
    await this.saver.save(model, state, async (folder) => {
      if (best) {
        const metadata = { epoch: String(progress.bestEpoch) };
        await writeSafeTensors(join(folder, bestFile), { tensors: best, metadata });
      }
      const tensors = await trainingTensors(model);
      await writeCheckpoint(join(folder, lastFile), { config, progress, tensors });
      await writeHistory(folder, progress.history);
      await writeFiles(folder, { 'run.json': [runRecord(config)] });
    });
    this.#unsavedSteps = 0;
    this.#lastSaved = performance.now();
    const { failure } = this.saver;
    if (failure) control.onEvent?.({ event: 'warning', message: failure.message });
    return true;
  }

  /** Gives the model the weights of the best epoch. */
  async #takeBest(): Promise<void> {
    const { model, control } = this.parts;
    if (this.#bestEpoch === undefined || this.#bestEpoch === this.#epoch) return;
    const file = join(control.out, bestFile);
    restoreWeights(model, this.#best ?? (await readSafeTensors(file)).tensors, file);
    await this.saver.save(model, `epoch ${this.#bestEpoch}`, async () => undefined);
    control.onEvent?.({ event: 'best', epoch: this.#bestEpoch });
  }

  #diverge(what: string): void {
    const { model } = this.parts;
    const { saved } = this.saver;
    const kept = saved
      ? `The model of ${saved.state} is in ${saved.folder}.`
      : 'No epoch was completed or saved.';
    const args = [what, this.#epoch + 1, this.#step, this.#rate, kept] as const;
    this.#failure = nativeError('TRAINING_DIVERGED', ...args);
    model.stopTraining = true;
  }
}

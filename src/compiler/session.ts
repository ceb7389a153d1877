/** What a training loop and whoever computes its steps agree on. */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';

/** What a model is trained on: whole tensors, rows are picked from them. */
export interface SessionData {
  readonly inputs: readonly Tensor[];
  readonly targets: readonly Tensor[];
  /** One per output, [rows]; undefined where an output has none. Class weights are already multiplied in. */
  readonly sampleWeights: readonly (Tensor1D | undefined)[];
}

/** Training steps of one model on given data. */
export interface TrainSession {
  /**
   * Takes consecutive steps: step s trains on the rows order[begin + s * batchSize …]; the last one may have fewer,
   * when `end` cuts it.
   *
   * Resolves to one row of values for each step taken, in the order of `model.metricsNames` (loss first): at least one
   * step, maybe fewer than `maxSteps`, so that the caller regains control every 50 ms or so. Rejects when a step
   * failed; steps before it have taken effect.
   */
  run(
    order: Uint32Array,
    begin: number,
    end: number,
    batchSize: number,
    maxSteps: number,
    signal?: AbortSignal,
  ): Promise<number[][]>;
  /** Weights and optimizer state are then all in the model's variables. */
  close(): void;
}

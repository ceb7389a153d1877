/** What the arguments of training take beyond upstream's. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ModelFitArgs } from '@tensorflow/tfjs-layers';

type Data = Tensor | Tensor[] | Record<string, Tensor>;

/** What `trainOnBatch` takes as its third argument, on the backend `native` only. */
export interface TrainOnBatchArgs {
  /** As in `fit`. */
  classWeight?: NonNullable<ModelFitArgs['classWeight']>;
  /** A weight of each sample, [rows], which its loss is multiplied with; with several outputs an array or by name. */
  sampleWeight?: Data;
}

declare module '@tensorflow/tfjs-layers/dist/engine/training_tensors' {
  interface ModelFitArgs {
    /**
     * Its abort ends the training within a step: `fit` then resolves with the history so far, in which the last epoch
     * may be one of fewer steps, and `model.stopTraining` is true. On the backend `native` only.
     */
    signal?: AbortSignal;
  }
}

declare module '@tensorflow/tfjs-layers/dist/engine/training_dataset' {
  interface ModelFitDatasetArgs<T> {
    /**
     * Its abort ends the training within a step: `fitDataset` then resolves with the history so far, in which the last
     * epoch may be one of fewer steps, and `model.stopTraining` is true. On the backend `native` only.
     */
    signal?: AbortSignal;
  }
}

declare module '@tensorflow/tfjs-layers/dist/engine/training' {
  interface ModelCompileArgs {
    /**
     * What the loss of each output is multiplied by in the sum that is minimised, as in Keras: a list in the order of
     * the outputs, or a map by their names, of which those that are left out have 1. The losses that are told of each
     * output are without it, but for 0 where the model trains op by op. Not saved with a model.
     */
    lossWeights?: number[] | Record<string, number>;
  }
  interface LayersModel {
    /** Takes one step on one batch, with weights; resolves to the loss, or to it and the metrics. */
    trainOnBatch(x: Data, y: Data, args?: TrainOnBatchArgs): Promise<number | number[]>;
  }
}

declare module '@tensorflow/tfjs-layers/dist/models' {
  interface Sequential {
    /** Takes one step on one batch, with weights; resolves to the loss, or to it and the metrics. */
    trainOnBatch(x: Data, y: Data, args?: TrainOnBatchArgs): Promise<number | number[]>;
  }
}

/** What the arguments of training take beyond upstream's. */
import '@tensorflow/tfjs-layers';

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

/**
 * Training loops in place of those of tf.layers' LayersModel (which Sequential uses): `fit`, `fitDataset` and
 * `trainOnBatch`. Upstream computes a step within its loop's `tf.tidy`, while these await it, so that a compiled step
 * can run off the main thread; what they compute and tell is upstream's. What of upstream's own code can be reached
 * runs: standardising data and arguments, making the callbacks, the eager step.
 */
import type { ModelFitArgs } from '@tensorflow/tfjs-layers';
import { trainOnBatch } from './fit-batch';
import { fitDataset } from './fit-dataset';
import { fitLoop } from './fit-loop';
import { replaceMethods, type TensorLike, type TrainedModel, upstream } from './fit-model';
import { rememberSignal } from './fit-stop';
import { standardizeUserData } from './fit-weights';

async function fit(this: TrainedModel, x: TensorLike, y: TensorLike, args: ModelFitArgs = {}) {
  // A model that is being trained already is upstream's to reject.
  if (!this.isTraining) rememberSignal(this, args.signal);
  return upstream.fit.call(this as never, x, y, args);
}

replaceMethods({ fit, fitLoop, fitDataset, trainOnBatch, standardizeUserData });

/**
 * `predict`, `predictOnBatch` and `evaluate` of tf.layers' LayersModel by compiled forward passes: in place of upstream's
 * loops over batches, so that its checks of arguments stay.
 */
import { scalar, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { openEvaluation, openPrediction } from '../compiler/inference';
import { replaceMethods, type StepFunction, type TrainedModel, upstream } from './fit-model';

/** Whether the call of `predict` that is under way is one of `predictAsync`. */
let asynchronous = false;

function oneOrAll(tensors: Tensor[]): Tensor | Tensor[] {
  return tensors.length === 1 ? (tensors[0] as Tensor) : tensors;
}

function predictLoop(this: TrainedModel, ins: Tensor | Tensor[], batchSize = 32, verbose = false) {
  const inputs = Array.isArray(ins) ? ins : [ins];
  const pass = verbose ? undefined : openPrediction(this as unknown as LayersModel, inputs, batchSize);
  if (pass === undefined) return upstream.predictLoop.call(this, ins, batchSize, verbose);
  // It comes out of `predict` as it is.
  return asynchronous
    ? pass.runAsync().then(({ outputs }) => oneOrAll(outputs))
    : oneOrAll(pass.run().outputs);
}

function testLoop(
  this: TrainedModel,
  f: StepFunction,
  ins: Tensor[],
  batchSize: number,
  verbose = 0,
  steps?: number,
): Scalar[] {
  // What a user's own class does in a step is only known by running it.
  const own = this.makeTestFunction !== upstream.makeTestFunction || f !== this.testFunction;
  const pass =
    own || verbose > 0 || steps != null
      ? undefined
      : openEvaluation(this as unknown as LayersModel, ins, batchSize);
  if (pass === undefined) return upstream.testLoop.call(this, f, ins, batchSize, verbose, steps);
  return pass.run().means.map((mean) => scalar(mean));
}

replaceMethods({ predictLoop, testLoop });

/**
 * As `model.predict`, for servers: compiled models compute on another thread while the event loop goes on, any number of
 * predictions at a time, each with the weights at the time of the call. Models without a compiled form (`explain`) predict
 * on JavaScript's thread.
 * @param x as `model.predict` takes it: a tensor, or one for each input
 * @param args `batchSize` as that of `model.predict`, default 32
 * @returns a tensor, or one for each output
 * @throws what `model.predict` throws
 */
export async function predictAsync(
  model: LayersModel,
  x: Tensor | Tensor[],
  args: { readonly batchSize?: number } = {},
): Promise<Tensor | Tensor[]> {
  let result: Tensor | Tensor[] | Promise<Tensor | Tensor[]>;
  asynchronous = true;
  try {
    result = model.predict(x, args);
  } finally {
    asynchronous = false;
  }
  return result;
}

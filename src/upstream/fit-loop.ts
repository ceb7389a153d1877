/** `fitLoop` of upstream's LayersModel: what `fit` does once its arguments are checked. */
import { slice, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import type { History } from '@tensorflow/tfjs-layers';
import type { SessionData, TrainSession } from '../compiler/session';
import { callbacksOf, FitCallbacks, type Logs } from './fit-callbacks';
import { type StepFunction, type TrainedModel, upstream } from './fit-model';
import { withSession } from './fit-session';
import { untilStopped, whileStoppable } from './fit-stop';
import { shuffle as shuffleRows } from './shuffle';
import { evaluateRows } from './fit-validate';

/** Upstream's list of inputs, targets and weights, taken apart; `made` are to be disposed of. */
function sessionData(model: TrainedModel, ins: (Tensor | null)[]): { data: SessionData; made: Tensor[] } {
  const targetsAt = model.inputs.length;
  const weightsAt = targetsAt + model.outputs.length;
  const inputs = ins.slice(0, targetsAt) as Tensor[];
  const rows = inputs[0]?.shape[0] as number;
  const made: Tensor[] = [];
  const sampleWeights = model.outputs.map((_, i) => {
    const weights = ins[weightsAt + i] as Tensor1D | null | undefined;
    // With `validationSplit` there is one for each validation row as well.
    if (weights == null || weights.shape[0] === rows) return weights ?? undefined;
    const trained = slice(weights, 0, rows);
    made.push(trained);
    return trained;
  });
  return { data: { inputs, targets: ins.slice(targetsAt, weightsAt) as Tensor[], sampleWeights }, made };
}

/** One fit and what its epochs need. */
interface Fit {
  readonly model: TrainedModel;
  readonly callbacks: FitCallbacks;
  readonly run: TrainSession['run'];
  /** The rows in the order in which they are trained on. */
  readonly order: Uint32Array;
  readonly batchSize: number;
  readonly validate: (() => Promise<number[] | undefined>) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Trains on all rows, or until it is stopped. */
async function runEpoch(fit: Fit, epoch: number): Promise<void> {
  const { model, callbacks, run, order, batchSize, validate, signal } = fit;
  const rows = order.length;
  const logs: Logs = {};
  for (let batch = 0; batch * batchSize < rows && !signal?.aborted; ) {
    const begin = batch * batchSize;
    const batchLogs: Logs = {};
    await callbacks.batchBegin(batch, batchLogs);
    // Who stops before a batch has that one trained on, as upstream.
    const maxSteps = callbacks.wantBatches || model.stopTraining ? 1 : Math.ceil((rows - begin) / batchSize);
    const steps = await untilStopped(model, (stop) => run(order, begin, rows, batchSize, maxSteps, stop));
    if (begin + steps.length * batchSize >= rows) {
      // As upstream, before anybody is told of the last batch.
      const values = await validate?.();
      // Upstream's test function gives more than has a label where there are several outputs.
      if (values !== undefined) {
        for (const [i, label] of callbacks.labels.entries()) logs[`val_${label}`] = values[i] as number;
      }
    }
    for (const values of steps) {
      const size = Math.min(batchSize, rows - batch * batchSize);
      await callbacks.batchEnd(batch, batchLogs, size, values);
      batch++;
    }
    if (model.stopTraining) break;
  }
  await callbacks.epochEnd(epoch, logs);
}

/** Upstream's positional arguments, as `fit` gives them. */
type LoopArgs = [
  step: StepFunction,
  ins: (Tensor | null)[],
  labels: string[],
  batchSize: number,
  epochs: number | undefined,
  verbose: number | undefined,
  callbacks: unknown[],
  test: StepFunction | null,
  validationIns: Tensor[] | undefined,
  shuffle: boolean | 'batch' | undefined,
  callbackMetrics: string[],
  initialEpoch: number | undefined,
  stepsPerEpoch: number | null,
  validationSteps: number | null,
];

/**
 * As upstream's. Upstream's own runs where it is not `fit` that calls it, whose `step` is the model's, and for what
 * upstream does not implement (shuffling by batches, steps per epoch), which is left to its errors.
 * @throws what upstream throws, what a callback throws, and what a step throws
 */
export async function fitLoop(this: TrainedModel, ...args: LoopArgs): Promise<History> {
  const [
    step,
    ins,
    labels,
    batchSize,
    epochs,
    ,
    ,
    test,
    validationIns,
    shuffle,
    ,
    initialEpoch,
    stepsPerEpoch,
  ] = args;
  const theirs = () => upstream.fitLoop.apply(this, args as unknown as Parameters<TrainedModel['fitLoop']>);
  if (!this.isTraining || shuffle === 'batch' || stepsPerEpoch != null) return theirs();
  const callbacks = new FitCallbacks(await callbacksOf(theirs), labels);
  const { history } = this;
  const { data, made } = sessionData(this, ins);
  const order = Uint32Array.from({ length: data.inputs[0]?.shape[0] as number }, (_, row) => row);
  try {
    await callbacks.trainBegin();
    this.stopTraining = false;
    await whileStoppable(this, async (signal) => {
      const validate =
        test && validationIns ? () => evaluateRows(this, test, validationIns, batchSize, signal) : undefined;
      await withSession(this, data, batchSize, step, async (run) => {
        const fit = { model: this, callbacks, run, order, batchSize, validate, signal };
        for (let epoch = initialEpoch ?? 0; epoch < (epochs ?? 1) && !signal?.aborted; epoch++) {
          await callbacks.epochBegin(epoch);
          if (shuffle ?? true) shuffleRows(order);
          await runEpoch(fit, epoch);
          if (this.stopTraining) break;
        }
      });
    });
    await callbacks.trainEnd();
  } finally {
    for (const tensor of made) tensor.dispose();
    // Also of a fit that failed: it disposes of scalars.
    await history.syncData();
  }
  return history;
}

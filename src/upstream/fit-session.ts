/** Training steps: compiled where the model can be, else eager. */
import { gather, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { takeKey } from '../backend/seed';
import { openSession } from '../compiler';
import { constraintOf } from '../compiler/constraints';
import { lossWeights } from '../compiler/loss_weights';
import { inOrder } from '../compiler/request';
import type { SessionData, TrainSession } from '../compiler/session';
import { variableOf } from '../compiler/weights';
import { giveTurn, isTurnDue } from './event-loop';
import { type StepFunction, type TrainedModel, upstream } from './fit-model';

/** What the loss of an output is multiplied with: a weight per row, whatever the loss has per row. */
function fitLoss(weights: Tensor, output: { readonly shape: readonly unknown[] }): Tensor {
  const rank = output.shape.length - 1;
  return rank > 1 ? weights.reshape([-1, ...new Array<number>(rank - 1).fill(1)]) : weights;
}

/** Whether these are all rows of the data, as they stand there. */
function isWhole(rows: Uint32Array, { inputs }: SessionData): boolean {
  return rows.length === inputs[0]?.shape[0] && rows.every((row, i) => row === i);
}

/** Applies the constraints of trained weights, which upstream forgets after an optimizer's step. */
function constrain({ collectedTrainableWeights }: TrainedModel): void {
  for (const weight of collectedTrainableWeights) {
    const constraint = constraintOf(weight);
    const variable = variableOf(weight);
    if (constraint && weight.trainable) variable.assign(constraint.apply(variable));
  }
}

function eagerSession(step: StepFunction, model: TrainedModel, data: SessionData): TrainSession {
  function take(rows: Uint32Array): number[] {
    return tidy(() => {
      const indices = isWhole(rows, data) ? undefined : tensor1d(Int32Array.from(rows), 'int32');
      const pick = (tensor: Tensor): Tensor => (indices ? gather(tensor, indices) : tensor);
      const outs = step([
        ...data.inputs.map(pick),
        ...data.targets.map(pick),
        ...data.sampleWeights.map((weights, i) =>
          weights ? fitLoss(pick(weights), model.outputs[i] as never) : null,
        ),
      ]);
      constrain(model);
      const weights = lossWeights(model as unknown as LayersModel);
      const row = outs.map((out, i) => {
        const value = out.dataSync()[0] as number;
        // Upstream tells the loss of each output, behind their sum, as it is in there.
        const weight = outs.length > 1 && weights.length > 1 ? weights[i - 1] : undefined;
        return weight ? value / weight : value;
      });
      // Upstream keeps metrics beyond the tidy.
      for (const out of outs) out.dispose();
      return row;
    });
  }

  return {
    async run(order, begin, end, batchSize, maxSteps, signal) {
      const rows: number[][] = [];
      let at = begin;
      do {
        rows.push(take(order.subarray(at, Math.min(at + batchSize, end))));
        at += batchSize;
      } while (rows.length < maxSteps && at < end && !signal?.aborted && !isTurnDue());
      return rows;
    },
    close() {},
  };
}

const turns = new WeakMap<TrainedModel, Promise<unknown>>();

/** Runs something when all that was given before for this model has ended: two steps must not meet. */
async function inTurn<T>(model: TrainedModel, run: () => Promise<T>): Promise<T> {
  const before = turns.get(model);
  const mine = before === undefined ? run() : before.then(run);
  const ended = mine.then(
    () => {},
    () => {},
  );
  turns.set(model, ended);
  try {
    return await mine;
  } finally {
    if (turns.get(model) === ended) turns.delete(model);
  }
}

function open(
  model: TrainedModel,
  data: SessionData,
  batchSize: number,
  step: StepFunction | undefined,
): TrainSession {
  // What a user's own class does in a step is only known by running it.
  const compilable = model.makeTrainFunction === upstream.makeTrainFunction;
  return (
    (compilable ? openSession(model as unknown as LayersModel, data, batchSize, takeKey()) : undefined) ??
    eagerSession(step ?? model.makeTrainFunction(), model, data)
  );
}

/**
 * Runs `use` with a session, whose steps never meet those of other sessions of the model.
 * @param step what the model's `makeTrainFunction` made
 */
export async function withSession(
  model: TrainedModel,
  data: SessionData,
  batchSize: number,
  step: StepFunction,
  use: (run: TrainSession['run']) => Promise<void>,
): Promise<void> {
  const session = await inTurn(model, async () => open(model, data, batchSize, step));
  try {
    await use(async (...args) => {
      const steps = await inTurn(model, () => session.run(...args));
      await giveTurn();
      return steps;
    });
  } finally {
    await inTurn(model, async () => session.close());
  }
}

/** Takes one step on all rows of the data; gives its values. */
export async function trainOnce(model: TrainedModel, data: SessionData): Promise<number[]> {
  const values = await inTurn(model, async () => {
    const rows = data.inputs[0]?.shape[0] as number;
    const session = open(model, data, rows, undefined);
    try {
      const [values] = await session.run(inOrder(rows), 0, rows, rows, 1);
      return values as number[];
    } finally {
      session.close();
    }
  });
  await giveTurn();
  return values;
}

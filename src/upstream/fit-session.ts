/** Training steps: compiled where the model can be, else eager. */
import { gather, nextFrame, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { openSession } from '../compiler';
import type { SessionData, TrainSession } from '../compiler/session';
import { type StepFunction, type TrainedModel, upstream } from './fit-model';

/** How long eager steps may keep the event loop waiting, in milliseconds; one step may take longer. */
const patience = 10;

/** What the loss of an output is multiplied with: a weight per row, whatever the loss has per row. */
function fitLoss(weights: Tensor, output: { readonly shape: readonly unknown[] }): Tensor {
  const rank = output.shape.length - 1;
  return rank > 1 ? weights.reshape([-1, ...new Array<number>(rank - 1).fill(1)]) : weights;
}

function eagerSession(step: StepFunction, model: TrainedModel, data: SessionData): TrainSession {
  let yielded = performance.now();

  function take(rows: Uint32Array): number[] {
    return tidy(() => {
      const indices = tensor1d(Int32Array.from(rows), 'int32');
      const outs = step([
        ...data.inputs.map((tensor) => gather(tensor, indices)),
        ...data.targets.map((tensor) => gather(tensor, indices)),
        ...data.sampleWeights.map((weights, i) =>
          weights ? fitLoss(gather(weights, indices), model.outputs[i] as never) : null,
        ),
      ]);
      const row = outs.map((out) => out.dataSync()[0] as number);
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
      } while (
        rows.length < maxSteps &&
        at < end &&
        !signal?.aborted &&
        performance.now() - yielded < patience
      );
      if (performance.now() - yielded >= patience) {
        await nextFrame();
        yielded = performance.now();
      }
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

/**
 * Opens a session for a model and data; `run` waits for the steps of other sessions of the model.
 * @param step what the model's `makeTrainFunction` made; undefined to ask it
 */
export function openTrainSession(
  model: TrainedModel,
  data: SessionData,
  batchSize: number,
  step?: StepFunction,
): TrainSession {
  // A step that a subclass of the user's changed is only known by running it.
  const compilable = model.makeTrainFunction === upstreamsStep;
  const session =
    (compilable ? openSession(model as unknown as LayersModel, data, batchSize) : undefined) ??
    eagerSession(step ?? model.makeTrainFunction(), model, data);
  return {
    run: (...args) => inTurn(model, () => session.run(...args)),
    close: () => session.close(),
  };
}

const upstreamsStep = upstream.makeTrainFunction;

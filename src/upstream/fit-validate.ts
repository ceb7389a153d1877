/** Validation in the course of a fit. */
import { slice, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { openEvaluation } from '../compiler/inference';
import { giveTurn } from './event-loop';
import { type StepFunction, type TrainedModel, upstream } from './fit-model';

/**
 * Losses and metrics over all rows, averaged, as upstream's `testLoop` gives them, but for waiting for the event loop.
 * @returns undefined if the signal ended it
 */
export async function evaluateRows(
  model: TrainedModel,
  test: StepFunction,
  ins: readonly Tensor[],
  batchSize: number,
  signal: AbortSignal | undefined,
): Promise<number[] | undefined> {
  const rows = (ins[0] as Tensor).shape[0] as number;
  // What a user's own class does in a step is only known by running it.
  const own = model.makeTestFunction !== upstream.makeTestFunction;
  const pass = own ? undefined : openEvaluation(model as unknown as LayersModel, ins, batchSize);
  if (pass) {
    const { means } = await pass.runAsync();
    return signal?.aborted ? undefined : means;
  }
  const sums: number[] = [];
  for (let begin = 0; begin < rows; begin += batchSize) {
    if (signal?.aborted) return undefined;
    const size = Math.min(batchSize, rows - begin);
    tidy(() => {
      const outs = test(ins.map((tensor) => slice(tensor, [begin], [size])));
      outs.forEach((out, i) => {
        sums[i] = (sums[i] ?? 0) + (out.dataSync()[0] as number) * size;
      });
    });
    await giveTurn();
  }
  return sums.map((sum) => sum / rows);
}

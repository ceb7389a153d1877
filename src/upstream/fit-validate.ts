/** Validation in the course of a fit. */
import { performance } from 'node:perf_hooks';
import { nextFrame, slice, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { StepFunction } from './fit-model';

/** How long it may keep the event loop waiting, in milliseconds; one batch may take longer. */
const patience = 10;

/**
 * Losses and metrics over all rows, averaged, as upstream's `testLoop` gives them, but for waiting for the event loop.
 * @returns undefined if the signal ended it
 */
export async function evaluateRows(
  test: StepFunction,
  ins: readonly Tensor[],
  batchSize: number,
  signal: AbortSignal | undefined,
): Promise<number[] | undefined> {
  const rows = (ins[0] as Tensor).shape[0] as number;
  const sums: number[] = [];
  let yielded = performance.now();
  for (let begin = 0; begin < rows; begin += batchSize) {
    if (signal?.aborted) return undefined;
    const size = Math.min(batchSize, rows - begin);
    tidy(() => {
      const outs = test(ins.map((tensor) => slice(tensor, [begin], [size])));
      outs.forEach((out, i) => {
        sums[i] = (sums[i] ?? 0) + (out.dataSync()[0] as number) * size;
      });
    });
    if (performance.now() - yielded < patience) continue;
    await nextFrame();
    yielded = performance.now();
  }
  return sums.map((sum) => sum / rows);
}

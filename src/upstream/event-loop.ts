/** Lets the event loop have its turn in the course of long work. */
import { performance } from 'node:perf_hooks';
import { nextFrame } from '@tensorflow/tfjs-core';

/** How long training may keep it waiting, in milliseconds; a single step may take longer. */
const patience = 10;

let lastTurn = 0;

/** Whether the event loop has waited long enough, as far as training knows. */
export function isTurnDue(): boolean {
  return performance.now() - lastTurn >= patience;
}

/** Waits for the event loop's turn, if that is due. */
export async function giveTurn(): Promise<void> {
  if (!isTurnDue()) return;
  await nextFrame();
  lastTurn = performance.now();
}

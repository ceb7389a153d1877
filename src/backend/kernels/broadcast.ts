/** Shapes of ops that broadcast two tensors. */
import { broadcast_util } from '@tensorflow/tfjs-core';

/**
 * The shape that both broadcast to.
 * @throws Error when there is none, as TensorFlow.js words it
 */
export function broadcastShape(a: number[], b: number[]): number[] {
  if (b.length === 0 || isSame(a, b)) return a;
  if (a.length === 0) return b;
  return broadcast_util.assertAndGetBroadcastShape(a, b);
}

export function isSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

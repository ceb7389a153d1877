/** Shapes of ops that broadcast two tensors. */
import { broadcast_util } from '@tensorflow/tfjs-core';

/**
 * The shape that both broadcast to.
 * @throws Error when there is none, as TensorFlow.js words it
 */
export function broadcastShape(a: number[], b: number[]): number[] {
  const long = a.length < b.length ? b : a;
  const short = long === a ? b : a;
  const lead = long.length - short.length;
  for (let i = 0; i < short.length; i++) {
    if (short[i] !== long[lead + i] && short[i] !== 1) return broadcast_util.assertAndGetBroadcastShape(a, b);
  }
  return long;
}

export function isSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

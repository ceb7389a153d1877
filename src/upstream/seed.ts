/** The state of the random generator, and what rules it. */
import { randomBytes } from 'node:crypto';
import type { Philox } from '../backend/ops';
import { nativeError } from '../errors';

interface State {
  key0: number;
  key1: number;
  used: number;
  seeded: boolean;
}

function randomState(): State {
  const key = randomBytes(8);
  return { key0: key.readUInt32LE(0), key1: key.readUInt32LE(4), used: 0, seeded: false };
}

// Several copies of this package share what the first one replaced in TensorFlow.js, so they share this as well.
const key = Symbol.for('tfjs-native.random');
const holder = globalThis as { [key]?: State };
holder[key] ??= randomState();
const state: State = holder[key];

/**
 * Makes all that is random and has no seed of its own the same in every run: initial weights, the order in which
 * `fit` shuffles, dropout, `tf.randomUniform`, `tf.randomNormal`, `tf.truncatedNormal` and `tf.multinomial`. The
 * numbers start anew with each call. On the backend `native` only; each worker thread has a generator of its own.
 * @param seed a whole number from 0 to 2^53 - 1
 * @throws TfjsNativeError INVALID_ARGUMENT for any other seed
 */
export function setSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw nativeError('INVALID_ARGUMENT', 'seed', seed, 'a whole number from 0 to 2^53 - 1');
  Object.assign(state, { key0: seed % 2 ** 32, key1: Math.floor(seed / 2 ** 32), used: 0, seeded: true });
}

/** Whether `setSeed` rules the generator. */
export function isSeeded(): boolean {
  return state.seeded;
}

/** A part of the generator's sequence that nobody else gets, for `count` numbers. */
export function takeNumbers(count: number): Philox {
  const first = state.used;
  // 64 numbers come from 16 counters.
  state.used += Math.ceil(count / 64) * 16;
  return {
    key0: state.key0,
    key1: state.key1,
    counter0: first % 2 ** 32,
    counter1: Math.floor(first / 2 ** 32),
    counter2: 0,
    counter3: 0,
  };
}

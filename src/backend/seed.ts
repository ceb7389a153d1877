/** The state of the random generator, and what rules it. */
import { randomBytes } from 'node:crypto';
import { nativeError } from '../errors';
import type { Philox } from './ops';

/** Where the generator stands. */
export interface RandomState {
  key0: number;
  key1: number;
  used: number;
  /** Keys that were taken. */
  keys: number;
  seeded: boolean;
}

function newState(): RandomState {
  const key = randomBytes(8);
  return { key0: key.readUInt32LE(0), key1: key.readUInt32LE(4), used: 0, keys: 0, seeded: false };
}

// Several copies of this package share what the first one replaced in TensorFlow.js, so they share this as well.
const key = Symbol.for('tfjs-native.random');
const holder = globalThis as { [key]?: RandomState };
holder[key] ??= newState();
const state: RandomState = holder[key];

/**
 * Makes all that is random and has no seed of its own the same in every run: initial weights, the order in which
 * `fit` shuffles, dropout, `tf.randomUniform`, `tf.randomNormal`, `tf.truncatedNormal` and, on the backend `native`,
 * `tf.multinomial`. The numbers are the same on all backends, but for the dropout of compiled training. They start anew with
 * each call; each worker thread has a generator of its own.
 * @param seed a whole number from 0 to 2^53 - 1
 * @throws TfjsNativeError INVALID_ARGUMENT for any other seed
 */
export function setSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw nativeError('INVALID_ARGUMENT', 'seed', seed, 'a whole number from 0 to 2^53 - 1');
  Object.assign(state, {
    key0: seed % 2 ** 32,
    key1: Math.floor(seed / 2 ** 32),
    used: 0,
    keys: 0,
    seeded: true,
  });
}

/** Where the generator stands now, for {@link restoreRandomState}. */
export function randomState(): RandomState {
  return { ...state };
}

/** Lets the generator go on from where it stood. */
export function restoreRandomState(before: RandomState): void {
  Object.assign(state, before);
}

/** What `setSeed` sets, for one step of a training: the same whether or not the steps before were taken here. */
export function seedStep(seed: number, step: number): void {
  setSeed(seed);
  Object.assign(state, { used: step * 2 ** 32, keys: step * 2 ** 8 });
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

/** Mixes all bits of a 32-bit number (the finalizer of MurmurHash3). */
function mix(x: number): number {
  let h = x >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The key of a generator of its own, two words. It takes nothing from the numbers, so that these are the same without. */
export function takeKey(): [low: number, high: number] {
  const { key0, key1, keys } = state;
  state.keys++;
  return [mix(key0 ^ mix(keys)), mix(key1 ^ mix(keys + 1))];
}

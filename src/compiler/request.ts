/** What a run of a plan is asked for, as native/binding/plan.cc reads it. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { dtypeCodes, type NativeDType, type TensorStorage } from '../backend/storage';
import { addon } from '../binding';
import type { EncodedClipping } from './clipping';
import { backend } from './weights';

/** Which rows of the data the steps are taken on. */
export interface Rows {
  readonly order: Uint32Array;
  readonly begin: number;
  readonly end: number;
  readonly batchSize: number;
  readonly maxSteps: number;
}

/** Where random numbers come from. */
export interface Key {
  readonly words: readonly [low: number, high: number];
  /** Of the first step of the run. */
  readonly step: number;
}

/** Type, address and divisor of what rows are gathered from. */
export type Source = readonly [type: number, address: number, divisor: number];

export interface Request {
  /** Of the plan's memory. */
  readonly arena: number;
  readonly rows: Rows;
  /** After which no new step begins. */
  readonly seconds: number;
  readonly key: Key;
  readonly sources: readonly Source[];
  /** The step of an optimizer: an op, where its slots begin, its parameters, numbers that change from step to step. */
  readonly optimizer: {
    readonly op: number;
    readonly clip: EncodedClipping;
    readonly slots: readonly number[];
    readonly values: readonly number[];
    readonly scalars: readonly number[];
    readonly iterations: number;
  };
  /** Addresses of weights that are not in the plan's memory. */
  readonly externals: readonly number[];
  /** Addresses that outputs are written to. */
  readonly outputs: readonly number[];
}

export function encodeRequest(request: Request): Float64Array {
  const { arena, rows, seconds, key, sources, optimizer, externals, outputs } = request;
  // Far faster than `from`, which goes by an iterator.
  return new Float64Array([
    arena,
    addon.addressOf(rows.order),
    rows.begin,
    rows.end,
    rows.batchSize,
    rows.maxSteps,
    seconds,
    ...key.words,
    key.step,
    sources.length,
    ...sources.flat(),
    optimizer.op,
    ...optimizer.clip,
    optimizer.slots.length,
    ...optimizer.slots,
    optimizer.values.length,
    ...optimizer.values,
    optimizer.scalars.length,
    ...optimizer.scalars,
    optimizer.iterations,
    externals.length,
    ...externals,
    outputs.length,
    ...outputs,
  ]);
}

export function storageOf(tensor: Tensor): TensorStorage {
  return backend().storage(tensor.dataId);
}

/** @param tensor undefined for weights of samples that are all 1 */
export function sourceOf(tensor: Tensor | undefined): Source {
  if (tensor === undefined) return [0, 0, 1];
  const storage = storageOf(tensor);
  const { scaledBytes } = storage;
  if (scaledBytes) return [2, addon.addressOf(scaledBytes.bytes), scaledBytes.divisor];
  const dtype = tensor.dtype as NativeDType;
  return [dtypeCodes[dtype], storage.addressOf(tensor.size, dtype), 1];
}

let numbers = new Uint32Array();

/** The whole numbers from 0 to `rows` - 1. */
export function inOrder(rows: number): Uint32Array {
  if (numbers.length < rows) numbers = Uint32Array.from({ length: rows }, (_, row) => row);
  return numbers.subarray(0, rows);
}

/** Why an op of a plan failed. */
export function refusalOf(op: string): string {
  // All else is checked when a model is lowered.
  return op === 'GatherV2'
    ? 'a number that is looked up in an embedding is negative, or not below its inputDim'
    : 'it refused a compiled call';
}

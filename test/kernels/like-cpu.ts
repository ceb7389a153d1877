/**
 * Runs a kernel on `native` and on `cpu` with drawn inputs and compares, and tells which native ops ran. For kernels
 * whose arithmetic is tested in test/native: here it is shapes, dtypes, attributes and what goes to JavaScript.
 */
import * as tf from 'tfjs-native';
import { afterAll, beforeEach, expect } from 'vitest';
import { addon } from '../../dist/binding.js';

export type DType = 'float32' | 'int32' | 'bool';
export interface Values {
  readonly shape: number[];
  readonly dtype: DType;
  readonly values: number[];
}
export type Inputs = Record<string, Values> | Values[];

export const seed = Number(process.env.SEED ?? Date.now() % 1e9);
let state = seed;
export function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return (state >>> 0) / 2 ** 32;
}
/** A whole number from low to high, both included. */
export const whole = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
export const pick = <T>(list: readonly T[]): T => list[whole(0, list.length - 1)] as T;

const oddFloats = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5];

function drawValue(dtype: DType): number {
  if (dtype === 'bool') return whole(0, 1);
  if (dtype === 'int32') return whole(-9, 9);
  // Whole numbers make ties.
  if (random() < 0.3) return whole(-2, 2);
  return random() < 0.1 ? pick(oddFloats) : Math.fround((random() - 0.5) * 8);
}

export function draw(shape: number[], dtype: DType): Values {
  const length = shape.reduce((product, n) => product * n, 1);
  return { shape, dtype, values: Array.from({ length }, () => drawValue(dtype)) };
}

/** Whole numbers, whose products and sums are exact, and now and then NaN or an infinity. */
export function drawWhole(shape: number[], odd = 0): Values {
  const length = shape.reduce((product, n) => product * n, 1);
  const value = () => (random() < odd ? pick([NaN, Infinity, -Infinity, 0]) : whole(-4, 4));
  return { shape, dtype: 'float32', values: Array.from({ length }, value) };
}

export const drawShape = (lowest = 0, highest = 6): number[] =>
  Array.from({ length: whole(lowest, highest) }, () => whole(1, 5));

/** The native ops that ran since the test began. */
export const nativeRuns = new Set<string>();
const { run } = addon;
beforeEach(() => {
  nativeRuns.clear();
  Object.assign(addon, {
    run: () => {
      nativeRuns.add(addon.ops[addon.frame[0] as number]?.name as string);
      return run();
    },
  });
});
afterAll(async () => {
  Object.assign(addon, { run });
  await tf.setBackend('native');
});

/** What a kernel gives; every buffer but its inputs' and outputs' must be gone by then. */
export function runKernel(backend: string, name: string, inputs: Inputs, attrs: object): Values[] {
  tf.setBackend(backend);
  return tf.tidy(() => {
    const make = ({ shape, dtype, values }: Values): tf.Tensor => tf.tensor(values, shape, dtype);
    const tensors = Array.isArray(inputs)
      ? inputs.map(make)
      : Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, make(value)]));
    const before = tf.backend().numDataIds();
    const result = tf.engine().runKernel(name, tensors as tf.NamedTensorMap, attrs as never);
    const outputs = Array.isArray(result) ? result : [result];
    const ids = new Set(outputs.map((y) => y.dataId));
    for (const x of Object.values(tensors)) ids.delete(x.dataId);
    if (backend === 'native') expect(tf.backend().numDataIds() - before, `buffers of ${name}`).toBe(ids.size);
    return outputs.map((y) => ({
      shape: y.shape,
      dtype: y.dtype as DType,
      values: Array.from(y.dataSync()),
    }));
  });
}

/**
 * As on `cpu`: float32 within four units in the last place of the value or of the largest number put in.
 * @param rounding what it may differ by in any case
 */
export function expectLikeCpu(name: string, inputs: Inputs, attrs: object = {}, rounding = 0): void {
  const want = runKernel('cpu', name, inputs, attrs);
  const got = runKernel('native', name, inputs, attrs);
  const about = `seed ${seed}: ${name} ${JSON.stringify(attrs)} of ${JSON.stringify(inputs)}`;
  const kind = ({ dtype, shape }: Values) => [dtype, shape];
  expect(got.map(kind), about).toEqual(want.map(kind));
  const numbers = Object.values(inputs).flatMap(({ values }) => values.filter(Number.isFinite));
  const largest = numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  want.forEach((output, o) => {
    output.values.forEach((w, i) => {
      const g = got[o]?.values[i] as number;
      const bound =
        output.dtype === 'float32' ? Math.max(Math.max(Math.abs(w), largest) * 2 ** -21, rounding) : 0;
      const close = Object.is(g, w) || w === g || Math.abs(g - w) <= bound;
      expect(close, `output ${o}, element ${i} is ${g}, expected ${w}: ${about}`).toBe(true);
    });
  });
}

/** As on `cpu`, and made there by the JavaScript kernel. */
export function expectJavaScript(name: string, inputs: Inputs, attrs: object = {}): void {
  nativeRuns.clear();
  expectLikeCpu(name, inputs, attrs);
  expect(nativeRuns).toEqual(new Set());
}

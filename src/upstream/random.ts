/**
 * Random tensors and dropout made by native kernels, where upstream fills them number by number in JavaScript. With an
 * explicit seed upstream's own functions run, so that a seed gives the numbers that it always gave; without one nobody
 * can tell the generators apart. On other backends upstream's own run too, but for what `setSeed` rules.
 *
 * The functions are replaced among the exports of tfjs-core, which is where tf.layers and users find them.
 */
import type * as core from '@tensorflow/tfjs-core';
import {
  type DataType,
  engine,
  mul,
  ones,
  op,
  registerGradient,
  reshape,
  softmax,
  Tensor,
  tensor,
} from '@tensorflow/tfjs-core';
import { takeNumbers } from '../backend/seed';
import { drawsNatively, nativeNumbers, nativeTensor } from './native-numbers';

type Upstream = Pick<
  typeof core,
  | 'randomUniform'
  | 'randomUniformInt'
  | 'randomNormal'
  | 'randomStandardNormal'
  | 'truncatedNormal'
  | 'dropout'
  | 'multinomial'
>;
const coreExports = require('@tensorflow/tfjs-core') as Upstream;
const upstream: Upstream = { ...coreExports };

/** Whether native kernels make a tensor of this shape: anything odd is upstream's, with its errors. */
function isNative(shape: readonly number[], ...numbers: number[]): boolean {
  return (
    drawsNatively() &&
    Array.isArray(shape) &&
    shape.length <= 6 &&
    shape.every((n) => Number.isInteger(n) && n >= 0) &&
    numbers.every((n) => Number.isFinite(Math.fround(n)))
  );
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

function run(name: string, shape: number[], dtype: DataType, params: Record<string, number>): Tensor {
  const attrs = { ...takeNumbers(sizeOf(shape)), ...params, shape, dtype };
  return nativeTensor(name, shape, dtype, attrs);
}

/** The largest float32 below a number. */
function floatBelow(value: number): number {
  const float = new Float32Array([value]);
  if ((float[0] as number) < value) return float[0] as number;
  const bits = new Int32Array(float.buffer);
  // Subnormal numbers are flushed to zero.
  if (float[0] === 0) return -(2 ** -126);
  bits[0] = (bits[0] as number) + ((float[0] as number) > 0 ? -1 : 1);
  return float[0] as number;
}

const randomUniform_: Upstream['randomUniform'] = (
  shape,
  minval = 0,
  maxval = 1,
  dtype = 'float32',
  seed,
) => {
  const range = maxval - minval;
  const exact = dtype === 'float32' || (dtype === 'int32' && inInt32(minval) && inInt32(maxval));
  if (seed != null || !exact || !isNative(shape, minval, maxval, range))
    return upstream.randomUniform(shape, minval, maxval, dtype, seed);
  // Rounding must not reach the upper end, which is excluded.
  const limit = range > 0 ? floatBelow(maxval) : Number.POSITIVE_INFINITY;
  return run('RandomUniform', shape, dtype, { min: minval, range, limit }) as never;
};

function inInt32(value: number): boolean {
  return value >= -(2 ** 31) && value <= 2 ** 31;
}

function normal(
  name: 'RandomStandardNormal' | 'TruncatedNormal',
  original: Upstream['randomNormal'],
): Upstream['randomNormal'] {
  return (shape, mean = 0, stdDev = 1, dtype, seed) => {
    if (seed || (dtype ?? 'float32') !== 'float32' || !isNative(shape, mean, stdDev))
      return original(shape, mean, stdDev, dtype, seed);
    return run(name, shape, 'float32', { mean, stdDev }) as never;
  };
}

/** The noise shape with the lengths of x where it has none. */
function noiseShapeOf(x: Tensor, noiseShape: readonly (number | null)[] | undefined): number[] {
  if (noiseShape == null) return x.shape;
  if (noiseShape.length !== x.shape.length) return noiseShape as number[];
  return noiseShape.map((n, i) => n ?? (x.shape[i] as number));
}

const dropout_: Upstream['dropout'] = (x, rate, noiseShape, seed) => {
  const able = x instanceof Tensor && x.dtype === 'float32' && rate > 0 && rate < 1 && seed == null;
  const noise = able ? noiseShapeOf(x, noiseShape) : [];
  if (!able || !isNative(noise)) return upstream.dropout(x, rate, noiseShape, seed);
  const attrs = {
    ...takeNumbers(sizeOf(noise)),
    dropBelow: Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1),
    scale: 1 / (1 - rate),
  };
  if (engine().backendName !== 'native') {
    const mask = nativeNumbers('Dropout', noise, 'float32', attrs, new Float32Array(sizeOf(noise)).fill(1));
    return mul(x, tensor(mask, noise));
  }
  const mask = (input: Tensor): Tensor => engine().runKernel('Dropout', { x: input }, attrs) as Tensor;
  const whole = noise.length === x.shape.length && noise.every((n, i) => n === x.shape[i]);
  return whole ? mask(x) : mul(x, mask(ones(noise)));
};

const multinomial_: Upstream['multinomial'] = (logits, numSamples, seed, normalized = false) => {
  const able =
    logits instanceof Tensor &&
    logits.dtype === 'float32' &&
    (logits.shape as number[]).length <= 2 &&
    logits.size >= 2 &&
    !seed;
  if (!able || engine().backendName !== 'native' || !isNative([numSamples]))
    return upstream.multinomial(logits, numSamples, seed, normalized);
  const rows = logits.rank === 1 ? reshape(logits, [1, -1]) : (logits as Tensor);
  const attrs = { ...takeNumbers((rows.shape[0] as number) * numSamples), numSamples };
  const probabilities = normalized ? rows : softmax(rows);
  const samples = engine().runKernel('Multinomial', { logits: probabilities }, attrs) as Tensor;
  return (logits.rank === 1 ? reshape(samples, [numSamples]) : samples) as never;
};

const randomNormal = op({ randomNormal_: normal('RandomStandardNormal', upstream.randomNormal) });
const truncatedNormal = op({
  truncatedNormal_: normal('TruncatedNormal', upstream.truncatedNormal as Upstream['randomNormal']),
});

const randomUniform = op({ randomUniform_ });

const replacements: Upstream = {
  randomUniform,
  randomUniformInt: ((shape, minval, maxval, seed) =>
    randomUniform(shape, minval, maxval, 'int32', seed)) as Upstream['randomUniformInt'],
  randomNormal,
  randomStandardNormal: ((shape, dtype, seed) =>
    randomNormal(shape, 0, 1, dtype, seed)) as Upstream['randomStandardNormal'],
  truncatedNormal: truncatedNormal as Upstream['truncatedNormal'],
  dropout: op({ dropout_ }),
  multinomial: op({ multinomial_ }),
};
Object.assign(coreExports, replacements);

// The mask is made again instead of being kept.
registerGradient({
  kernelName: 'Dropout',
  gradFunc: (dy, _saved, attrs) => ({
    x: () => engine().runKernel('Dropout', { x: dy as Tensor }, attrs) as Tensor,
  }),
});

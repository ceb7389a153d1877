/**
 * The ops that the pipeline and the layers of tf.layers use, on `native`, `tensorflow` and `cpu`: values and gradients of
 * drawn shapes and numbers. `SEED` draws others, `DRAWS` more.
 */
import * as tf from 'tfjs-native';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { generator } from '../upstream/fit-like-cpu';
import { record } from './report';

const seed = Number(process.env['SEED'] ?? Date.now() % 1e6);
const draws = Number(process.env['DRAWS'] ?? 12);
const backends = ['native', 'tensorflow', 'cpu'] as const;

beforeAll(async () => {
  process.chdir(process.env['TENSORFLOW_PROJECT'] as string);
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  for (const backend of backends) await tf.useBackend(backend);
});
afterAll(() => tf.useBackend('native'));

/** Draws shapes and numbers. */
class Draw {
  readonly next: () => number;
  constructor(own: number) {
    this.next = generator(own);
  }
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }
  of<T>(list: readonly T[]): T {
    return list[this.whole(0, list.length - 1)] as T;
  }
  shape(rank: number, most = 7): number[] {
    return Array.from({ length: rank }, () => this.whole(1, most));
  }
  /** Numbers from -2 to 2, no two of which are so near that their order may be another one elsewhere. */
  values(shape: readonly number[], from = -2, to = 2): Input {
    const length = shape.reduce((a, b) => a * b, 1);
    const order = Array.from({ length }, (_, place) => place);
    for (let i = length - 1; i > 0; i--) {
      const other = this.whole(0, i);
      [order[i], order[other]] = [order[other] as number, order[i] as number];
    }
    const step = (to - from) / length;
    return {
      shape: [...shape],
      values: order.map((place) => from + (place + 0.25 + this.next() / 2) * step),
    };
  }
}

interface Input {
  readonly shape: number[];
  readonly values: number[];
}

interface Case {
  readonly inputs: readonly Input[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Products or numbers that are added up for one result, here or in a gradient. Default 1. */
  readonly terms?: number;
  /** Whether results are sums of products of the inputs, so that those of absolute values bound their size. */
  readonly linear?: boolean;
  /** Whether there are gradients. Default true. */
  readonly smooth?: boolean;
  /** Whether gradients are not compared with the backend cpu, whose own are wrong. */
  readonly wrongOnCpu?: boolean;
}

const each = (
  run: (x: tf.Tensor) => tf.Tensor,
  more: Partial<Case> & { from?: number; to?: number } = {},
) => {
  const { from = -2, to = 2, ...rest } = more;
  return (draw: Draw): Case => ({
    inputs: [draw.values(draw.shape(draw.whole(1, 4)), from, to)],
    run,
    ...rest,
  });
};

const two =
  (run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, from = -2, to = 2, broadcasts = true) =>
  (draw: Draw): Case => {
    const shape = draw.shape(draw.whole(1, 4));
    // The second is broadcast along some axes.
    const other = shape.map((length) => (broadcasts && draw.next() < 0.3 ? 1 : length));
    const terms = shape.reduce((a, b) => a * b, 1);
    const inputs = [draw.values(shape, from, to), draw.values(other, from, to)];
    return { inputs, terms, run: (a, b) => run(a as tf.Tensor, b as tf.Tensor) };
  };
/** Upstream's gradients of these do not know of broadcasting. */
const alike = (run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) => two(run, -2, 2, false);

const reduce =
  (run: (x: tf.Tensor, axis: number) => tf.Tensor, smooth = true) =>
  (draw: Draw): Case => {
    const shape = draw.shape(draw.whole(1, 4));
    const axis = draw.whole(0, shape.length - 1);
    return {
      inputs: [draw.values(shape)],
      terms: shape[axis] as number,
      run: (x) => run(x as tf.Tensor, axis),
      smooth,
    };
  };

const images = (draw: Draw, channels = draw.whole(1, 6)) => [
  draw.whole(1, 3),
  draw.whole(4, 9),
  draw.whole(4, 9),
  channels,
];
/** No filter is smaller than the stride: there TensorFlow 2.9.1 may crash (the filter's gradient, in oneDNN). */
const window = (draw: Draw) => {
  const size = draw.whole(1, 3);
  return [size, draw.whole(1, Math.min(size, 2)), draw.of(['same', 'valid'] as const)] as const;
};

const ops: Readonly<Record<string, (draw: Draw) => Case>> = {
  matMul(draw) {
    const [m, n, k] = [draw.whole(1, 40), draw.whole(1, 40), draw.whole(1, 70)];
    const [a, b] = [draw.next() < 0.5, draw.next() < 0.5];
    const inputs = [draw.values(a ? [k, m] : [m, k]), draw.values(b ? [n, k] : [k, n])];
    return {
      inputs,
      linear: true,
      terms: Math.max(m, n, k),
      run: (x, y) => tf.matMul(x as tf.Tensor, y as tf.Tensor, a, b),
    };
  },
  conv2d(draw) {
    const [size, strides, pad] = window(draw);
    const [channels, filters] = [draw.whole(1, 20), draw.whole(1, 20)];
    const shape = images(draw, channels);
    const inputs = [draw.values(shape), draw.values([size, size, channels, filters])];
    const terms = Math.max(size * size * Math.max(channels, filters), 3 * 81);
    return {
      inputs,
      linear: true,
      terms,
      run: (x, f) => tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, strides, pad),
    };
  },
  depthwiseConv2d(draw) {
    const [size, strides, pad] = window(draw);
    const shape = images(draw);
    const inputs = [draw.values(shape), draw.values([size, size, shape[3] as number, draw.whole(1, 2)])];
    const run = (x?: tf.Tensor, f?: tf.Tensor) =>
      tf.depthwiseConv2d(x as tf.Tensor4D, f as tf.Tensor4D, strides, pad);
    return { inputs, linear: true, terms: 3 * 81, run };
  },
  conv2dTranspose(draw) {
    const [size, strides] = window(draw);
    const [n, height, width, channels] = images(draw) as [number, number, number, number];
    const filters = draw.whole(1, 6);
    const inputs = [draw.values([n, height, width, channels]), draw.values([size, size, filters, channels])];
    const out: [number, number, number, number] = [n, height * strides, width * strides, filters];
    const run = (x?: tf.Tensor, f?: tf.Tensor) =>
      tf.conv2dTranspose(x as tf.Tensor4D, f as tf.Tensor4D, out, strides, 'same');
    return { inputs, linear: true, terms: 3 * 81 * strides, run };
  },
  maxPool(draw) {
    const [, strides, pad] = window(draw);
    const run = (x?: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, strides, pad);
    return { inputs: [draw.values(images(draw))], run, terms: 9 };
  },
  avgPool(draw) {
    const [size, strides, pad] = window(draw);
    // Where windows hang over, TensorFlow's gradient shares dy out among the cells inside; on `cpu` and `native` it is among
    // all, as tfjs-core's own tests want it.
    const smooth = pad === 'valid';
    const run = (x?: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, size, strides, pad);
    return { inputs: [draw.values(images(draw))], run, terms: 18, smooth };
  },
  batchNorm(draw) {
    const shape = images(draw);
    const channels = [shape[3] as number];
    const terms = (shape[0] as number) * 81;
    const inputs = [
      draw.values(shape),
      draw.values(channels),
      draw.values(channels, 0.5, 2),
      draw.values(channels),
      draw.values(channels),
    ];
    const run = (...[x, mean, variance, offset, scale]: tf.Tensor[]) =>
      tf.batchNorm(
        x as tf.Tensor,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
        0.01,
      );
    return { inputs, run, terms };
  },
  add: two(tf.add),
  sub: two(tf.sub),
  mul: two(tf.mul),
  div: two(tf.div, 0.5, 2),
  pow: two(tf.pow, 0.5, 2),
  maximum: alike(tf.maximum),
  minimum: alike(tf.minimum),
  squaredDifference: alike(tf.squaredDifference),
  relu: each(tf.relu),
  relu6: each(tf.relu6),
  elu: each(tf.elu),
  selu: each(tf.selu),
  leakyRelu: each((x) => tf.leakyRelu(x, 0.3)),
  sigmoid: each(tf.sigmoid),
  tanh: each(tf.tanh),
  softplus: each(tf.softplus),
  exp: each(tf.exp),
  log: each(tf.log, { from: 0.1, to: 4 }),
  log1p: each(tf.log1p, { from: -0.5, to: 4 }),
  sqrt: each(tf.sqrt, { from: 0.1, to: 4 }),
  rsqrt: each(tf.rsqrt, { from: 0.1, to: 4 }),
  square: each(tf.square),
  abs: each(tf.abs),
  neg: each(tf.neg),
  sin: each(tf.sin),
  cos: each(tf.cos),
  erf: each(tf.erf),
  reciprocal: each(tf.reciprocal, { from: 0.2, to: 3 }),
  atan: each(tf.atan),
  asinh: each(tf.asinh),
  expm1: each(tf.expm1),
  sinh: each(tf.sinh),
  cosh: each(tf.cosh),
  floor: each(tf.floor, { smooth: false }),
  ceil: each(tf.ceil, { smooth: false }),
  round: each(tf.round, { smooth: false }),
  sign: each(tf.sign, { smooth: false }),
  clipByValue: each((x) => tf.clipByValue(x, -1, 1)),
  step: each((x) => tf.step(x), { smooth: false }),
  softmax: each((x) => tf.softmax(x), { terms: 16 }),
  logSoftmax: each((x) => tf.logSoftmax(x), { terms: 16 }),
  prelu: two((x, alpha) => tf.prelu(x, alpha)),
  sum: reduce((x, axis) => tf.sum(x, axis)),
  mean: reduce((x, axis) => tf.mean(x, axis)),
  max: reduce((x, axis) => tf.max(x, axis)),
  min: reduce((x, axis) => tf.min(x, axis)),
  prod: reduce((x, axis) => tf.prod(x, axis), false),
  argMax: reduce((x, axis) => tf.argMax(x, axis), false),
  argMin: reduce((x, axis) => tf.argMin(x, axis), false),
  logSumExp: reduce((x, axis) => tf.logSumExp(x, axis)),
  // Of other axes upstream's gradient has the wrong shape.
  cumsum: each((x) => tf.cumsum(x, x.rank - 1), { terms: 7 }),
  reverse: reduce((x, axis) => tf.reverse(x, axis)),
  moments: reduce((x, axis) => tf.moments(x, axis).variance),
  transpose: each((x) => tf.transpose(x)),
  reshape: each((x) => tf.reshape(x, [-1])),
  expandDims: each((x) => tf.expandDims(x, 0)),
  tile: each(
    (x) =>
      tf.tile(
        x,
        x.shape.map((_, i) => (i % 2) + 1),
      ),
    { terms: 8 },
  ),
  pad: each((x) =>
    tf.pad(
      x,
      x.shape.map((_, i) => [i % 2, 1] as [number, number]),
    ),
  ),
  slice: each((x) =>
    tf.slice(
      x,
      x.shape.map(() => 0),
      x.shape.map((length) => Math.ceil(length / 2)),
    ),
  ),
  concat: reduce((x, axis) => tf.concat([x, tf.mul(x, 2)], axis)),
  stack: reduce((x, axis) => tf.stack([x, tf.mul(x, 2)], axis)),
  split: reduce((x, axis) =>
    tf.add(...(tf.split(tf.concat([x, tf.mul(x, 2)], axis), 2, axis) as [tf.Tensor, tf.Tensor])),
  ),
  gather: reduce((x, axis) => tf.gather(x, tf.tensor1d([0, 0, 0], 'int32'), axis)),
  where: alike((x, y) =>
    tf.where(tf.greater(tf.tensor(y.dataSync(), y.shape), 0.1), tf.mul(x, 3), tf.neg(y)),
  ),
  greater: each((x) => tf.cast(tf.greater(x, 0.5), 'float32'), { smooth: false }),
  equal: each((x) => tf.cast(tf.equal(tf.round(x), 1), 'float32'), { smooth: false }),
  logicalAnd: each((x) => tf.cast(tf.logicalAnd(tf.greater(x, -1), tf.less(x, 1)), 'float32'), {
    smooth: false,
  }),
  notEqual: each((x) => tf.cast(tf.notEqual(tf.round(x), 1), 'float32'), { smooth: false }),
  lessEqual: each((x) => tf.cast(tf.lessEqual(x, -0.5), 'float32'), { smooth: false }),
  logicalOr: each((x) => tf.cast(tf.logicalOr(tf.greater(x, 1), tf.less(x, -1)), 'float32'), {
    smooth: false,
  }),
  logicalNot: each((x) => tf.cast(tf.logicalNot(tf.greater(x, 0.5)), 'float32'), { smooth: false }),
  any: reduce((x, axis) => tf.cast(tf.any(tf.greater(x, 1), axis), 'float32'), false),
  all: reduce((x, axis) => tf.cast(tf.all(tf.greater(x, -1), axis), 'float32'), false),
  mod: two(tf.mod, 0.5, 2, false),
  norm: each((x) => tf.norm(x), { terms: 400 }),
  // Of one tensor upstream's gradient fails.
  unstack: reduce((x, axis) => tf.unstack(x, axis)[0] as tf.Tensor, false),
  mirrorPad: each(
    (x) =>
      tf.mirrorPad(
        x,
        x.shape.map(() => [1, 1] as [number, number]),
        'symmetric',
      ),
    { smooth: false },
  ),
  unsortedSegmentSum: (draw) => {
    const rows = draw.whole(1, 9);
    const segments = Array.from({ length: rows }, () => draw.whole(0, 3));
    const inputs = [draw.values([rows, draw.whole(1, 6)])];
    return {
      inputs,
      terms: rows,
      run: (x) => tf.unsortedSegmentSum(x as tf.Tensor, tf.tensor1d(segments, 'int32'), 4),
    };
  },
  flipLeftRight: (draw) => ({
    inputs: [draw.values(images(draw))],
    smooth: false,
    run: (x) => tf.image.flipLeftRight(x as tf.Tensor4D),
  }),
  cast: each((x) => tf.cast(x, 'int32'), { smooth: false }),
  oneHot: each((x) => tf.cast(tf.oneHot(tf.cast(tf.abs(x), 'int32'), 4), 'float32'), { smooth: false }),
  topk: each((x) => tf.topk(x, 1).values, { smooth: false }),
  resizeBilinear: (draw) => ({
    inputs: [draw.values(images(draw))],
    terms: 64,
    wrongOnCpu: true,
    run: (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [11, 6], false, false),
  }),
  resizeNearestNeighbor: (draw) => ({
    inputs: [draw.values(images(draw))],
    terms: 64,
    wrongOnCpu: true,
    run: (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [11, 6], false, false),
  }),
  cropAndResize: (draw) => ({
    inputs: [draw.values(images(draw)), { shape: [2, 4], values: [0.1, 0.2, 0.8, 0.9, 0, 0, 1, 1] }],
    smooth: false,
    terms: 16,
    run: (x, boxes) =>
      tf.image.cropAndResize(
        x as tf.Tensor4D,
        boxes as tf.Tensor2D,
        tf.tensor1d([0, 0], 'int32'),
        [5, 4],
        'bilinear',
      ),
  }),
  // TensorFlow has neither of these two kernels: they are lent to it.
  rotateWithOffset: (draw) => ({
    inputs: [draw.values(images(draw))],
    smooth: false,
    terms: 16,
    run: (x) => tf.image.rotateWithOffset(x as tf.Tensor4D, 0.4, 0, 0.5),
  }),
  transform: (draw) => ({
    inputs: [draw.values([1, ...images(draw).slice(1)])],
    smooth: false,
    terms: 16,
    run: (x) =>
      tf.image.transform(x as tf.Tensor4D, tf.tensor2d([[1, 0.1, 0.3, -0.1, 0.9, 0.2, 0, 0]]), 'bilinear'),
  }),
  localResponseNormalization: (draw) => ({
    inputs: [draw.values(images(draw))],
    terms: 32,
    run: (x) => tf.localResponseNormalization(x as tf.Tensor4D),
  }),
  separableConv2d: (draw) => {
    const shape = images(draw);
    const channels = shape[3] as number;
    const inputs = [
      draw.values(shape),
      draw.values([3, 3, channels, 1]),
      draw.values([1, 1, channels, draw.whole(1, 6)]),
    ];
    const run = (...[x, depthwise, pointwise]: tf.Tensor[]) =>
      tf.separableConv2d(x as tf.Tensor4D, depthwise as tf.Tensor4D, pointwise as tf.Tensor4D, 1, 'same');
    return { inputs, linear: true, terms: 500, run };
  },
  conv1d: (draw) => {
    const channels = draw.whole(1, 6);
    const inputs = [
      draw.values([2, draw.whole(5, 12), channels]),
      draw.values([3, channels, draw.whole(1, 6)]),
    ];
    const run = (x?: tf.Tensor, f?: tf.Tensor) => tf.conv1d(x as tf.Tensor3D, f as tf.Tensor3D, 1, 'same');
    return { inputs, linear: true, terms: 40, run };
  },
  softmaxCrossEntropy: (draw) => {
    const shape = draw.shape(2, 12);
    const run = (labels?: tf.Tensor, logits?: tf.Tensor) =>
      tf.losses.softmaxCrossEntropy(tf.softmax(labels as tf.Tensor), logits as tf.Tensor);
    return { inputs: [draw.values(shape), draw.values(shape)], run, terms: 150 };
  },
  sigmoidCrossEntropy: (draw) => {
    const shape = draw.shape(2, 12);
    const run = (labels?: tf.Tensor, logits?: tf.Tensor) =>
      tf.losses.sigmoidCrossEntropy(tf.sigmoid(labels as tf.Tensor), logits as tf.Tensor);
    return { inputs: [draw.values(shape), draw.values(shape)], run, terms: 150 };
  },
};

interface Outcome {
  readonly value: Float32Array;
  readonly shape: number[];
  readonly gradients: Float32Array[];
}

const absolute = ({ shape, values }: Input): Input => ({ shape, values: values.map(Math.abs) });

function outcomeOf(
  backend: string,
  { run, smooth = true, wrongOnCpu }: Case,
  inputs: readonly Input[],
  own: number,
): Outcome {
  tf.setBackend(backend);
  return tf.tidy(() => {
    const tensors = inputs.map(({ shape, values }) => tf.tensor(values, shape, 'float32'));
    const y = run(...tensors);
    const value = Float32Array.from(y.dataSync());
    if (!smooth || (wrongOnCpu && backend === 'cpu')) return { value, shape: y.shape, gradients: [] };
    const dy = tf.tensor(new Draw(own).values(y.shape).values, y.shape);
    const gradients = tf.grads((...all: tf.Tensor[]) => run(...all))(tensors, dy);
    return {
      value,
      shape: y.shape,
      gradients: gradients.map((gradient) => Float32Array.from(gradient.dataSync())),
    };
  });
}

const largest = (values: Float32Array): number => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

it.each(Object.keys(ops))(`%s is the same, seed ${seed}`, (name) => {
  for (let i = 0; i < draws; i++) {
    const own = (seed + 7919 * Object.keys(ops).indexOf(name)) * 1000 + i;
    const drawn = (ops[name] as (typeof ops)[string])(new Draw(own));
    const [native, tensorflow, cpu] = backends.map((backend) =>
      outcomeOf(backend, drawn, drawn.inputs, own),
    ) as [Outcome, Outcome, Outcome];
    // Sums of products are within their number of roundings of the sum of absolute values.
    const sizes = drawn.linear ? outcomeOf('cpu', drawn, drawn.inputs.map(absolute), own) : tensorflow;
    for (const [sides, theirs] of [
      ['native, tensorflow', tensorflow],
      ['native, cpu', cpu],
    ] as const) {
      expect(theirs.shape).toEqual(native.shape);
      const lists: [string, Float32Array, Float32Array, Float32Array][] = [
        ['value', native.value, theirs.value, sizes.value],
        ...(theirs.gradients.length > 0 ? native.gradients : []).map(
          (gradient, k): [string, Float32Array, Float32Array, Float32Array] => [
            `gradient ${k}`,
            gradient,
            theirs.gradients[k] as Float32Array,
            sizes.gradients[k] as Float32Array,
          ],
        ),
      ];
      for (const [what, ours, other, size] of lists) {
        // A function of its own, exp say, may be off by some units; factors of up to 2 and the gradient's own come in.
        const bound = 2 ** -24 * ((drawn.terms ?? 1) + 32) * Math.max(2, largest(size));
        const difference = ours.reduce(
          (most, v, at) => Math.max(most, Math.abs(v - (other[at] as number))),
          0,
        );
        record({ subject: name, what, sides, difference, bound });
        expect(
          difference,
          `${what} of ${sides}, draw ${i}: ${JSON.stringify(drawn.inputs.map(({ shape }) => shape))}`,
        ).toBeLessThanOrEqual(bound);
      }
    }
  }
});

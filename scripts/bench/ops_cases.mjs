// The single-op comparisons: each layer of ops.json with each of its passes.
import { readFileSync } from 'node:fs';

const { layers } = JSON.parse(readFileSync(new URL('./ops.json', import.meta.url), 'utf8'));

const defaultPasses = { conv: ['forward', 'input', 'filter'], depthwise: ['forward', 'input', 'filter'] };

export const cases = layers.flatMap(({ passes, ...layer }) =>
  (passes ?? defaultPasses[layer.kind] ?? ['forward']).map((pass) => ({ ...layer, pass })),
);

const outputSize = ({ in: [h, w], kernel, stride, pad }) =>
  pad === 'same'
    ? Math.ceil(h / stride) * Math.ceil(w / stride)
    : (Math.floor((h - kernel) / stride) + 1) * (Math.floor((w - kernel) / stride) + 1);

/** Floating-point operations of a case, two for a multiplication with addition; undefined where memory counts. */
export function flops(item) {
  if (item.kind === 'conv')
    return 2 * item.batch * outputSize(item) * item.out * item.kernel ** 2 * item.in[2];
  if (item.kind === 'depthwise') return 2 * item.batch * outputSize(item) * item.kernel ** 2 * item.in[2];
  if (item.kind === 'matmul') return 2 * item.m * item.k * item.n;
  return undefined;
}

// Tensors of the shape that pass through memory, read and written, at the least.
const passes = {
  relu: 2,
  sigmoid: 2,
  tanh: 2,
  exp: 2,
  add: 3,
  multiply: 3,
  softmax: 2,
  logSoftmax: 2,
  softmaxGrad: 3,
  batchnorm: 2,
  batchnormTraining: 2,
  sum: 1,
  mean: 1,
  sumRows: 1,
  transpose: 2,
  biasAdd: 2,
  adam: 7,
  momentum: 5,
};

/** The bytes that a case has to read and to write, where memory bounds it; undefined elsewhere. */
export function bytes(item) {
  if (passes[item.kind]) return 4 * passes[item.kind] * item.shape.reduce((a, b) => a * b, 1);
  if (item.kind !== 'maxpool' && item.kind !== 'avgpool') return undefined;
  const image = item.batch * item.in.reduce((a, b) => a * b, 1);
  const pooled = item.batch * outputSize(item) * item.in[2];
  return 4 * (pooled + image * (item.pass === 'input' && item.kind === 'maxpool' ? 2 : 1));
}

export function title(item) {
  const { net, kind, batch, kernel, stride, pad, pass } = item;
  if (kind === 'matmul') {
    return `${net} matmul ${item.m}x${item.k}x${item.n}${item.transposeA ? ' aT' : ''}${item.transposeB ? ' bT' : ''}`;
  }
  if (item.shape) return `${net} ${kind} ${item.shape.join('x')}`;
  const shape = `${batch}x${item.in.join('x')}${item.out ? `->${item.out}` : ''}`;
  return `${net} ${kind} ${shape} k${kernel} s${stride} ${pad ?? ''} ${pass}`;
}

import * as layers from '@tensorflow/tfjs-layers';
import * as tf from 'tfjs-native';
import { afterAll, describe, expect, it } from 'vitest';
import { nativeRuns } from '../kernels/like-cpu';

const logits = [
  [1, -30, 0.9],
  [-3, 0.5, 2],
  [0, 0, 0],
];
const labels = [
  [1, 0, 0],
  [0, 0.25, 0.75],
  [0, 0, 1],
];

async function expectSame(run: () => tf.Tensor): Promise<void> {
  await tf.setBackend('cpu');
  const want = run();
  await tf.setBackend('native');
  nativeRuns.clear();
  const got = run();
  expect([got.shape, got.dtype]).toEqual([want.shape, want.dtype]);
  want.dataSync().forEach((w, i) => {
    const g = got.dataSync()[i] as number;
    const close = Object.is(g, w) || Math.abs(g - w) <= Math.abs(w) * 10 * 2 ** -24;
    expect(close, `element ${i} is ${g}, expected ${w}`).toBe(true);
  });
}

describe('logSoftmax', () => {
  afterAll(async () => {
    await tf.setBackend('native');
  });

  it('of tensors is one kernel, also as method and activation', async () => {
    await expectSame(() => tf.logSoftmax(tf.tensor2d(logits)));
    expect(nativeRuns).toEqual(new Set(['LogSoftmax']));
    await expectSame(() => tf.tensor2d(logits).logSoftmax());
    expect(nativeRuns).toEqual(new Set(['LogSoftmax']));
    // Upstream's types leave it out.
    const layer = layers.layers.activation({ activation: 'logSoftmax' as 'softmax' });
    await expectSame(() => layer.apply(tf.tensor2d(logits)) as tf.Tensor);
    expect(nativeRuns).toEqual(new Set(['LogSoftmax']));
  });

  it('of arrays and integers is as on cpu', async () => {
    await expectSame(() => tf.logSoftmax([1, 2, 3]));
    await expectSame(() => tf.logSoftmax(tf.tensor1d([1, 2, 3], 'int32'), 0));
    expect(nativeRuns).not.toContain('LogSoftmax');
  });

  it('along another dimension is the error of TensorFlow.js', () => {
    expect(() => tf.logSoftmax(tf.tensor2d(logits), 0)).toThrow('non-last dimension is not yet supported');
  });
});

describe('losses.softmaxCrossEntropy', () => {
  const op = 'SoftmaxCrossEntropyWithLogits';

  it('is as on cpu, with weights, smoothing and every reduction', async () => {
    const { NONE, MEAN, SUM } = tf.Reduction;
    const loss = (...rest: unknown[]) =>
      expectSame(() => {
        const [y, x] = [tf.tensor2d(labels), tf.tensor2d(logits)];
        return tf.losses.softmaxCrossEntropy(y, x, ...(rest as [tf.Tensor1D, number, tf.Reduction]));
      });
    await loss();
    expect(nativeRuns).toContain(op);
    await loss([1, 0, 2]);
    await loss(undefined, 0.2);
    for (const reduction of [NONE, MEAN, SUM]) await loss([0.5, 1, 2], 0, reduction);
  });

  it('takes labels of other dtypes, and arrays as upstream does', async () => {
    for (const dtype of ['int32', 'bool'] as const) {
      await expectSame(() =>
        tf.losses.softmaxCrossEntropy(tf.tensor2d([[0, 0, 1]], undefined, dtype), tf.ones([1, 3])),
      );
      expect(nativeRuns).toContain(op);
    }
    await expectSame(() => tf.losses.softmaxCrossEntropy(labels, logits));
  });

  it('rejects what TensorFlow.js rejects', () => {
    expect(() => tf.losses.softmaxCrossEntropy(tf.ones([2, 3]), tf.ones([2, 4]))).toThrow(
      'Error in softmaxCrossEntropy',
    );
  });

  it('leaves nothing behind', () => {
    const [y, x] = [tf.tensor2d(labels), tf.tensor2d(logits)];
    const before = tf.memory().numTensors;
    tf.dispose(tf.grad((v) => tf.losses.softmaxCrossEntropy(y, v))(x));
    expect(tf.memory().numTensors).toBe(before);
  });
});

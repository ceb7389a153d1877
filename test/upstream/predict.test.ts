/** Compiled predictions and evaluations against op by op. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { build, dataOf, distance, forceEager, nets } from '../compiler/nets';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

function listOf(result: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(result) ? result : [result];
}

/** Sums of up to 10^4 terms, and Winograd's transforms, are within some 10^-5 of the largest number. */
function close(compiled: tf.Tensor, eager: tf.Tensor): void {
  expect(compiled.shape).toEqual(eager.shape);
  expect(compiled.dtype).toBe(eager.dtype);
  const [difference, size] = distance(compiled.dataSync(), eager.dataSync());
  expect(difference).toBeLessThanOrEqual(2e-5 * Math.max(1, size));
}

describe.each(Object.entries(nets))('%s', (_, net) => {
  it('predicts and evaluates as it does op by op', async () => {
    for (const rows of [1, 33]) {
      const [compiled, eager] = [build(net, tf.train.sgd(0.01)), build(net, tf.train.sgd(0.01))];
      forceEager(eager);
      const { x, y } = dataOf(net, rows);
      const [ours, theirs] = [compiled, eager].map((model) => listOf(model.predict(x) as tf.Tensor));
      for (const [i, output] of (ours as tf.Tensor[]).entries()) close(output, theirs?.[i] as tf.Tensor);
      const [asked, wanted] = [compiled, eager].map((model) => listOf(model.evaluate(x, y) as tf.Tensor));
      expect(asked?.length).toBe(wanted?.length);
      for (const [i, value] of (asked as tf.Tensor[]).entries()) close(value, wanted?.[i] as tf.Tensor);
    }
  });
});

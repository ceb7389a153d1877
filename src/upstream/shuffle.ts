/** The order in which `fit` takes the rows of its data. */
import { engine, type Tensor, util } from '@tensorflow/tfjs-core';
import { isSeeded, takeNumbers } from '../backend/seed';

/** Whole numbers, each from 0 to 2^31 - 1. */
function draw(count: number): Int32Array {
  const attrs = {
    ...takeNumbers(count),
    min: 0,
    range: 2 ** 31,
    limit: Number.POSITIVE_INFINITY,
    shape: [count],
    dtype: 'int32',
  };
  const numbers = engine().runKernel('RandomUniform', {}, attrs) as Tensor;
  try {
    return numbers.dataSync() as Int32Array;
  } finally {
    numbers.dispose();
  }
}

/** Shuffles in place (Fisher and Yates): as `tf.util.shuffle` does, or by the numbers that `setSeed` rules. */
export function shuffle(order: Uint32Array): void {
  if (!isSeeded()) {
    util.shuffle(order);
    return;
  }
  draw(order.length).forEach((number, i) => {
    const last = order.length - 1 - i;
    const chosen = Math.floor((number / 2 ** 31) * (last + 1));
    [order[last], order[chosen]] = [order[chosen] as number, order[last] as number];
  });
}

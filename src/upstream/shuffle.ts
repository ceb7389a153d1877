/** The order in which `fit` takes the rows of its data. */
import { util } from '@tensorflow/tfjs-core';
import { isSeeded, takeNumbers } from '../backend/seed';
import { nativeNumbers } from './native-numbers';

/** Whole numbers, each from 0 to 2^31 - 1. */
function draw(count: number): Int32Array {
  const range = { min: 0, range: 2 ** 31, limit: Number.POSITIVE_INFINITY };
  const attrs = { ...takeNumbers(count), ...range, shape: [count], dtype: 'int32' };
  return nativeNumbers('RandomUniform', [count], 'int32', attrs) as Int32Array;
}

type Shuffle = typeof util.shuffle;
const upstream: Shuffle = util.shuffle;

/** Shuffles in place (Fisher and Yates): as `tf.util.shuffle` does, or by the numbers that `setSeed` rules. */
export const shuffle: Shuffle = (order) => {
  if (!isSeeded()) {
    upstream(order);
    return;
  }
  draw(order.length).forEach((number, i) => {
    const last = order.length - 1 - i;
    const chosen = Math.floor((number / 2 ** 31) * (last + 1));
    [order[last], order[chosen]] = [order[chosen] as number, order[last] as number];
  });
};

// Upstream's own loops, which other backends take, find it there.
Object.assign(util, { shuffle });

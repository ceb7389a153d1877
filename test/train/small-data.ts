/** A little of MNIST, in memory. */
import { type ImageSets, loadMnist, slice } from 'tfjs-native/data';

let whole: Promise<ImageSets> | undefined;

/** The first images of both sets. */
export async function smallData(train: number, test: number): Promise<ImageSets> {
  whole ??= loadMnist();
  const sets = await whole;
  return { train: slice(sets.train, 0, train), test: slice(sets.test, 0, test) };
}

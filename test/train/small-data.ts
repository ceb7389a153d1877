/** A little of MNIST, in memory. */
import { type ImageSets, loadMnist, slice } from 'tfjs-native/data';

let whole: Promise<ImageSets<Uint8Array>> | undefined;

/** The first images of both sets. */
export async function smallData(train: number, test: number): Promise<ImageSets<Uint8Array>> {
  whole ??= loadMnist();
  const sets = await whole;
  return { train: slice(sets.train, 0, train), test: slice(sets.test, 0, test) };
}

/** What training leaves in its folder. */
export const runFiles = [
  'best.safetensors',
  'history.csv',
  'history.jsonl',
  'last.safetensors',
  'model.json',
  'run.json',
  'weights.bin',
];

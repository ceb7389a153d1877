/** The order of an epoch, and what makes up for classes of unequal size. */
import { byClass, classCounts, type ImageDataset } from './dataset';
import { permutation, RandomStream, streams } from './random';

/**
 * The images of one epoch, each class as often as the others: a random class, then the next of its images, which are
 * shuffled anew when all were taken. As many as the data set has.
 */
export function balancedOrder(dataset: ImageDataset, seed: number, epoch: number): Uint32Array {
  const { count } = dataset;
  const members = byClass(dataset, permutation(count, seed, epoch));
  const present = members.filter((indices) => indices.length > 0);
  const taken = present.map(() => 0);
  const random = new RandomStream(seed, streams.sample, epoch);
  return Uint32Array.from({ length: count }, () => {
    const chosen = random.below(present.length);
    const indices = present[chosen] as number[];
    const at = taken[chosen] as number;
    taken[chosen] = at + 1;
    if (at > 0 && at % indices.length === 0) reshuffle(indices, random);
    return indices[at % indices.length] as number;
  });
}

function reshuffle(indices: number[], random: RandomStream): void {
  for (let i = indices.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [indices[i], indices[j]] = [indices[j] as number, indices[i] as number];
  }
}

/**
 * Weights that give each class the same say in the loss: images / (classes x images of the class), as scikit-learn's
 * `class_weight='balanced'`. Classes without images count 0.
 */
export function balancedClassWeights(dataset: ImageDataset): Record<number, number> {
  const counts = classCounts(dataset);
  const present = counts.filter((count) => count > 0).length;
  return Object.fromEntries(
    counts.map((count, label) => [label, count === 0 ? 0 : dataset.count / (present * count)]),
  );
}

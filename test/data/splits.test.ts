import { describe, expect, test } from 'vitest';
import { balancedClassWeights, classCounts, type ImageDataset, splitByRatio } from 'tfjs-native/data';
import { balancedOrder } from '../../dist/data/sampling';
import { parseRatio, split } from '../../dist/data/splits';

/** Images of one value, their index; `counts` of each class, class after class. */
function dataset(counts: readonly number[]): ImageDataset<Float32Array> {
  const labels = Int32Array.from(counts.flatMap((count, label) => new Array<number>(count).fill(label)));
  const images = Float32Array.from(labels.keys());
  return { images, labels, count: labels.length, height: 1, width: 1, channels: 1, classes: counts.length };
}

describe('splitByRatio', () => {
  const data = dataset([100, 50, 10]);
  const parts = splitByRatio(data, [8, 1, 1], { seed: 3 });

  test('takes each class in proportion, and every image once', () => {
    expect(parts.map(classCounts)).toEqual([
      [80, 40, 8],
      [10, 5, 1],
      [10, 5, 1],
    ]);
    const all = parts.flatMap(({ images }) => [...images]).sort((a, b) => a - b);
    expect(all).toEqual([...data.images]);
    for (const { images, labels } of parts)
      for (const [i, image] of images.entries()) expect(labels[i]).toBe(data.labels[image]);
  });

  test('is the same for the same seed, and another for another', () => {
    const images = (seed: number) => splitByRatio(data, [8, 1, 1], { seed }).map(({ images }) => [...images]);
    expect(images(3)).toEqual(parts.map(({ images }) => [...images]));
    expect(images(4)).not.toEqual(images(3));
  });

  test('that leaves a class out is refused by its name', () => {
    const few = { ...dataset([100, 4]), classNames: ['many', 'few'] };
    expect(() => splitByRatio(few, [8, 1, 1], { seed: 1 })).toThrow('class few has 4');
  });

  test.each(['', '8', '8:0', '8:-1', 'a:b', '1:2:3:4', '8::1'])('refuses "%s"', (text) => {
    expect(() => parseRatio(text)).toThrow('two or three numbers above 0, such as 8:1:1');
  });
});

test('three parts are of all images, two of the training images', () => {
  const [train, tested] = [dataset([80, 80]), dataset([20, 20])];
  const counts = (ratio: string) => {
    const parts = split({ train, test: tested }, { split: ratio, seed: 1 });
    return [parts.train.count, parts.validation.count, parts.test.count];
  };
  expect(counts('8:1:1')).toEqual([160, 20, 20]);
  expect(counts('9:1')).toEqual([144, 16, 40]);
});

describe('classes of unequal size', () => {
  const data = dataset([900, 90, 0, 10]);

  test('are drawn equally often, each image of a class before any comes again', () => {
    const order = balancedOrder(data, 5, 0);
    expect(order).toHaveLength(1000);
    const drawn: Record<number, number> = { 0: 0, 1: 0, 3: 0 };
    const times = new Map<number, number>();
    for (const index of order) {
      const label = data.labels[index] as number;
      drawn[label] = (drawn[label] as number) + 1;
      times.set(index, (times.get(index) ?? 0) + 1);
    }
    // Six standard deviations of a share of a third.
    for (const label of [0, 1, 3])
      expect(Math.abs((drawn[label] as number) - 1000 / 3)).toBeLessThan(6 * Math.sqrt(1000 * (2 / 9)));
    for (const [label, first, count] of [
      [1, 900, 90],
      [3, 990, 10],
    ] as const) {
      const often = Array.from({ length: count }, (_, i) => times.get(first + i) ?? 0);
      expect(Math.max(...often) - Math.min(...often), `class ${label}`).toBeLessThanOrEqual(1);
    }
    expect([...balancedOrder(data, 5, 1)]).not.toEqual([...order]);
    expect([...balancedOrder(data, 5, 0)]).toEqual([...order]);
  });

  test('weigh the same in the loss, as scikit-learn has it', () => {
    const weights = balancedClassWeights(data);
    // n_samples / (n_classes * np.bincount(y)) of the three classes that occur.
    expect([weights[0], weights[1], weights[3]]).toEqual([
      1000 / (3 * 900),
      1000 / (3 * 90),
      1000 / (3 * 10),
    ]);
    expect(weights[2]).toBe(0);
  });
});

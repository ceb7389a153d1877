import { describe, expect, test } from 'vitest';
import { initializerSeed, permutation, philox4x32, RandomStream } from '../../dist/data/random';

function words(counter: readonly number[], key: readonly [number, number]): number[] {
  const block = Uint32Array.from(counter);
  philox4x32(block, key[0], key[1]);
  return [...block];
}

/** The definition, in whole numbers of any size. */
function reference(counter: readonly number[], key: readonly [number, number]): number[] {
  const low = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & low, (p0 >> 32n) ^ c3 ^ k1, p0 & low];
    k0 = (k0 + 0x9e3779b9n) & low;
    k1 = (k1 + 0xbb67ae85n) & low;
  }
  return [c0, c1, c2, c3].map(Number);
}

describe('Philox4x32-10', () => {
  // Random123, tests/kat_vectors: philox4x32 10.
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('gives the published words of counter %j', (counter, key, expected) => {
    expect(words(counter, key)).toEqual(expected);
  });

  test('agrees with its definition in exact arithmetic', () => {
    const seed = Date.now() >>> 0;
    const random = new RandomStream(seed, 99, 0);
    for (let i = 0; i < 1000; i++) {
      const counter = [random.next(), random.next(), random.next(), random.next()];
      const key: [number, number] = [random.next(), random.next()];
      expect(words(counter, key), `seed ${seed}, case ${i}`).toEqual(reference(counter, key));
    }
  });
});

describe('RandomStream', () => {
  test('uses both halves of the seed, the stream and the substream', () => {
    const first = (seed: number, stream: number, substream: number) =>
      new RandomStream(seed, stream, substream).next();
    const values = [first(1, 1, 0), first(2, 1, 0), first(1 + 2 ** 32, 1, 0), first(1, 2, 0), first(1, 1, 1)];
    expect(new Set(values).size).toBe(values.length);
    expect(first(1 + 2 ** 32, 2, 3)).toBe(reference([0, 3, 2, 0], [1, 1])[0]);
  });

  test('below() does not favour small numbers', () => {
    // Taking the remainder alone would give the first third of this range half of all draws.
    const bound = 3 * 2 ** 30;
    const random = new RandomStream(7, 1, 0);
    const thirds = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const third = Math.floor(random.below(bound) / 2 ** 30);
      thirds[third] = (thirds[third] as number) + 1;
    }
    // Six standard deviations of a binomial count with mean 10,000.
    for (const found of thirds)
      expect(Math.abs(found - 10_000)).toBeLessThan(6 * Math.sqrt(30_000 * (2 / 9)));
  });
});

describe('permutation', () => {
  // From an implementation in Python. These must never change: the same seed has to give the same training.
  test.each([
    [1, 0, [6, 7, 5, 4, 2, 8, 9, 3, 1, 0]],
    [1, 1, [3, 6, 4, 8, 9, 5, 2, 1, 7, 0]],
    [2 ** 53 - 1, 7, [1, 4, 2, 6, 7, 5, 3, 0, 8, 9]],
  ])('seed %d, epoch %d', (seed, epoch, expected) => {
    expect([...permutation(10, seed, epoch)]).toEqual(expected);
  });

  test('holds every index once', () => {
    const order = permutation(60_000, 3, 2);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 60_000 }, (_, i) => i));
  });

  test('puts each element everywhere equally often', () => {
    const counts = new Array<number>(25).fill(0);
    const rounds = 5000;
    for (let epoch = 0; epoch < rounds; epoch++) {
      permutation(5, 11, epoch).forEach((value, place) => {
        counts[value * 5 + place] = (counts[value * 5 + place] as number) + 1;
      });
    }
    for (const found of counts)
      expect(Math.abs(found - rounds / 5)).toBeLessThan(6 * Math.sqrt(rounds * 0.16));
  });
});

test('each initialiser has a seed of its own', () => {
  const seeds = [0, 1, 2].flatMap((seed) => [1, 2, 3].map((index) => initializerSeed(seed, index)));
  expect(new Set(seeds).size).toBe(9);
});

/** Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3". */

/** What random numbers are for: streams of the same seed never overlap. The numbers must stay as they are. */
export const streams = { shuffle: 1, initialize: 2, split: 3, sample: 4, augment: 5 } as const;

/** The upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const middleLow = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(middleLow / 0x10000);
}

/**
 * One block of Philox4x32-10.
 * @param counter four unsigned 32-bit words; replaced by the four random words
 * @param key0 @param key1 the key's unsigned 32-bit words
 */
export function philox4x32(counter: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = counter as unknown as [number, number, number, number];
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = (high1 ^ c1 ^ key0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ key1) >>> 0;
    c3 = low0 >>> 0;
    key0 = (key0 + 0x9e3779b9) >>> 0;
    key1 = (key1 + 0xbb67ae85) >>> 0;
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
}

/** A sequence of random numbers that depends only on its arguments. */
export class RandomStream {
  readonly #block = new Uint32Array(4);
  #used = 4;
  #blocks = 0;

  /**
   * @param seed whole number from 0 to 2^53 - 1
   * @param stream one of {@link streams}
   * @param substream whole number below 2^32, for example the epoch
   * @param index whole number below 2^32, for example the image
   */
  constructor(
    readonly seed: number,
    readonly stream: number,
    readonly substream: number,
    readonly index = 0,
  ) {}

  /** The next whole number from 0 to 2^32 - 1, uniformly distributed. */
  next(): number {
    if (this.#used === 4) {
      this.#block.set([this.#blocks++, this.substream, this.stream, this.index]);
      philox4x32(this.#block, this.seed >>> 0, Math.floor(this.seed / 2 ** 32));
      this.#used = 0;
    }
    return this.#block[this.#used++] as number;
  }

  /** The next number from `least` to below `most`, uniformly distributed. */
  between(least: number, most: number): number {
    return least + (this.next() / 2 ** 32) * (most - least);
  }

  /** The next whole number from 0 to `bound` - 1, uniformly distributed; `bound` is at most 2^32. */
  below(bound: number): number {
    // Values past the last whole multiple of the bound would favour the small results.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = this.next();
    while (value >= limit) value = this.next();
    return value % bound;
  }
}

/** A random order of 0 … `count` - 1, always the same for the same arguments. */
export function permutation(
  count: number,
  seed: number,
  epoch: number,
  stream: number = streams.shuffle,
): Uint32Array {
  const random = new RandomStream(seed, stream, epoch);
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const swapped = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swapped;
  }
  return order;
}

/** A seed of its own for the `index`-th initialiser of a model that is seeded with `seed`. */
export function initializerSeed(seed: number, index: number): number {
  return new RandomStream(seed, streams.initialize, index).next();
}

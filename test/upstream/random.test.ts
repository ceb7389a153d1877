/** Random numbers: the generator's known answers, the distributions, and where upstream's numbers stay. */
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import { nativeRuns } from '../kernels/like-cpu';

type Attrs = Record<string, unknown>;
const state = { key0: 1, key1: 2, counter0: 0, counter1: 0, counter2: 0, counter3: 0 };

/** What a kernel makes from a fixed state of the generator. */
function make(name: string, length: number, attrs: Attrs, dtype = 'float32'): Float32Array | Int32Array {
  const y = tf
    .engine()
    .runKernel(name, {}, { ...state, ...attrs, shape: [length], dtype } as never) as tf.Tensor;
  const values = y.dataSync() as Float32Array;
  y.dispose();
  return values;
}

/** The cumulative normal distribution, within 1e-6: a table by the trapezoidal rule, and straight lines between. */
const cdfStep = 1 / 256;
const cdfTable = new Float64Array(16 / cdfStep + 2);
for (let i = 1; i < cdfTable.length; i++) {
  const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  const x = -8 + i * cdfStep;
  cdfTable[i] = (cdfTable[i - 1] as number) + (cdfStep / 2) * (density(x - cdfStep) + density(x));
}
function normalCdf(z: number): number {
  const at = (z + 8) / cdfStep;
  const low = Math.floor(at);
  const [a, b] = cdfTable.subarray(low, low + 2) as unknown as [number, number];
  return a + (b - a) * (at - low);
}

/** Kolmogorov and Smirnov's statistic times the root of the count: above 1.95 in one of 1000 true samples. */
function kolmogorovSmirnov(sample: ArrayLike<number>, cdf: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  let worst = 0;
  sorted.forEach((x, i) => {
    const p = cdf(x);
    worst = Math.max(worst, Math.abs(p - i / sorted.length), Math.abs(p - (i + 1) / sorted.length));
  });
  return worst * Math.sqrt(sorted.length);
}

const mean = (values: ArrayLike<number>, f: (x: number, i: number) => number): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += f(values[i] as number, i);
  return sum / values.length;
};

/** Five standard deviations of the mean of n draws, each with this variance. */
const fiveDeviations = (variance: number, n: number) => 5 * Math.sqrt(variance / n);

const n = 2 ** 20;

// Blocks that come with Philox's own code (Random123, kat_vectors for philox4x32-10).
const known: [Attrs, number[]][] = [
  [{ key0: 0, key1: 0 }, [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [
    Object.fromEntries(Object.keys(state).map((name) => [name, 0xffffffff])),
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    {
      key0: 0xa4093822,
      key1: 0x299f31d0,
      counter0: 0x243f6a88,
      counter1: 0x85a308d3,
      counter2: 0x13198a2e,
      counter3: 0x03707344,
    },
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

describe('Philox4x32-10', () => {
  it.each(known)('%j gives the known block', (from, words) => {
    // Each word of a counter's block stands 16 numbers behind the one before; 31 of its bits are asked for.
    const numbers = make('RandomUniform', 64, { ...from, min: 0, range: 2 ** 31 }, 'int32');
    expect([0, 16, 32, 48].map((at) => numbers[at])).toEqual(words.map((word) => word >>> 1));
  });

  it('a sequence goes on where it is taken up', () => {
    const whole = make('RandomStandardNormal', 256, { mean: 0, stdDev: 1 });
    const rest = make('RandomStandardNormal', 100, { mean: 0, stdDev: 1, counter0: 32 });
    expect(Array.from(rest)).toEqual(Array.from(whole.slice(128, 228)));
  });
});

describe('uniform numbers', () => {
  it('are uniform', () => {
    const x = make('RandomUniform', n, { min: -1, range: 3, limit: Infinity });
    expect(kolmogorovSmirnov(x, (v) => (v + 1) / 3)).toBeLessThan(1.95);
    // Moments of the uniform distribution: mean 1/2, variance 3^2/12.
    expect(Math.abs(mean(x, (v) => v) - 0.5)).toBeLessThan(fiveDeviations(9 / 12, n));
    // The variance of (v - mean)^2 is 3^4 (1/80 - 1/144).
    expect(Math.abs(mean(x, (v) => (v - 0.5) ** 2) - 9 / 12)).toBeLessThan(
      fiveDeviations(81 * (1 / 80 - 1 / 144), n),
    );
  });

  it.each([1, 2, 15, 16, 17, 63, 64])('are independent of those %i places on', (distance) => {
    const x = make('RandomUniform', n, { min: -0.5, range: 1, limit: Infinity });
    const product = mean(x.subarray(distance), (v, i) => v * (x[i] as number));
    expect(Math.abs(product)).toBeLessThan(fiveDeviations(1 / 144, n - distance));
  });

  it.each([
    [0, 1],
    [-1, 0],
    [16777216, 16777218],
    [1e-3, 1.0000001e-3],
    [-5, -4.9999995],
  ])('from %d lie below %d, which is left out', (low, high) => {
    tf.setBackend('native');
    const x = tf.randomUniform([100_000], low, high).dataSync();
    expect(x.every((v) => v >= Math.fround(low) && v < high)).toBe(true);
    expect(nativeRuns).toContain('RandomUniform');
  });

  it('whole ones are as often as each other', () => {
    tf.setBackend('native');
    const counts = new Array<number>(10).fill(0);
    const total = 200_000;
    for (const v of tf.randomUniformInt([total], 0, 10).dataSync()) counts[v] = (counts[v] as number) + 1;
    const chiSquare = counts.reduce((sum, c) => sum + (c - total / 10) ** 2 / (total / 10), 0);
    // 9 degrees of freedom: above 62 in one of 2 billion true samples.
    expect(chiSquare).toBeLessThan(62);
    expect(nativeRuns).toContain('RandomUniform');
  });

  it('whole ones are cut towards zero, as upstream does', () => {
    tf.setBackend('native');
    const x = tf.randomUniformInt([10_000], -2, 2).dataSync();
    expect([...new Set(x)].sort((a, b) => a - b)).toEqual([-1, 0, 1]);
  });

  it("of other dtypes and ranges are upstream's", () => {
    tf.setBackend('native');
    const bool = tf.randomUniform([10], 0, 1, 'bool');
    expect([bool.dtype, tf.randomUniform([3], -3e38, 3e38).dataSync().every(Number.isFinite)]).toEqual([
      'bool',
      true,
    ]);
    expect(() => tf.randomUniform([-1])).toThrow('shape comprised of positive integers');
    expect(nativeRuns).not.toContain('RandomUniform');
  });
});

describe('normal numbers', () => {
  it('are normal', () => {
    const z = make('RandomStandardNormal', n, { mean: 0, stdDev: 1 });
    expect(kolmogorovSmirnov(z.subarray(0, 2 ** 17), normalCdf)).toBeLessThan(1.95);
    // The moments 1 to 4 are 0, 1, 0, 3, and the variances of z^k 1, 2, 15, 96.
    const moments = [0, 1, 0, 3];
    const variances = [1, 2, 15, 96];
    moments.forEach((moment, k) => {
      const difference = mean(z, (v) => v ** (k + 1)) - moment;
      expect(Math.abs(difference), `moment ${k + 1}`).toBeLessThan(fiveDeviations(variances[k] as number, n));
    });
    // Beyond four deviations lie 6.334e-5 of them.
    const far = n * mean(z, (v) => (Math.abs(v) > 4 ? 1 : 0));
    expect(Math.abs(far - n * 6.334e-5)).toBeLessThan(5 * Math.sqrt(n * 6.334e-5));
  });

  it.each([1, 15, 16, 32, 48, 64])('are independent of those %i places on', (distance) => {
    const z = make('RandomStandardNormal', n, { mean: 0, stdDev: 1 });
    const squares = mean(z.subarray(distance), (v, i) => (v * v - 1) * ((z[i] as number) ** 2 - 1));
    expect(Math.abs(mean(z.subarray(distance), (v, i) => v * (z[i] as number)))).toBeLessThan(
      fiveDeviations(1, n - distance),
    );
    // The two of Box and Muller's pair share their distance from the centre, and yet.
    expect(Math.abs(squares)).toBeLessThan(fiveDeviations(4, n - distance));
  });

  it('truncated ones are normal between two deviations', () => {
    const z = make('TruncatedNormal', n, { mean: 0, stdDev: 1 });
    const low = normalCdf(-2);
    const cdf = (v: number) => (normalCdf(v) - low) / (1 - 2 * low);
    expect(kolmogorovSmirnov(z.subarray(0, 2 ** 17), cdf)).toBeLessThan(1.95);
    expect(z.every((v) => Math.abs(v) <= 2)).toBe(true);
    // Variance 1 - 4 phi(2) / (1 - 2 Phi(-2)); that of the squares is below the fourth moment, 2^4.
    const variance = 1 - (4 * Math.exp(-2)) / Math.sqrt(2 * Math.PI) / (1 - 2 * low);
    expect(Math.abs(mean(z, (v) => v))).toBeLessThan(fiveDeviations(variance, n));
    expect(Math.abs(mean(z, (v) => v * v) - variance)).toBeLessThan(fiveDeviations(16, n));
  });

  it('have the mean and the deviation asked for', () => {
    tf.setBackend('native');
    for (const draw of [tf.randomNormal, tf.truncatedNormal]) {
      const x = draw([100_000], 10, 0.5).dataSync();
      expect(Math.abs(mean(x, (v) => v) - 10)).toBeLessThan(8 * Math.sqrt(0.25 / 1e5));
    }
    expect([...nativeRuns].sort()).toEqual(['RandomStandardNormal', 'TruncatedNormal']);
  });
});

describe('seeds', () => {
  const seeded: [string, () => tf.Tensor][] = [
    ['randomUniform', () => tf.randomUniform([20], -1, 2, 'float32', 7)],
    ['randomUniform of seed 0', () => tf.randomUniform([20], -1, 2, 'float32', 0)],
    ['randomUniformInt', () => tf.randomUniformInt([20], 0, 100, 7)],
    ['randomNormal', () => tf.randomNormal([20], 1, 2, 'float32', 7)],
    ['randomStandardNormal', () => tf.randomStandardNormal([20], 'float32', 7)],
    ['truncatedNormal', () => tf.truncatedNormal([20], 1, 2, 'float32', 7)],
    ['dropout', () => tf.dropout(tf.ones([20]), 0.5, undefined, 7)],
    ['multinomial', () => tf.multinomial(tf.tensor1d([0.1, 0.2, 0.3]), 20, 7)],
  ];
  it.each(seeded)("%s with a seed gives upstream's numbers", (_, draw) => {
    const [native, cpu] = ['native', 'cpu'].map((backend) => {
      tf.setBackend(backend);
      return Array.from(draw().dataSync());
    });
    tf.setBackend('native');
    expect(native).toEqual(cpu);
  });

  const unseeded: [string, () => tf.Tensor][] = [
    ['randomUniform', () => tf.randomUniform([20])],
    ['randomNormal', () => tf.randomNormal([20])],
    ['randomStandardNormal', () => tf.randomStandardNormal([20])],
    ['truncatedNormal', () => tf.truncatedNormal([20])],
    ['dropout', () => tf.dropout(tf.ones([200]), 0.5)],
    ['multinomial', () => tf.multinomial(tf.zeros([100]) as tf.Tensor1D, 20)],
  ];
  it.each(unseeded)('%s without one gives other numbers each time', (_, draw) => {
    tf.setBackend('native');
    expect(Array.from(draw().dataSync())).not.toEqual(Array.from(draw().dataSync()));
    expect(nativeRuns.size).toBeGreaterThan(0);
  });
});

describe('dropout', () => {
  const kept = (y: tf.Tensor) => Array.from(y.dataSync(), (v) => (v === 0 ? 0 : 1));

  it('drops with the rate asked for, and scales the rest', () => {
    tf.setBackend('native');
    for (const rate of [0.1, 0.5, 0.9]) {
      const length = 200_000;
      const y = tf.dropout(tf.fill([length], 3), rate).dataSync();
      const scaled = Math.fround(3 / (1 - rate));
      expect(y.every((v) => v === 0 || Math.abs(v - scaled) <= scaled * 2 ** -22)).toBe(true);
      const dropped = length * mean(y, (v) => (v === 0 ? 1 : 0));
      expect(Math.abs(dropped - rate * length)).toBeLessThan(7 * Math.sqrt(length * rate * (1 - rate)));
    }
    expect(nativeRuns).toContain('Dropout');
  });

  it("its gradient, and the gradient's gradient, pass the same elements", () => {
    tf.setBackend('native');
    const x = tf.ones([1000]);
    let y: number[] = [];
    let dx: number[] = [];
    const first = (v: tf.Tensor) =>
      tf.grad((w: tf.Tensor) => {
        const dropped = tf.dropout(w, 0.4);
        y = Array.from(tf.keep(dropped).dataSync());
        return tf.mul(dropped, dropped);
      })(v);
    const second = tf.grad((v) => {
      const gradient = first(v);
      dx = Array.from(tf.keep(gradient).dataSync());
      return gradient;
    })(x);
    // d/dx (m x)^2 = 2 m^2 x at x = 1, and the next one 2 m^2.
    expect(dx.map((v, i) => Math.abs(v - 2 * (y[i] as number) ** 2) < 1e-5).every(Boolean)).toBe(true);
    expect(Array.from(second.dataSync())).toEqual(dx);
  });

  it('takes a noise shape', () => {
    tf.setBackend('native');
    const rows = kept(tf.dropout(tf.ones([50, 8]), 0.5, [50, 1]));
    for (let row = 0; row < 50; row++) expect(new Set(rows.slice(row * 8, row * 8 + 8)).size).toBe(1);
    const columns = kept(tf.dropout(tf.ones([50, 8]), 0.5, [1, null] as never));
    expect(columns).toEqual(Array.from({ length: 400 }, (_, i) => columns[i % 8]));
    expect(new Set(rows)).toEqual(new Set([0, 1]));
  });

  it('lets NaN and infinities show in what it drops, as upstream does', () => {
    tf.setBackend('native');
    expect(
      tf
        .dropout(tf.fill([100], Infinity), 0.5)
        .dataSync()
        .every((v) => v === Infinity || Number.isNaN(v)),
    ).toBe(true);
  });

  it('rejects and passes what upstream does', () => {
    tf.setBackend('native');
    expect(() => tf.dropout(tf.ones([3]), 1)).toThrow('rate must be a float in the range [0, 1)');
    expect(() => tf.dropout(tf.ones([3], 'int32'), 0.5)).toThrow('x has to be a floating point tensor');
    expect(Array.from(tf.dropout(tf.ones([3]), 0).dataSync())).toEqual([1, 1, 1]);
    expect(tf.dropout([1, 2, 3], 0.5).shape).toEqual([3]);
  });
});

describe('multinomial', () => {
  it('draws outcomes as often as they are probable, each row for itself', () => {
    tf.setBackend('native');
    const probabilities = [0.1, 0.2, 0.4, 0.3];
    const total = 100_000;
    const logits = tf.log(tf.tensor2d([probabilities, probabilities]));
    const [first, second] = tf.unstack(tf.multinomial(logits as tf.Tensor2D, total)) as [
      tf.Tensor,
      tf.Tensor,
    ];
    for (const row of [first, second]) {
      const counts = [0, 0, 0, 0];
      for (const v of row.dataSync()) counts[v] = (counts[v] as number) + 1;
      probabilities.forEach((p, i) => {
        const deviation = Math.sqrt(total * p * (1 - p));
        expect(Math.abs((counts[i] as number) - total * p)).toBeLessThan(7 * deviation);
      });
    }
    expect(Array.from(first.dataSync())).not.toEqual(Array.from(second.dataSync()));
    expect(nativeRuns).toContain('Multinomial');
  });

  it('takes probabilities too', () => {
    tf.setBackend('native');
    const certain = tf.multinomial(tf.tensor1d([0, 1, 0]), 100, undefined, true);
    expect([certain.dtype, certain.shape, new Set(certain.dataSync())]).toEqual([
      'int32',
      [100],
      new Set([1]),
    ]);
    expect(() => tf.multinomial(tf.tensor1d([1]), 3)).toThrow('you need at least 2 outcomes');
  });
});

describe('tf.layers', () => {
  it('drops and initialises natively', () => {
    tf.setBackend('native');
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 4, inputShape: [8], kernelInitializer: 'glorotUniform' }),
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.dense({ units: 4, kernelInitializer: 'heNormal' }),
        tf.layers.dense({ units: 4, kernelInitializer: 'randomNormal' }),
        tf.layers.gaussianNoise({ stddev: 1 }),
      ],
    });
    model.apply(tf.ones([2, 8]), { training: true });
    for (const name of ['RandomUniform', 'TruncatedNormal', 'RandomStandardNormal', 'Dropout'])
      expect(nativeRuns).toContain(name);
  });

  it('runs as upstream on another backend', () => {
    tf.setBackend('cpu');
    expect(tf.randomNormal([3]).shape).toEqual([3]);
    expect(tf.dropout(tf.ones([3]), 0.5).shape).toEqual([3]);
    expect(nativeRuns).toEqual(new Set());
    tf.setBackend('native');
  });
});

it('nothing is left behind', () => {
  tf.setBackend('native');
  const x = tf.ones([10]);
  const before = tf.memory().numTensors;
  const results = [
    tf.randomUniform([3]),
    tf.randomNormal([3]),
    tf.dropout(x, 0.5),
    tf.dropout(x, 0.5, [1]),
    tf.multinomial(x as tf.Tensor1D, 3),
  ];
  expect(tf.memory().numTensors - before).toBe(results.length);
  tf.dispose(results);
});

// The last test, as what is seeded stays so.
it('gives the numbers that setSeed rules on any backend, and orders', () => {
  const draws = [
    () => tf.randomUniform([50], -1, 2),
    () => tf.randomUniform([50], 0, 9, 'int32'),
    () => tf.randomNormal([50], 1, 2),
    () => tf.truncatedNormal([50]),
    () => tf.dropout(tf.fill([4, 25], 3), 0.4),
    () => tf.dropout(tf.fill([4, 25], 3), 0.4, [4, 1]),
  ];
  const [native, cpu] = ['native', 'cpu'].map((backend) => {
    tf.setBackend(backend);
    tf.setSeed(5);
    const order = Array.from({ length: 30 }, (_, i) => i);
    tf.util.shuffle(order);
    return [order, ...draws.map((draw) => Array.from(draw().dataSync()))];
  });
  tf.setBackend('native');
  expect(native).toEqual(cpu);
});

/** Functional models drawn at random, compiled against eagerly. `SEED` draws others, `MODELS` more. */
import * as tf from 'tfjs-native';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { distance, forceEager, valuesOf } from './nets';
import { randomData, type RandomModel, randomModel, randomWeights } from './random-models';

const seed = Number(process.env['SEED'] ?? 1);
const models = Number(process.env['MODELS'] ?? 24);
const size = 7;
const rows = 9;

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => tf.disposeVariables());

interface Outcome {
  /** The learning rate of the later steps: beyond it crossentropies saturate, and then differ (docs/differences.md). */
  readonly rate: number;
  readonly logs: number[][];
  readonly gradients: Float32Array[];
  readonly weights: Float32Array[];
  readonly predictions: Float32Array[];
}

/** @param like the compiled training, which is to be done again op by op */
async function train({ model, loss }: RandomModel, own: number, like?: Outcome): Promise<Outcome> {
  const copy = (await tf.models.modelFromJSON(model.toJSON(null, false) as never)) as tf.LayersModel;
  const compile = (learningRate: number) => copy.compile({ optimizer: tf.train.sgd(learningRate), loss });
  compile(1);
  if (like) forceEager(copy);
  const explained = tf.explain(copy);
  if (explained.startsWith('Trains op by op') !== (like !== undefined)) throw new Error(explained);
  copy.setWeights(randomWeights(copy, own));
  const { xs, ys } = randomData({ model: copy, loss }, rows, own);
  const logs: number[][] = [];
  const step = async () => logs.push([await copy.trainOnBatch(xs as never, ys as never)].flat() as number[]);
  const before = valuesOf(copy.getWeights()).map((values) => values.slice());
  // With plain gradient descent at rate 1 a weight changes by its gradient.
  await step();
  const gradients = valuesOf(copy.getWeights()).map((values, i) =>
    values.map((value, k) => (before[i]?.[k] as number) - value),
  );
  const rate = like?.rate ?? 0.1 / Math.max(10, Math.hypot(...gradients.map((list) => Math.hypot(...list))));
  copy.setWeights(randomWeights(copy, own));
  compile(rate);
  for (let i = 0; i < 3; i++) await step();
  const weights = valuesOf(copy.getWeights());
  const predictions = valuesOf([copy.predict(xs)].flat());
  return { rate, logs, gradients, weights, predictions };
}

/** What is wrong about a model, if something is. */
async function failureOf(random: RandomModel, own: number): Promise<string | undefined> {
  let compiled: Outcome;
  let eager: Outcome;
  try {
    compiled = await train(random, own);
    eager = await train(random, own, compiled);
  } catch (error) {
    return (error as Error).stack;
  }
  // Of sums of up to some 10^3 terms in each of up to 10 layers, forward and back; a gradient that is a small
  // difference of large ones is as exact as these.
  const most = Math.max(...eager.gradients.map((gradient) => distance(gradient, gradient)[1]));
  for (const [what, tolerance, least] of [
    ['gradients', 2e-5, Math.max(1, most)],
    ['logs', 5e-5, 1],
    ['weights', 1e-4, 1],
    ['predictions', 5e-4, 1],
  ] as const) {
    for (const [i, list] of compiled[what].entries()) {
      const [difference, size] = distance(list, eager[what][i] as Float32Array);
      // Not the other way round: NaN is beyond any tolerance.
      if (!(difference <= tolerance * Math.max(least, size)))
        return `${what} ${i}: a difference of ${difference}, of numbers up to ${size}`;
    }
  }
  return undefined;
}

it.each(Array.from({ length: models }, (_, i) => seed * 1000 + i))('model %i', async (own) => {
  if ((await failureOf(randomModel(own, size), own)) === undefined) return;
  // The first layers of the same draws may fail already.
  for (let fewer = 0; fewer <= size; fewer++) {
    const random = randomModel(own, fewer);
    const failure = await failureOf(random, own);
    if (failure === undefined) continue;
    const json = JSON.stringify(random.model.toJSON(null, false));
    expect.fail(`seed ${own}, ${fewer} layers, losses ${random.loss}: ${failure}\n${json}`);
  }
});

/** Functional models, trained compiled and eagerly. */
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import { data } from '../upstream/fit-like-cpu';
import { distance, forceEager, reseed, valuesOf } from './nets';

export const rows = 8;

export interface Graph {
  readonly model: () => tf.LayersModel;
  readonly x: () => tf.Tensor | tf.Tensor[];
  readonly y: () => tf.Tensor | tf.Tensor[];
  readonly args: Omit<tf.ModelCompileArgs, 'optimizer'>;
  /** Why it is not compiled, for one that is not. */
  readonly reason?: string;
}

export type Symbolic = tf.SymbolicTensor;
export const on = (layer: tf.layers.Layer, from: Symbolic | Symbolic[]) => layer.apply(from) as Symbolic;
export const numbers = (columns: number) => tf.input({ shape: [columns] });
export const labels = (count: number) =>
  tf.tensor(
    Array.from({ length: rows }, (_, i) => (i * 7) % count),
    [rows, 1],
  );
export const bits = (columns: number) => tf.cast(tf.greater(data([rows, columns], 5), 0), 'float32');

/** Tests that models train and predict compiled as they do eagerly. */
export function agreeAsGraphs(graphs: Readonly<Record<string, Graph>>): void {
  describe.each(Object.entries(graphs))('%s', (_, graph) => {
    async function run(eager: boolean, batchSize: number) {
      reseed();
      const model = graph.model();
      model.compile({ optimizer: tf.train.sgd(0.1), ...graph.args });
      if (eager) forceEager(model);
      const { history } = await model.fit(graph.x(), graph.y(), {
        batchSize,
        epochs: 2,
        shuffle: false,
        verbose: 0,
      });
      const weights = valuesOf(model.getWeights());
      const predictions = valuesOf([model.predict(graph.x())].flat());
      return { explained: tf.explain(model), history, weights, predictions };
    }

    it.each([1, 5, 8])('trains as eagerly, in batches of %i', async (batchSize) => {
      const compiled = await run(false, batchSize);
      const eager = await run(true, batchSize);
      expect(eager.explained).toMatch(/^Trains op by op/);
      if (graph.reason) expect(compiled.explained).toContain(graph.reason);
      else expect(compiled.explained).not.toMatch(/^Trains op by op/);
      // Names of layers count up.
      const values = (history: tf.History['history']) => Object.values(history) as number[][];
      expect(values(compiled.history).length).toBe(values(eager.history).length);
      // At most 16 steps of rate 0.1 of sums of up to 10^3 terms, which round at 2^-24 of their largest.
      for (const [i, want] of values(eager.history).entries()) {
        const [difference, size] = distance(values(compiled.history)[i] as number[], want);
        expect(difference, Object.keys(eager.history)[i]).toBeLessThanOrEqual(1e-4 * Math.max(0.1, size));
      }
      for (const what of ['weights', 'predictions'] as const) {
        for (const [i, values] of compiled[what].entries()) {
          const [difference, size] = distance(values, eager[what][i] as Float32Array);
          expect(difference, `${what} ${i}`).toBeLessThanOrEqual(1e-4 * Math.max(0.1, size));
        }
      }
    });
  });
}

/** What training asks of a compiled session, seen by one that computes nothing. */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tf from 'tfjs-native';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SessionData, TrainSession } from '../../dist/compiler/session.js';
import { branchedModel, classes, data, denseModel, failure } from './fit-like-cpu';

const compiler = createRequire(import.meta.url)('../../dist/compiler/index.js') as {
  openSession: (model: tf.LayersModel, data: SessionData, batchSize: number) => TrainSession | undefined;
};
const { openSession } = compiler;

interface Run {
  rows: number[];
  begin: number;
  end: number;
  maxSteps: number;
}
let runs: Run[];
let sessions: { data: SessionData; batchSize: number; closed: number }[];
let running: number;
let worst: number;
/** Steps that a run takes at most. */
let longest: number;
let fail: boolean;

beforeEach(() => {
  [runs, sessions, running, worst, longest, fail] = [[], [], 0, 0, Number.POSITIVE_INFINITY, false];
  compiler.openSession = (model, given, batchSize) => {
    const session = { data: given, batchSize, closed: 0 };
    sessions.push(session);
    return {
      async run(order, begin, end, size, maxSteps, signal) {
        expect(order).toBeInstanceOf(Uint32Array);
        expect(size).toBe(batchSize);
        runs.push({ rows: [...order], begin, end, maxSteps });
        worst = Math.max(worst, ++running);
        await sleep(2);
        running--;
        if (fail) throw new Error('the step failed');
        if (signal?.aborted) return [];
        const steps = Math.min(maxSteps, longest, Math.ceil((end - begin) / size));
        // The loss of a step is the number of its first row in order.
        return Array.from({ length: steps }, (_, i) => model.metricsNames.map(() => begin + i * size));
      },
      close() {
        session.closed++;
      },
    };
  };
});
afterEach(() => {
  compiler.openSession = openSession;
});

const rows = 22;
const fit = (args: tf.ModelFitArgs = {}, model = denseModel()) =>
  model.fit(data([rows, 4], 1), classes(rows, 2), { batchSize: 5, shuffle: false, ...args });
/** The mean of the losses by rows: steps of 5, 5, 5, 5 and 2 rows. */
const loss = (5 * (0 + 5 + 10 + 15) + 2 * 20) / rows;

it('many steps are asked for at once, where nobody looks at batches', async () => {
  const { history } = await fit({ epochs: 2, callbacks: { onEpochEnd: async () => {} } });
  expect(runs.map(({ begin, end, maxSteps }) => [begin, end, maxSteps])).toEqual([
    [0, rows, 5],
    [0, rows, 5],
  ]);
  expect(history.loss).toEqual([loss, loss]);
  expect(sessions).toHaveLength(1);
  expect(sessions[0]).toMatchObject({ batchSize: 5, closed: 1 });
});

it('the loop goes on where a run ended early', async () => {
  longest = 2;
  const { history } = await fit();
  expect(runs.map(({ begin, maxSteps }) => [begin, maxSteps])).toEqual([
    [0, 5],
    [10, 3],
    [20, 1],
  ]);
  expect(history.loss).toEqual([loss]);
});

it.each<[string, tf.ModelFitArgs]>([
  ['onBatchBegin', { callbacks: { onBatchBegin: async () => {} } }],
  ['onBatchEnd', { callbacks: { onBatchEnd: async () => {} } }],
  ['onYield', { callbacks: { onYield: async () => {} } }],
  ['yieldEvery: batch', { yieldEvery: 'batch' }],
])('one step is asked for at a time with %s', async (_, args) => {
  const { history } = await fit(args);
  expect(runs.map(({ begin, maxSteps }) => [begin, maxSteps])).toEqual(
    [0, 5, 10, 15, 20].map((at) => [at, 1]),
  );
  expect(history.loss).toEqual([loss]);
});

it('rows are shuffled anew in each epoch', async () => {
  await fit({ epochs: 2, shuffle: true });
  const [first, second] = runs as [Run, Run];
  const all = Array.from({ length: rows }, (_, i) => i);
  expect(first.rows).not.toEqual(second.rows);
  for (const run of runs) expect(run.rows.toSorted((a, b) => a - b)).toEqual(all);
});

it('the data is what is trained on, with a weight for each of its rows', async () => {
  await fit({ validationSplit: 0.5, classWeight: { 0: 1, 1: 2, 2: 3 }, epochs: 1 });
  const { inputs, targets, sampleWeights } = (sessions[0] as (typeof sessions)[number]).data;
  expect([inputs, targets, sampleWeights].map(([tensor]) => tensor?.shape)).toEqual([[11, 4], [11, 3], [11]]);
  const right = tf.ones([rows]);
  await branchedModel().fit([data([rows, 4], 1), data([rows, 2], 1)], [classes(rows, 2), data([rows], 1)], {
    sampleWeight: { right } as never,
  });
  const branched = (sessions[1] as (typeof sessions)[number]).data;
  expect(branched.sampleWeights.map((tensor) => tensor?.shape)).toEqual([undefined, [rows]]);
  expect(branched.targets.map((tensor) => tensor.shape)).toEqual([
    [rows, 3],
    [rows, 1],
  ]);
});

it('a step that fails ends the fit, and the session is closed', async () => {
  const model = denseModel();
  fail = true;
  expect(await failure(fit({}, model))).toBe('the step failed');
  expect(await failure(model.trainOnBatch(data([5, 4], 1), classes(5, 1)))).toBe('the step failed');
  expect(sessions.map(({ closed }) => closed)).toEqual([1, 1]);
  fail = false;
  expect((await fit({}, model)).history.loss).toEqual([loss]);
});

it('an abort before the first step of a run is no endless loop', async () => {
  const controller = new AbortController();
  const fitting = fit({ epochs: 1e9, signal: controller.signal });
  await sleep(1);
  controller.abort();
  expect((await fitting).epoch.length).toBeLessThan(1000);
  expect(sessions[0]?.closed).toBe(1);
});

it('a run is told when training is stopped', async () => {
  const model = denseModel();
  const plain = compiler.openSession;
  const aborted: (boolean | undefined)[] = [];
  compiler.openSession = (...args) => {
    const session = plain(...args) as TrainSession;
    return {
      ...session,
      async run(order, begin, end, size, maxSteps, signal) {
        setTimeout(() => {
          model.stopTraining = true;
          aborted.push(signal?.aborted);
        });
        return (await session.run(order, begin, end, size, maxSteps)).slice(0, 1);
      },
    };
  };
  const { history } = await fit({ epochs: 3 }, model);
  expect(aborted).toEqual([true]);
  expect(history.loss).toEqual([0]);
});

it('steps of one model never run at the same time', async () => {
  const model = denseModel();
  const batch = () => model.trainOnBatch(data([5, 4], 1), classes(5, 1));
  await Promise.all([fit({ epochs: 3 }, model), batch(), batch(), batch()]);
  expect(worst).toBe(1);
  expect(runs).toHaveLength(6);
  await Promise.all([fit(), fit()]);
  expect(worst).toBe(2);
});

it('a model with a step of its own is not compiled', async () => {
  const model = denseModel() as unknown as { model: { makeTrainFunction(): unknown } };
  const { makeTrainFunction } = model.model;
  model.model.makeTrainFunction = () => makeTrainFunction.call(model.model);
  await fit({}, model as never);
  expect(sessions).toEqual([]);
});

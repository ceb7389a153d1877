/** The whole suite of tfjs-core passes on `native`, under each instruction set, and native kernels really ran in it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeKernels } from '../../dist/backend/register.js';
import { addon } from '../../dist/binding.js';

interface Summary {
  backend: string;
  isa: string;
  ok: boolean;
  specs: { passed: number; failed: number; pending: number; excluded: number };
  nativeCalls: Record<string, number>;
  failures: { name: string; message: string }[];
}

const runner = join(__dirname, 'run.mjs');

/** Runs the suite in a process of its own. */
function conformance(args: readonly string[], isa?: string): Promise<{ code: number; summary: Summary }> {
  const env = { ...process.env, ...(isa && { TFJS_NATIVE_ISA: isa }) };
  const options = { env, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [runner, '--json', ...args],
      options,
      (_error, stdout, stderr) => {
        try {
          resolve({ code: child.exitCode ?? -1, summary: JSON.parse(stdout) as Summary });
        } catch {
          reject(new Error(`The runner printed no summary.\n${stdout}\n${stderr}`));
        }
      },
    );
  });
}

/** Its specs run in browsers only (the first), or with a seed, with which upstream's JavaScript makes the numbers. */
const withoutSpecs = [
  'RotateWithOffset',
  'TruncatedNormal',
  'Multinomial',
  // What src/upstream runs in place of several ops of upstream's, mostly of tf.layers.
  'BiasReluGrad',
  'LogSoftmax',
  'LogSoftmaxGrad',
  'SoftmaxCrossEntropyWithLogits',
  'CategoricalCrossentropy',
  'CategoricalCrossentropyGrad',
  'SparseCategoricalCrossentropy',
  'SparseCategoricalCrossentropyGrad',
  'FusedBatchNormGrad',
  'FusedBatchNormTraining',
  'FusedBatchNormTrainingGrad',
  // For src/data/augment.ts.
  'AugmentImages',
];

describe('tfjs-core on native', () => {
  it.each(addon.info().isas)('passes every spec with %s', { timeout: 300_000 }, async (isa) => {
    const { code, summary } = await conformance([], isa);
    expect(summary.failures).toEqual([]);
    // 4,230 specs, of which upstream itself marks five as pending.
    expect(summary.specs).toEqual({ passed: 4225, failed: 0, pending: 5, excluded: 0 });
    expect(summary).toMatchObject({ backend: 'native', isa, ok: true });
    expect(code).toBe(0);
    const neverRan = Object.keys(nativeKernels).filter((name) => !summary.nativeCalls[name]);
    expect(neverRan.filter((name) => !withoutSpecs.includes(name))).toEqual([]);
  });

  it('runs no native kernel on the cpu backend', { timeout: 300_000 }, async () => {
    const { summary } = await conformance(['--backend', 'cpu', '--grep', 'relu']);
    expect(summary).toMatchObject({ backend: 'cpu', ok: true });
    expect(Object.values(summary.nativeCalls).every((calls) => calls === 0)).toBe(true);
  });

  it('fails when no spec ran', { timeout: 60_000 }, async () => {
    const { code, summary } = await conformance(['--grep', 'no spec has this name']);
    expect(summary.specs.passed).toBe(0);
    expect({ code, ok: summary.ok }).toEqual({ code: 1, ok: false });
  });
});

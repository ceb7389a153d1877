/** The executor: the same bits at any number of threads, no CPU time without work. */
import { expect, it } from 'vitest';
import { info } from 'tfjs-native';
import { runProgram } from './program';

it.each(info().isas)('training gives equal bits with 1, 2 and 4 threads under %s', async (isa) => {
  const { output } = await runProgram('threads.cjs', [], { TFJS_NATIVE_ISA: isa });
  const { digests, ...rest } = output as { digests: { threads: number; digest: string }[] };
  const [{ digest } = { digest: '' }] = digests;
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(rest).toEqual({ isa });
  expect(digests).toEqual([1, 2, 4].map((threads) => ({ threads, digest })));
});

it('uses no CPU time while it has nothing to do', async () => {
  const { output } = await runProgram('idle.cjs');
  const { working, idle } = output as { working: number; idle: number };
  expect(working).toBeGreaterThan(0.05);
  // One spinning thread would use a whole second of it.
  expect(idle).toBeLessThan(0.1);
});

it.runIf(process.platform === 'linux')('leaves its threads the CPUs that the process may use', async () => {
  const { output } = await runProgram('affinity.cjs');
  const { before, after } = output as { before: string[]; after: string[] };
  expect(after.length).toBeGreaterThanOrEqual(before.length + 3);
  expect(new Set(after)).toEqual(new Set(before.slice(0, 1)));
});

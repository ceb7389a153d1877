/** The addon in worker_threads: several at once, their natural end, and their termination in the middle of work. */
import { expect, it } from 'vitest';
import { runProgram } from './program';

it.each([
  ['together', 5],
  ['terminated', 3],
  ['only', 3],
])('survives workers: %s', async (scenario, count) => {
  const { exit, stderr, output } = await runProgram('workers.cjs', [scenario]);
  expect(stderr).toBe('');
  expect(exit).toBe(0);
  const [digest] = output as string[];
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(output).toEqual(Array(count).fill(digest));
});

/** Compiled training in several threads of JavaScript at once. */
import { expect, it } from 'vitest';
import { runProgram } from '../binding/program';

it('has the same bits as alone, and survives the end of a worker in the middle of a run', async () => {
  const { exit, stderr, output } = await runProgram('fit-workers.cjs');
  expect(stderr).toBe('');
  expect(exit).toBe(0);
  expect(output).toEqual({ same: [true, true, true, true], code: 1 });
});

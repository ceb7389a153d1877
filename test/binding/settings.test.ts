/** What the environment chooses is what runs. */
import { describe, expect, it } from 'vitest';
import { info } from 'tfjs-native';
import { runProgram } from './program';

describe('TFJS_NATIVE_ISA', () => {
  it.each(info().isas)('%s is what runs', async (isa) => {
    const { exit, output } = await runProgram('info.cjs', [], { TFJS_NATIVE_ISA: isa });
    expect(exit).toBe(0);
    expect(output).toMatchObject({ isa, isas: info().isas });
  });

  it('runs the best one when it is not set', async () => {
    const { output } = await runProgram('info.cjs');
    expect(output).toMatchObject({ isa: info().isas.at(-1) });
  });

  it('is refused for an instruction set that does not exist', async () => {
    const { exit, stderr } = await runProgram('info.cjs', [], { TFJS_NATIVE_ISA: 'sse9' });
    expect(exit).toBe(1);
    expect(stderr).toContain(`TFJS_NATIVE_ISA is "sse9"`);
    expect(stderr).toContain(info().isas.join(', '));
  });
});

describe('TFJS_NATIVE_THREADS', () => {
  it.each([1, 3])('%i is the number of threads', async (threads) => {
    const { output } = await runProgram('info.cjs', [], { TFJS_NATIVE_THREADS: String(threads) });
    expect(output).toMatchObject({ threads });
  });

  it.each(['0', '-1', '1.5', 'many', '1025'])('%s is refused', async (threads) => {
    const { exit, stderr } = await runProgram('info.cjs', [], { TFJS_NATIVE_THREADS: threads });
    expect(exit).toBe(1);
    expect(stderr).toContain(`TFJS_NATIVE_THREADS is "${threads}"; expected a whole number from 1 to 1024`);
  });
});

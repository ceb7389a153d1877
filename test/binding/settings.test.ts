/** What the environment chooses is what runs. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

describe('TFJS_NATIVE_ADDON', () => {
  let copy: string;
  beforeAll(() => {
    copy = join(mkdtempSync(join(tmpdir(), 'tfjs-native-addon-')), 'copy.node');
    copyFileSync(info().addon, copy);
  });
  afterAll(() => rmSync(dirname(copy), { recursive: true }));

  it('is the file that is loaded', async () => {
    const { output } = await runProgram('info.cjs', [], { TFJS_NATIVE_ADDON: copy });
    expect(output).toMatchObject({ addon: copy, isas: info().isas });
  });

  it('fails with the reason when it cannot be loaded, though another addon could', async () => {
    writeFileSync(copy, 'not an addon');
    const { exit, stderr } = await runProgram('info.cjs', [], { TFJS_NATIVE_ADDON: copy });
    expect(exit).toBe(1);
    expect(stderr).toMatch(
      /TfjsNativeError: The native addon of tfjs-native could not be loaded on \w+-\w+, Node v/,
    );
    expect(stderr).toContain(`${copy}: `);
    expect(stderr).toContain('Remedy:');
  });
});

describe('TFJS_NATIVE_WINOGRAD', () => {
  type Errors = Record<'forward' | 'input' | 'filter', { rms: number; largest: number }>;
  // Parts of the result's root mean square. Sums of 576 terms, each rounded by up to 2^-24: a random walk of deviation
  // 1.4e-6, whose largest of 1e5 lies within 7 deviations. The transforms of 4x4 tiles may double it.
  it.each([
    { choice: '0', rms: 1.4e-6, largest: 1e-5 },
    { choice: '2', rms: 1.4e-6, largest: 1e-5 },
    { choice: '4', rms: 2.8e-6, largest: 2e-5 },
  ])('$choice: convolutions are within $largest of the exact sums', async ({ choice, rms, largest }) => {
    const { exit, output } = await runProgram('convolution.cjs', [], { TFJS_NATIVE_WINOGRAD: choice });
    expect(exit).toBe(0);
    for (const error of Object.values(output as Errors)) {
      expect(error.rms).toBeGreaterThan(0);
      expect(error.rms).toBeLessThan(rms);
      expect(error.largest).toBeLessThan(largest);
    }
  });

  it('chooses the way that is computed', async () => {
    const outputs = await Promise.all(
      ['0', '2', '4'].map((choice) => runProgram('convolution.cjs', [], { TFJS_NATIVE_WINOGRAD: choice })),
    );
    expect(new Set(outputs.map(({ output }) => JSON.stringify(output))).size).toBe(3);
    const { output } = await runProgram('convolution.cjs');
    expect(output).toEqual(outputs[2]?.output);
  });

  it('is refused for a value without meaning', async () => {
    const { exit, stderr } = await runProgram('info.cjs', [], { TFJS_NATIVE_WINOGRAD: 'yes' });
    expect(exit).toBe(1);
    expect(stderr).toContain('TFJS_NATIVE_WINOGRAD is "yes"; expected 0');
  });
});

/** The check of the kernels' object files sees what it exists for. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-native-objects-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const kernel = 'kernels_avx2';

/** Compiles sources, by target, for avx2 kernels, and runs the check on them. */
function check(sources: Record<string, string>, flags: string[] = []) {
  const commands = Object.entries(sources).map(([target, source]) => {
    const file = `${target}.cc`;
    writeFileSync(join(folder, file), source);
    const object = `CMakeFiles/${target}.dir/${target}.o`;
    mkdirSync(join(folder, dirname(object)), { recursive: true });
    const args = ['-DTFJS_ISA=avx2', '-std=c++20', '-O1', ...flags, '-o', object, '-c', file];
    execFileSync(process.env.CXX ?? 'c++', args, { cwd: folder });
    return { directory: folder, command: `c++ ${args.join(' ')}`, file };
  });
  writeFileSync(join(folder, 'compile_commands.json'), JSON.stringify(commands));
  const script = join(import.meta.dirname, '../../scripts/check-objects.mjs');
  return spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
}

it('accepts symbols of the namespace and local ones', () => {
  const { status, stderr } = check({
    [kernel]: `
    namespace tfjs::TFJS_ISA {
    template <class T> [[gnu::noinline]] T twice(T x) { return x + x; }
    static float local(float x) { return x * x; }
    float kernel(float x) { return twice(x) + local(x); }
    }`,
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('refuses a weak symbol that another instruction set could end up with', () => {
  const { status, stderr } = check({
    [kernel]: `
    namespace tfjs {
    [[gnu::noinline]] inline float shared(float x) { return x * x; }
    namespace TFJS_ISA { float kernel(float x) { return shared(x); } }
    }`,
  });
  expect(stderr).toContain('kernels_avx2.dir/kernels_avx2.o: tfjs::shared(float) is a weak symbol');
  expect(status).toBe(1);
});

describe.runIf(process.arch === 'x64')('instructions beyond the set of an object', () => {
  const empty = 'void nothing() {}';
  const sum = 'void add(float* x, int n) { for (int i = 0; i < n; i++) x[i] += 1; }';
  const scale = 'unsigned times(unsigned x, int n) { return x << n; }';
  const vectorized = '-ftree-vectorize';

  it.each([
    [
      'AVX in code that all share',
      { [kernel]: empty, core: sum },
      '-mavx',
      /core\.o: .* beyond baseline, such as v/,
    ],
    ['AVX in the baseline', { kernels_baseline: sum }, '-mavx', /kernels_baseline\.o: .* beyond baseline/],
    ['BMI in code that all share', { [kernel]: empty, tfjs_native: scale }, '-mbmi2', /such as shlx/],
    ['AVX-512 for AVX2', { [kernel]: sum }, '-march=x86-64-v4', /kernels_avx2\.o: .* beyond avx2, such as v/],
  ])('refuses %s', (_, sources, flag, message) => {
    const { status, stderr } = check(sources, [flag, '-mprefer-vector-width=512', vectorized]);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });

  it('accepts those of the set', () => {
    const avx2 = check({ [kernel]: sum }, ['-march=x86-64-v3', vectorized]);
    expect(avx2.stderr).toBe('');
    const baseline = check({ kernels_baseline: sum, core: scale }, ['-march=x86-64-v2', vectorized]);
    expect(baseline.stderr).toBe('');
  });
});

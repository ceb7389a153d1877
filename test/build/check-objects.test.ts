/** The check of the kernels' object files sees what it exists for. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-native-objects-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Compiles a kernel and runs the check on it. */
function check(source: string) {
  writeFileSync(join(folder, 'kernel.cc'), source);
  const object = 'CMakeFiles/kernels_avx2.dir/kernel.o';
  mkdirSync(join(folder, dirname(object)), { recursive: true });
  const args = ['-DTFJS_ISA=avx2', '-std=c++20', '-O1', '-o', object, '-c', 'kernel.cc'];
  execFileSync(process.env.CXX ?? 'c++', args, { cwd: folder });
  const commands = [{ directory: folder, command: `c++ ${args.join(' ')}`, file: 'kernel.cc' }];
  writeFileSync(join(folder, 'compile_commands.json'), JSON.stringify(commands));
  const script = join(import.meta.dirname, '../../scripts/check-objects.mjs');
  return spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
}

it('accepts symbols of the namespace and local ones', () => {
  const { status, stderr } = check(`
    namespace tfjs::TFJS_ISA {
    template <class T> [[gnu::noinline]] T twice(T x) { return x + x; }
    static float local(float x) { return x * x; }
    float kernel(float x) { return twice(x) + local(x); }
    }`);
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('refuses a weak symbol that another instruction set could end up with', () => {
  const { status, stderr } = check(`
    namespace tfjs {
    [[gnu::noinline]] inline float shared(float x) { return x * x; }
    namespace TFJS_ISA { float kernel(float x) { return shared(x); } }
    }`);
  expect(stderr).toContain('kernels_avx2.dir/kernel.o: tfjs::shared(float)');
  expect(status).toBe(1);
});

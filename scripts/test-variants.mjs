/**
 * `npm run test:variants`: what `npm test` runs once, in all its variants: the backend under each instruction set,
 * the C++ tests with many drawn shapes, with sanitizers (the address sanitizer also finds leaks) and on arm64, and
 * everything that computes on OpenMP's executor, and TensorFlow beside the native backend.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { BuildError, buildNative, requireProgram } from './native-builders.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs');
/** @type {string[]} */
const isas = require(join(root, 'build/Release/tfjs_native.node')).info().isas;
const computing = ['test/backend', 'test/kernels', 'test/upstream'];

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [settings]
 */
function succeeds(command, args, settings = {}) {
  const env = { ...process.env, ...settings };
  const { status, signal } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) console.error(`${command} ${args.join(' ')}: ${signal ?? `exit code ${status}`}`);
  return status === 0;
}

/**
 * @param {Parameters<typeof buildNative>[0]} options
 * @param {string[]} args
 * @param {string[]} emulator what runs the tests
 */
async function nativeTests(options, args = [], emulator = []) {
  const built = await buildNative({ ...options, targets: ['native-tests'] });
  const [command, ...rest] = /** @type {[string, ...string[]]} */ ([
    ...emulator,
    built['native-tests'],
    ...args,
  ]);
  return succeeds(command, rest, { UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1' });
}

/** @type {Record<string, () => boolean | Promise<boolean>>} */
const variants = {
  // `npm test` ran these with the best set, and the C++ tests and tfjs-core's suite with each.
  ...Object.fromEntries(
    isas
      .slice(0, -1)
      .map((isa) => [
        `instruction set ${isa}`,
        () => succeeds(process.execPath, [vitest, 'run', ...computing], { TFJS_NATIVE_ISA: isa }),
      ]),
  ),
  // Other shapes in each run, by the seed that it prints: more than a minute, most of them for the twins, which all
  // instruction sets share.
  'drawn shapes': () => nativeTests({}, ['--fuzz', '9', '--threads', '1,3']),
  // Other models in each run, by the seed that the first test is named with.
  'drawn models': () =>
    succeeds(process.execPath, [vitest, 'run', 'test/compiler/random-models'], {
      MODELS: '250',
      SEED: String(Date.now() % 1e6),
    }),
  'address and undefined-behaviour sanitizers': () =>
    nativeTests({ out: 'build-asan', sanitize: 'address,undefined', flags: '-O1' }, ['--threads', '3']),
  'thread sanitizer': () =>
    nativeTests({ out: 'build-tsan', sanitize: 'thread', flags: '-O1' }, [
      '--threads',
      '4',
      '--isa',
      isas.at(-1),
    ]),
  // `npm test` ran them on a machine that is one.
  ...(process.arch !== 'arm64' && {
    'arm64 under qemu': async () => {
      requireProgram('qemu-aarch64', 'running the tests for arm64', 'qemu-user');
      const options = { platform: /** @type {const} */ ('linux-arm64'), out: 'build-linux-arm64' };
      await buildNative(options);
      // One number of threads, as an emulator takes ten times as long.
      return nativeTests(options, ['--threads', '2'], ['qemu-aarch64']);
    },
  }),
  'parity with TensorFlow': () => succeeds(process.execPath, [join(root, 'scripts/parity.mjs')]),
  'OpenMP, C++ tests': () => nativeTests({ out: 'build-openmp', openmp: true }),
  'OpenMP, backend': async () => {
    const { tfjs_native } = await buildNative({ out: 'build-openmp', openmp: true });
    const settings = { TFJS_NATIVE_ADDON: tfjs_native };
    return succeeds(
      process.execPath,
      [vitest, 'run', 'test/binding', 'test/conformance', ...computing],
      settings,
    );
  },
};

const failed = [];
for (const [name, run] of Object.entries(variants)) {
  console.log(`\n== ${name}`);
  const start = performance.now();
  let passed = false;
  try {
    passed = await run();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
  }
  console.log(
    `== ${name}: ${passed ? 'passed' : 'FAILED'} (${((performance.now() - start) / 1000).toFixed(0)} s)`,
  );
  if (!passed) failed.push(name);
}
const count = Object.keys(variants).length;
if (process.env.TEST_REPORTS) {
  const report = { numPassedTests: count - failed.length, numFailedTests: failed.length };
  writeFileSync(join(process.env.TEST_REPORTS, 'variants.json'), JSON.stringify(report));
}
console.log(
  `${count - failed.length} of ${count} variants passed${failed.map((name) => `\nFAILED  ${name}`).join('')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

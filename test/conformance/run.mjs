/**
 * Runs tfjs-core's own test suite, every spec of it, on a backend of this package.
 *
 *   node test/conformance/run.mjs [--backend native|cpu] [--grep TEXT] [--json]
 *
 * `TFJS_NATIVE_ISA` and `TFJS_NATIVE_THREADS` choose how the native kernels run. Exit code 0: every spec passed;
 * 1: a spec failed, or fewer ran than the suite has; 2: wrong usage. `--json` prints one JSON object instead of text.
 */
import nodeModule, { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { resolve } from './resolve-core.mjs';

/** How many specs of tfjs-core 4.22.0 run on a synchronous backend in Node (the few `xit` of upstream aside). */
const expectedSpecs = 4225;

const require = createRequire(import.meta.url);

function options() {
  try {
    const { values } = parseArgs({
      options: {
        backend: { type: 'string', default: 'native' },
        grep: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (!['native', 'cpu'].includes(values.backend)) {
      throw new Error(`--backend is "${values.backend}"; expected native or cpu`);
    }
    return values;
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}

/** Counts, by op, the calls that reach the addon from now on. */
function countNativeCalls({ addon }) {
  const counts = Object.fromEntries(addon.ops.map(({ name }) => [name, 0]));
  const { run } = addon;
  addon.run = () => {
    counts[addon.ops[addon.frame[0]].name]++;
    return run();
  };
  return counts;
}

/** Boots jasmine with its globals, as the suite expects them. */
function bootJasmine(grep) {
  const jasmine = require('jasmine-core').boot();
  jasmine.DEFAULT_TIMEOUT_INTERVAL = 20_000;
  const env = jasmine.getEnv();
  env.configure({
    random: false,
    forbidDuplicateNames: false,
    specFilter: (spec) => grep === undefined || spec.getFullName().includes(grep),
  });
  return env;
}

/** Loads all specs of tfjs-core's `dist/tests.js` for the backend. */
async function loadSuite(backendName) {
  // @ts-expect-error Newer than the types, which are those of the oldest Node.
  if (nodeModule.registerHooks) nodeModule.registerHooks({ resolve });
  else nodeModule.register('./resolve-core.mjs', import.meta.url);
  // The suite was bundled as CommonJS upstream and calls `require` here and there.
  globalThis.require = createRequire(require.resolve('@tensorflow/tfjs-core'));
  const dist = new URL('./', pathToFileURL(require.resolve('@tensorflow/tfjs-core')));
  const load = (file) => import(new URL(file, dist).href);
  usePackagedOptimizers(await load('index.js'));
  await load('public/chained_ops/register_all_chained_ops.js');
  await load('register_all_gradients.js');
  // The registry of gradients is one for all copies: upstream's have just replaced the package's.
  require('../../dist/upstream/gradients.js').registerGradients();
  const { setTestEnvs } = await load('jasmine_util.js');
  setTestEnvs([{ name: backendName, backendName, isDataSync: true }]);
  await load('tests.js');
}

/**
 * The suite brings its own copies of the optimizers' classes. This gives them the methods of the package's, with which
 * users train.
 */
function usePackagedOptimizers(suiteCore) {
  for (const [name, { prototype }] of Object.entries(require('@tensorflow/tfjs-core'))) {
    if (!name.endsWith('Optimizer') || !Object.hasOwn(prototype, 'applyGradients')) continue;
    suiteCore[name].prototype.applyGradients = prototype.applyGradients;
  }
}

/** Runs what was loaded; resolves to counts by jasmine's status, and all failures. */
async function execute(env, onFailure) {
  const specs = { passed: 0, failed: 0, pending: 0, excluded: 0 };
  const failures = [];
  const fail = ({ fullName, failedExpectations }) => {
    const failure = { name: fullName, message: failedExpectations.map(({ message }) => message).join('\n') };
    failures.push(failure);
    onFailure(failure);
  };
  env.addReporter({
    specDone(result) {
      specs[result.status]++;
      if (result.status === 'failed') fail(result);
    },
    suiteDone(result) {
      if (result.failedExpectations.length > 0) fail(result);
    },
  });
  const done = await env.execute();
  if (done.failedExpectations.length > 0) fail({ ...done, fullName: '(outside of any suite)' });
  return { specs, failures };
}

const { backend, grep, json } = options();
const started = performance.now();
require('../../dist/index.js');
const binding = require('../../dist/binding.js');
const nativeCalls = countNativeCalls(binding);
const env = bootJasmine(grep);
const say = json ? () => {} : console.log;
// The suite tests warnings and logs, and its own output would drown the summary.
for (const level of ['log', 'info', 'warn', 'error']) console[level] = () => {};
await loadSuite(backend);
const { specs, failures } = await execute(env, ({ name, message }) =>
  say(`FAILED  ${name}\n        ${message}`),
);

const ran = specs.passed + specs.failed;
const expected = grep === undefined ? expectedSpecs : 1;
const enough = ran >= expected && (grep !== undefined || specs.excluded === 0);
const { isa, threads, executor } = binding.addon.info();
const summary = {
  backend,
  isa,
  threads,
  executor,
  node: process.version,
  ok: failures.length === 0 && enough,
  specs,
  seconds: Math.round(performance.now() - started) / 1000,
  nativeCalls,
  failures,
};
if (json) {
  process.stdout.write(`${JSON.stringify(summary)}\n`);
} else {
  const calls = Object.values(nativeCalls).reduce((sum, count) => sum + count, 0);
  if (!enough) say(`Only ${ran} specs ran (${specs.excluded} excluded); expected at least ${expected}.`);
  say(
    `${backend} (${isa}, ${threads} threads, ${executor}, Node ${process.version}): ${specs.passed} passed, ` +
      `${failures.length} failed, ${specs.pending} pending upstream, in ${summary.seconds} s; ` +
      `${calls} calls of native kernels.`,
  );
}
process.exitCode = summary.ok ? 0 : 1;

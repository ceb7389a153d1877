/** Finding and loading what the backend `tensorflow` needs: packages of the user's project, here made for the test. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'tfjs-native';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { output, root } from './run';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-native-tensorflow-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const core = JSON.stringify(join(root, 'node_modules/@tensorflow/tfjs-core'));
const cpu = JSON.stringify(join(root, 'node_modules/@tensorflow/tfjs-backend-cpu'));

/** As tfjs-node does: a backend with a priority, handlers of `file://`, kernels and gradients of its own copy. */
const working = (gpu: boolean, using = gpu) => `
const core = require(${core});
const { MathBackendCPU } = require(${cpu});
const { isNullOrUndefined } = require('util');
class Backend extends MathBackendCPU {
  isGPUPackage = ${gpu};
  isUsingGpuDevice = ${using};
  binding = { TF_Version: '2.9.1' };
}
core.registerBackend('tensorflow', () => new Backend(), 3);
for (const kernel of core.getKernelsForBackend('cpu')) {
  core.registerKernel({ ...kernel, backendName: 'tensorflow' });
  core.registerKernel({ ...kernel, kernelFunc: () => { throw new Error('of another copy'); } });
}
core.registerGradient({ kernelName: 'Relu', gradFunc: () => { throw new Error('of another copy'); } });
core.io.registerLoadRouter(() => ({ load() { throw new Error('of another package'); } }));
core.io.registerSaveRouter(() => ({ save() { throw new Error('of another package'); } }));
if (!isNullOrUndefined(null) || !core.setBackend('tensorflow')) throw new Error('failed');
`;
const broken = `throw new Error('The Node.js native addon module (tfjs_binding.node) can not be found at path: x');`;

let projects = 0;
/** A project that has such packages. */
function project(packages: Record<string, { version?: string; code: string }>): string {
  const own = join(folder, String(projects++));
  mkdirSync(own);
  for (const [name, { version = tf.version_core, code }] of Object.entries(packages)) {
    const at = join(own, 'node_modules/@tensorflow', name);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, 'package.json'), JSON.stringify({ name: `@tensorflow/${name}`, version }));
    writeFileSync(join(at, 'index.js'), code);
  }
  return own;
}

const native = JSON.stringify(root);
const choose = (options = '{}') => `
const tf = require(${native});
tf.useBackend(process.env.NAME ?? 'tensorflow', ${options}).then(
  (name) => console.log(JSON.stringify([name, tf.getBackend(), tf.info().tensorflow ?? null])),
  ({ code, message }) => console.log(JSON.stringify([code, message, tf.getBackend()])));`;

it('says what to install where nothing is', async () => {
  const cwd = project({});
  const [code, message, backend] = (await output(choose(), { cwd })) as string[];
  expect([code, backend]).toEqual(['BACKEND_UNAVAILABLE', 'native']);
  expect(message).toContain(
    `neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node is installed in ${cwd}`,
  );
  expect(message).toContain(`npm install @tensorflow/tfjs-node-gpu@${tf.version_core}`);
});

it('takes the package for GPUs before the other, and says what computes', async () => {
  const cwd = project({ 'tfjs-node-gpu': { code: working(true) }, 'tfjs-node': { code: broken } });
  const found = await output(choose('{ requireGpu: true }'), { cwd });
  expect(found).toMatchObject([
    'tensorflow',
    'tensorflow',
    { package: '@tensorflow/tfjs-node-gpu', version: '2.9.1', gpu: true },
  ]);
});

it('says which libraries a package for GPUs without one wants', async () => {
  const cwd = project({ 'tfjs-node-gpu': { code: working(true, false) } });
  const [, , facts] = (await output(choose(), { cwd })) as [string, string, tf.TensorFlowInfo];
  expect(facts).toMatchObject({ gpu: false, device: 'CPU' });
  expect(facts.withoutGpu).toContain('CUDA 11.2 and cuDNN 8.1');
  expect(facts.withoutGpu).toContain('libcudart.so.11.0');
});

it.each([
  ['tfjs-node', working(false), 'is the package for CPUs'],
  ['tfjs-node-gpu', working(true, false), 'CUDA 11.2 and cuDNN 8.1'],
])('%s without a GPU fails where one is required', async (name, code, reason) => {
  const cwd = project({ [name]: { code } });
  const failed = (await output(choose('{ requireGpu: true }'), { cwd })) as string[];
  expect(failed).toEqual(['BACKEND_UNAVAILABLE', expect.stringContaining(reason), 'native']);
  expect(failed[1]).toContain('a GPU is required');
});

it('refuses a version that does not fit, and one whose download did not run, with what to run', async () => {
  const old = project({ 'tfjs-node': { version: '3.21.1', code: working(false) } });
  const [, message] = (await output(choose(), { cwd: old })) as string[];
  expect(message).toContain(`3.21.1, which does not fit tfjs-core ${tf.version_core}`);
  expect(message).toContain(`npm install @tensorflow/tfjs-node@${tf.version_core}`);
  const half = project({ 'tfjs-node': { code: broken } });
  const [code, reason, backend] = (await output(choose(), { cwd: half })) as string[];
  expect([code, backend]).toEqual(['BACKEND_UNAVAILABLE', 'native']);
  expect(reason).toContain('not wholly installed');
  expect(reason).toContain('tfjs_binding.node');
  expect(reason).toContain('npm rebuild @tensorflow/tfjs-node');
});

it('leaves kernels, gradients and file:// as they were', async () => {
  const cwd = project({ 'tfjs-node': { code: working(false) } });
  const code = `
    const tf = require(${native});
    (async () => {
      await tf.useBackend('tensorflow');
      await tf.useBackend('cpu');
      const gradient = tf.grad((x) => x.relu().sum())(tf.tensor1d([-1, 2]));
      const handlers = [tf.io.getLoadHandlers('file://x').length, tf.io.getSaveHandlers('file://x').length];
      console.log(JSON.stringify([gradient.arraySync(), handlers, tf.env().getBool('PROD')]));
    })();`;
  expect(await output(code, { cwd })).toEqual([[0, 1], [1, 1], false]);
});

it('auto stays native where there is no GPU', async () => {
  const cwd = project({ 'tfjs-node-gpu': { code: broken }, 'tfjs-node': { code: working(false) } });
  expect(await output(choose(), { cwd, env: { NAME: 'auto' } })).toEqual(['native', 'native', null]);
});

it('passes options for GPUs on, which come too late once TensorFlow runs', async () => {
  const cwd = project({ 'tfjs-node-gpu': { code: working(true) } });
  const code = `
    const tf = require(${native});
    (async () => {
      await tf.useBackend('tensorflow', { memoryGrowth: true, visibleDevices: '1' });
      const { TF_FORCE_GPU_ALLOW_GROWTH, CUDA_VISIBLE_DEVICES } = process.env;
      const late = await tf.useBackend('tensorflow', { visibleDevices: '0' }).catch(({ message }) => message);
      console.log(JSON.stringify([TF_FORCE_GPU_ALLOW_GROWTH, CUDA_VISIBLE_DEVICES, late, tf.getBackend()]));
    })();`;
  expect(await output(code, { cwd })).toEqual([
    'true',
    '1',
    expect.stringContaining('CUDA_VISIBLE_DEVICES=0'),
    'tensorflow',
  ]);
});

it.each([
  [{ TFJS_REQUIRE_GPU: '1' }, 'BACKEND_UNAVAILABLE', 'a GPU is required'],
  [{ TFJS_REQUIRE_GPU: '1', TFJS_BACKEND: 'native' }, 'INVALID_ARGUMENT', 'TFJS_BACKEND is "native"'],
])('the environment %j makes the import fail without a GPU', async (env, code, message) => {
  const cwd = project({ 'tfjs-node': { code: working(false) } });
  const attempt = `try { require(${native}) } catch ({ code, message }) { console.log(JSON.stringify([code, message])) }`;
  expect(await output(attempt, { cwd, env })).toEqual([code, expect.stringContaining(message)]);
});

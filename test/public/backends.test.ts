/** Choosing what computes. */
import * as tf from 'tfjs-native';
import { afterEach, describe, expect, it } from 'vitest';
import { output, run } from './run';

afterEach(() => tf.useBackend('native'));

describe('useBackend', () => {
  it.each([
    ['native', 'native'],
    ['auto', 'native'],
    ['cpu', 'cpu'],
  ] as const)('%s sets %s', async (name, backend) => {
    expect(await tf.useBackend(name)).toBe(backend);
    expect(tf.getBackend()).toBe(backend);
    expect(tf.info().backend).toBe(backend);
  });

  it('lets tensors and models move between backends', async () => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 2, inputShape: [3], kernelInitializer: 'ones' })],
    });
    const x = tf.tensor2d([[1, 2, 3]]);
    const kept = x.square();
    const predict = () => (model.predict(kept) as tf.Tensor).arraySync();
    expect(predict()).toEqual([[14, 14]]);
    await tf.useBackend('cpu');
    expect(predict()).toEqual([[14, 14]]);
    const made = kept.add(1);
    await tf.useBackend('native');
    expect(made.arraySync()).toEqual([[2, 5, 10]]);
    expect(predict()).toEqual([[14, 14]]);
    expect(tf.add(made, kept).arraySync()).toEqual([[3, 9, 19]]);
  });

  it('names what it accepts', async () => {
    await expect(tf.useBackend('gpu' as 'auto')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'backend is "gpu"; expected one of native, tensorflow, cpu, auto.',
    });
    await expect(tf.useBackend(undefined as unknown as 'auto')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});

describe('TFJS_BACKEND', () => {
  const code = `const tf = require('tfjs-native'); console.log(JSON.stringify([tf.getBackend(), tf.tensor1d([-1, 2]).relu().arraySync()]));`;

  it.each([
    ['cpu', 'cpu'],
    ['native', 'native'],
    ['auto', 'native'],
    ['', 'native'],
  ])('"%s" starts with %s', async (name, backend) => {
    expect(await output(code, { env: { TFJS_BACKEND: name } })).toEqual([backend, [0, 2]]);
  });

  it('does not tell to install tfjs-node when cpu was asked for', async () => {
    const { stderr } = await run(code, { env: { TFJS_BACKEND: 'cpu' } });
    expect(stderr).toBe('');
  });

  it.each([
    ['gpu', 'INVALID_ARGUMENT', 'TFJS_BACKEND is "gpu"; expected one of native, tensorflow, cpu, auto.'],
    ['tensorflow', 'BACKEND_UNAVAILABLE', 'npm install @tensorflow/tfjs-node'],
  ])('"%s" makes the import fail', async (name, errorCode, message) => {
    const attempt = `import('tfjs-native').catch((error) => console.log(JSON.stringify([error.code, error.message])))`;
    const [code, text] = (await output(attempt, { env: { TFJS_BACKEND: name } })) as [string, string];
    expect(code).toBe(errorCode);
    expect(text).toContain(message);
  });
});

describe('setThreads', () => {
  it('sets what info tells', () => {
    const before = tf.info().threads;
    tf.setThreads(3);
    expect(tf.info().threads).toBe(3);
    tf.setThreads(before);
  });

  it.each([0, -1, 1.5, Number.NaN, 1025])('refuses %d', (threads) => {
    const before = tf.info().threads;
    expect(() => tf.setThreads(threads)).toThrow(
      `threads is ${threads}; expected a whole number from 1 to 1024.`,
    );
    expect(tf.info().threads).toBe(before);
  });

  it('outlasts a worker, whatever the environment says', async () => {
    const code = `
      const tf = require('tfjs-native');
      const { Worker } = require('node:worker_threads');
      const started = tf.info().threads;
      tf.setThreads(5);
      new Worker("require('tfjs-native')", { eval: true }).on('exit', () =>
        console.log(JSON.stringify([started, tf.info().threads])));`;
    expect(await output(code, { env: { TFJS_NATIVE_THREADS: '2' } })).toEqual([2, 5]);
  });
});

it('info tells what runs', () => {
  const info = tf.info();
  expect(info).toMatchObject({
    versions: {
      'tfjs-native': tf.version['tfjs-native'],
      'tfjs-core': tf.version_core,
      node: process.versions.node,
    },
    platform: `${process.platform}-${process.arch}`,
    backend: 'native',
  });
  expect(info.isas).toContain(info.isa);
  expect(info.threads).toBeGreaterThan(0);
  expect(['pool', 'openmp']).toContain(info.executor);
  expect(info.compiler).not.toBe('');
  expect(info.addon).toMatch(/\.node$/);
});

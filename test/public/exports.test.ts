/** What `tfjs-native` exports, against the packages that it stands for. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as backend from '@tensorflow/tfjs-backend-cpu';
import * as converter from '@tensorflow/tfjs-converter';
import * as core from '@tensorflow/tfjs-core';
import * as data from '@tensorflow/tfjs-data';
import * as layers from '@tensorflow/tfjs-layers';
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import { output, root } from './run';

const require = createRequire(import.meta.url);
const required = require('tfjs-native') as typeof tf;
const names = (module: object) =>
  Object.keys(module).filter((name) => name !== 'default' && name !== 'module.exports');

describe.each([
  ['import', tf],
  ['require', required],
])('%s', (_, ours) => {
  it.each([
    ['core', core],
    ['backend-cpu', backend],
    ['layers', layers],
    ['converter', converter],
  ])('has all of %s', (_name, upstream) => {
    const missing = names(upstream).filter((name) => !(name in ours));
    expect(missing).toEqual([]);
  });

  it('has the namespaces data and io whole', () => {
    expect(Object.keys(ours.data).sort()).toEqual(names(data).sort());
    expect(Object.keys(ours.io).sort()).toEqual(
      [...Object.keys(core.io), 'fileSystem', 'nodeHTTPRequest'].sort(),
    );
  });

  it('has functions of its own', () => {
    expect(names(ours)).toEqual(
      expect.arrayContaining(['useBackend', 'info', 'setSeed', 'setThreads', 'TfjsNativeError']),
    );
  });
});

it('is one instance of everything for import and require', () => {
  for (const name of names(tf)) expect(tf[name as keyof typeof tf]).toBe(required[name as keyof typeof tf]);
  expect(tf.Tensor).toBe((require('@tensorflow/tfjs-core') as typeof core).Tensor);
  expect((tf as unknown as { default: unknown }).default).toBe(required);
});

it('computes with the backend native from the start', async () => {
  expect(
    await output(`import * as tf from 'tfjs-native'; console.log(JSON.stringify(tf.getBackend()))`, {
      esm: true,
    }),
  ).toBe('native');
});

it('tells the versions of all packages', () => {
  const { version } = require('../../package.json') as { version: string };
  expect(tf.version).toEqual({
    'tfjs-core': core.version_core,
    'tfjs-backend-cpu': backend.version_cpu,
    'tfjs-data': data.version_data,
    'tfjs-layers': layers.version_layers,
    'tfjs-converter': converter.version_converter,
    tfjs: core.version_core,
    'tfjs-native': version,
  });
  expect(tf.version_converter).toBe(converter.version_converter);
  expect(tf.data.version_data).toBe(data.version_data);
});

it('has every gradient of TensorFlow.js registered', () => {
  const folder = join(root, 'node_modules/@tensorflow/tfjs-core/dist/gradients');
  const kernels = readdirSync(folder)
    .filter((file) => file.endsWith('_grad.js'))
    .map(
      (file) => /kernelName: (\w+)/.exec(readFileSync(join(folder, file), 'utf8'))?.[1] as keyof typeof tf,
    );
  expect(kernels.length).toBeGreaterThan(90);
  const missing = kernels.filter((kernel) => tf.getGradient(tf[kernel] as string) === undefined);
  expect(missing).toEqual([]);
});

/**
 * What @tensorflow/tfjs-node does to TensorFlow.js when it is loaded, beyond adding its backend, is undone: it
 * registers handlers of `file://`, and with a copy of tfjs-core of its own all kernels and gradients of that copy. What it lacks
 * is lent to it.
 */
import { env, getKernelsForBackend, io, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { shared } from './core-copies';
import { runNatively, type WritableBackend } from './native-numbers';

type Util = Record<'isArray' | 'isNullOrUndefined', (value: unknown) => boolean>;

/** Functions that tfjs-node takes from Node's util, which has them no more since Node 23. */
function completeUtil(): void {
  const util = require('node:util') as Util;
  util.isArray ??= Array.isArray;
  util.isNullOrUndefined ??= (value) => value == null;
}

/** Calls `load`, which loads tfjs-node; what was registered before stays as it was. */
export function keepRegistered<T>(load: () => T): T {
  completeUtil();
  const registries = ['kernelRegistry', 'gradRegistry'].map((name) => shared(name) as Map<unknown, unknown>);
  const kept = registries.map((registry) => [registry, [...registry]] as const);
  const { registerLoadRouter, registerSaveRouter } = io;
  const environment = env();
  const { platform, platformName } = environment;
  const production = environment.get('PROD');
  // Silences the warning of each kernel that is registered again.
  environment.set('PROD', true);
  Object.assign(io, { registerLoadRouter() {}, registerSaveRouter() {} });
  try {
    return load();
  } finally {
    Object.assign(io, { registerLoadRouter, registerSaveRouter });
    Object.assign(environment, { platform, platformName });
    environment.set('PROD', production);
    for (const [registry, entries] of kept) for (const [key, value] of entries) registry.set(key, value);
  }
}

/**
 * Kernels of TensorFlow.js that tfjs-node has not, such as RotateWithOffset and Transform of images, run on the backend
 * `native` there too.
 */
export function lendKernels(): void {
  const theirs = new Set(getKernelsForBackend('tensorflow').map(({ kernelName }) => kernelName));
  for (const { kernelName } of getKernelsForBackend('cpu')) {
    if (theirs.has(kernelName)) continue;
    registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, attrs, backend }) => {
        const tensorflow = backend as WritableBackend;
        const given = Object.entries(inputs).flatMap(([name, info]) => {
          if (!info) return [];
          const { dataId, shape, dtype } = info;
          return [[name, { values: tensorflow.readSync(dataId), shape, dtype }] as const];
        });
        const results = runNatively(
          kernelName,
          Object.fromEntries(given),
          attrs,
          ({ values, shape, dtype }) => ({
            dataId: tensorflow.write(values, shape, dtype),
            shape,
            dtype,
          }),
        );
        return results.length === 1 ? (results[0] as TensorInfo) : results;
      },
    });
  }
}

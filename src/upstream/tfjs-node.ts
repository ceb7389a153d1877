/**
 * What @tensorflow/tfjs-node does to TensorFlow.js when it is loaded, beyond adding its backend, is undone: it
 * registers handlers of `file://`, and with a copy of tfjs-core of its own all kernels and gradients of that copy. What it lacks
 * is lent to it.
 */
import {
  type DataType,
  env,
  findBackend,
  getKernel,
  getKernelsForBackend,
  io,
  type KernelBackend,
  registerKernel,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

type Globals = { _tfGlobals?: Map<string, unknown> };
type Util = Record<'isArray' | 'isNullOrUndefined', (value: unknown) => boolean>;

/** Kernels and gradients, which all copies of tfjs-core have in common. */
function registries(): Map<unknown, unknown>[] {
  const globals = (globalThis as Globals)._tfGlobals;
  return ['kernelRegistry', 'gradRegistry'].map((name) => globals?.get(name) as Map<unknown, unknown>);
}

/** Functions that tfjs-node takes from Node's util, which has them no more since Node 23. */
function completeUtil(): void {
  const util = require('node:util') as Util;
  util.isArray ??= Array.isArray;
  util.isNullOrUndefined ??= (value) => value == null;
}

/** Calls `load`, which loads tfjs-node; what was registered before stays as it was. */
export function keepRegistered<T>(load: () => T): T {
  completeUtil();
  const kept = registries().map((registry) => [registry, [...registry]] as const);
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

/** What a backend is to us: `write` is not in upstream's type. */
type Backend = KernelBackend & {
  write(values: ReturnType<KernelBackend['readSync']>, shape: number[], dtype: DataType): object;
};

/** The same values on another backend. */
function copy({ dataId, shape, dtype }: TensorInfo, from: Backend, to: Backend): TensorInfo {
  return { dataId: to.write(from.readSync(dataId), shape, dtype), shape, dtype };
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
        const [native, tensorflow] = [findBackend('native') as Backend, backend as Backend];
        const lent = Object.entries(inputs).map(
          ([name, input]) => [name, input && copy(input, tensorflow, native)] as const,
        );
        const run = getKernel(kernelName, 'native')?.kernelFunc as (
          call: object,
        ) => TensorInfo | TensorInfo[];
        const made = [run({ inputs: Object.fromEntries(lent), attrs, backend: native })].flat();
        const results = made.map((info) => copy(info, native, tensorflow));
        for (const info of [...made, ...lent.map(([, input]) => input)])
          if (info) native.disposeData(info.dataId);
        return results.length === 1 ? (results[0] as TensorInfo) : results;
      },
    });
  }
}

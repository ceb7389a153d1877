/**
 * What @tensorflow/tfjs-node does to TensorFlow.js when it is loaded, beyond adding its backend, is undone: it
 * registers handlers of `file://`, and with a copy of tfjs-core of its own all kernels and gradients of that copy.
 */
import { env, io } from '@tensorflow/tfjs-core';

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

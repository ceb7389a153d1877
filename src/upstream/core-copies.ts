/**
 * Several copies of tfjs-core can be loaded in one process. They share one engine, one registry of kernels and
 * one Tensor class through globals: those of the copy that was loaded first. Copies of one version work together;
 * an engine of another version may not know what our kernels and layers ask of it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engine, Tensor, version_core } from '@tensorflow/tfjs-core';
import { nativeError } from '../errors';

/** What all copies of tfjs-core have in common by this name: `Tensor`, `kernelRegistry` or `gradRegistry`. */
export function shared(name: string): unknown {
  return (globalThis as { _tfGlobals?: Map<string, unknown> })._tfGlobals?.get(name);
}

/** The class of all tensors. */
export function tensorClass(): typeof Tensor {
  return (shared('Tensor') as typeof Tensor | undefined) ?? Tensor;
}

/** The source file of the engine that runs. */
function engineFile(): string | undefined {
  const formatter = Error.prepareStackTrace;
  // Call sites tell the file itself, where a formatted stack may have been mapped to the sources.
  Error.prepareStackTrace = (_, sites) => sites[0]?.getFileName();
  try {
    engine().removeBackend('a name that no backend has');
    return undefined;
  } catch (error) {
    const file = (error as { stack?: string | null }).stack ?? undefined;
    return file?.startsWith('file:') ? fileURLToPath(file) : file;
  } finally {
    Error.prepareStackTrace = formatter;
  }
}

interface Copy {
  readonly folder: string;
  readonly version: string;
}

/** The copy of tfjs-core that a file belongs to; undefined if it is in none, in a bundle say. */
function copyOf(file: string): Copy | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (!existsSync(manifest)) continue;
    const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      name?: string;
      version?: string;
    };
    if (name === '@tensorflow/tfjs-core' && version !== undefined) return { folder, version };
    if (name !== undefined) return undefined;
  }
  return undefined;
}

/**
 * Makes sure that the engine is one that we work with: warns of another version of the same major number.
 * @throws TfjsNativeError CORE_MISMATCH if the engine is of another major version
 */
export function checkEngine(): void {
  const file = engineFile();
  if (file === undefined || file.startsWith(dirname(require.resolve('@tensorflow/tfjs-core/package.json'))))
    return;
  const copy = copyOf(file);
  if (copy === undefined || copy.version === version_core) return;
  const mismatch = nativeError('CORE_MISMATCH', copy.version, copy.folder, version_core);
  if (major(copy.version) !== major(version_core)) throw mismatch;
  process.emitWarning(mismatch.message, { code: mismatch.code });
}

function major(version: string): string | undefined {
  return version.split('.')[0];
}

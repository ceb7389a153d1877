/** The backend `tensorflow`: TensorFlow's library, by a package that the user's project has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { engine, findBackend, version_core } from '@tensorflow/tfjs-core';
import { minor, whatIsMissing } from './cuda';
import { nativeError } from './errors';
import { keepRegistered, lendKernels } from './upstream/tfjs-node';

/** The first that is installed is taken. */
const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** What computes behind the backend `tensorflow`. */
export interface TensorFlowInfo {
  /** `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`. */
  readonly package: string;
  /** Of TensorFlow's library. */
  readonly version: string;
  /** Whether it computes on a GPU. */
  readonly gpu: boolean;
  /** The GPU's name as its driver tells it, else `GPU` or `CPU`. */
  readonly device: string;
  /** Why a package for GPUs computes on the CPU: what it wants, and what of it was not found. */
  readonly withoutGpu?: string;
}

/** How TensorFlow is to be started; what is not given stays as the environment has it. */
export interface TensorFlowOptions {
  /** Fail where TensorFlow would compute on the CPU. Default false. */
  readonly requireGpu?: boolean;
  /** Take the GPU's memory as it is needed instead of all at once (`TF_FORCE_GPU_ALLOW_GROWTH`). */
  readonly memoryGrowth?: boolean;
  /** The numbers of the GPUs that it may use, `0,1` say (`CUDA_VISIBLE_DEVICES`). */
  readonly visibleDevices?: string;
}

interface Package {
  readonly name: string;
  readonly folder: string;
  readonly version: string;
}

interface NodeBackend {
  readonly isGPUPackage: boolean;
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

const unavailable = (reason: string) => nativeError('BACKEND_UNAVAILABLE', 'tensorflow', reason);

/** Where packages are looked for: the current folder's project, the started program's, and ours. */
function roots(): string[] {
  const program = process.argv[1];
  return [join(process.cwd(), 'index.js'), ...(program ? [program] : []), __filename];
}

function findPackage(names: readonly string[]): Package | undefined {
  for (const name of names) {
    for (const root of roots()) {
      let manifest: string;
      try {
        manifest = createRequire(root).resolve(`${name}/package.json`);
      } catch {
        continue;
      }
      const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
      return { name, folder: dirname(manifest), version };
    }
  }
  return undefined;
}

/** @throws TfjsNativeError BACKEND_UNAVAILABLE with what to do about it */
function load({ name, folder, version }: Package): void {
  const right = `${name}@${version_core}`;
  if (minor(version) !== minor(version_core)) {
    throw unavailable(
      `${name} in ${folder} is of version ${version}, which does not fit tfjs-core ${version_core}; run \`npm install ${right}\``,
    );
  }
  try {
    keepRegistered(() => createRequire(join(folder, 'package.json'))(folder));
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw unavailable(
      `${name} ${version} in ${folder} is not wholly installed, or does not work with Node ${process.version} on ` +
        `${process.platform}-${process.arch} (${reason}). Its install script fetches TensorFlow's library and an addon: run ` +
        `\`npm rebuild ${name}\`, or see docs/gpu.md where these downloads fail`,
    );
  }
}

function registered(): NodeBackend | undefined {
  return (engine().registryFactory['tensorflow'] && findBackend('tensorflow')) as NodeBackend | undefined;
}

/** The names of the GPUs, as NVIDIA's driver for Linux tells them. */
function gpuNames(): string[] {
  const folder = '/proc/driver/nvidia/gpus';
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((gpu) => {
    const facts = readFileSync(join(folder, gpu, 'information'), 'utf8');
    return /^Model:\s*(.*)$/m.exec(facts)?.[1] ?? 'GPU';
  });
}

/** Facts about the backend `tensorflow`, if it was loaded. */
export function tensorflowInfo(): TensorFlowInfo | undefined {
  const backend = registered();
  if (backend === undefined) return undefined;
  const { isGPUPackage, isUsingGpuDevice: gpu, binding } = backend;
  const version = binding.TF_Version;
  return {
    package: packages[isGPUPackage ? 0 : 1],
    version,
    gpu,
    device: gpu ? gpuNames().join(', ') || 'GPU' : 'CPU',
    ...(isGPUPackage && !gpu && { withoutGpu: whatIsMissing(version) }),
  };
}

function apply({ memoryGrowth, visibleDevices }: TensorFlowOptions): void {
  const settings = {
    ...(memoryGrowth !== undefined && { TF_FORCE_GPU_ALLOW_GROWTH: String(memoryGrowth) }),
    ...(visibleDevices !== undefined && { CUDA_VISIBLE_DEVICES: visibleDevices }),
  };
  for (const [name, value] of Object.entries(settings)) {
    if (registered() !== undefined && process.env[name] !== value)
      throw unavailable(`TensorFlow runs already, without ${name}=${value}; set it before the first use`);
    process.env[name] = value;
  }
}

/**
 * Registers the backend `tensorflow`, unless it is.
 * @throws TfjsNativeError BACKEND_UNAVAILABLE that says what is missing and what to run
 */
export function loadTensorFlow(options: TensorFlowOptions): void {
  apply(options);
  if (registered() === undefined) {
    const found = findPackage(packages);
    if (found === undefined) {
      throw unavailable(
        `neither ${packages.join(' nor ')} is installed in ${process.cwd()}; run \`npm install ${packages[0]}@${version_core}\` ` +
          `for an NVIDIA GPU, or \`npm install ${packages[1]}@${version_core}\``,
      );
    }
    load(found);
  }
  lendKernels();
  const facts = tensorflowInfo() as TensorFlowInfo;
  if (options.requireGpu && !facts.gpu) {
    const why =
      facts.withoutGpu ?? `${facts.package} is the package for CPUs; install ${packages[0]}@${version_core}`;
    throw unavailable(`a GPU is required, and TensorFlow ${facts.version} computes on the CPU: ${why}`);
  }
}

/** Whether TensorFlow has a GPU here, as far as can be told without loading what would not find one. */
export function hasGpu(options: TensorFlowOptions): boolean {
  const nowhere = process.platform === 'linux' && gpuNames().length === 0 && !existsSync('/dev/dxg');
  if (nowhere && registered() === undefined) return false;
  if (findPackage([packages[0]]) === undefined) return false;
  try {
    loadTensorFlow({ ...options, requireGpu: true });
    return true;
  } catch (error) {
    // There seems to be a GPU: why it is not used should be known.
    process.emitWarning((error as Error).message, { code: 'BACKEND_UNAVAILABLE' });
    return false;
  }
}

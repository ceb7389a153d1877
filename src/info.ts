/** What runs: versions, backend, instruction set, threads. */
import { getBackend } from '@tensorflow/tfjs-core';
import { addon, addonFile } from './binding';
import { type TensorFlowInfo, tensorflowInfo } from './tensorflow';
import { version } from './upstream/versions';

/** The facts of {@link info}. */
export interface Info {
  /** Versions of tfjs-native, of tfjs-core and of Node (`process.versions.node`). */
  readonly versions: { readonly 'tfjs-native': string; readonly 'tfjs-core': string; readonly node: string };
  /** Operating system and processor, `linux-x64`. */
  readonly platform: string;
  /** The backend that computes, as `tf.getBackend()` gives it. */
  readonly backend: string;
  /** The instruction set that native kernels use: `baseline`, `avx2` or `avx512`. */
  readonly isa: string;
  /** All instruction sets that both the addon and this CPU have, best last. */
  readonly isas: readonly string[];
  /** Threads that parallel work uses. */
  readonly threads: number;
  /** What runs parallel work: `pool` or `openmp`. */
  readonly executor: string;
  /** The compiler that built the addon, and its version. */
  readonly compiler: string;
  /** The addon's file. */
  readonly addon: string;
  /** What computes behind the backend `tensorflow`, once that was chosen. */
  readonly tensorflow?: TensorFlowInfo;
}

/** Tells what runs: versions, backend, instruction set, threads, addon. */
export function info(): Info {
  const { isa, isas, threads, executor, compiler } = addon.info();
  const tensorflow = tensorflowInfo();
  return {
    versions: {
      'tfjs-native': version['tfjs-native'],
      'tfjs-core': version['tfjs-core'],
      node: process.versions.node,
    },
    platform: `${process.platform}-${process.arch}`,
    backend: getBackend(),
    isa,
    isas,
    threads,
    executor,
    compiler,
    addon: addonFile,
    ...(tensorflow && { tensorflow }),
  };
}

/** What a file of `src/backend/kernels` exports: native implementations by TensorFlow.js kernel name. */
import type { NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../native-backend';
import type { OpName } from '../ops';

export interface KernelCall {
  readonly inputs: NamedTensorInfoMap;
  readonly attrs: NamedAttrMap;
  readonly backend: NativeBackend;
}

/** Returns undefined for arguments (a string or complex tensor, say) that the JavaScript kernel shall take. */
export type NativeKernel = (call: KernelCall) => TensorInfo | TensorInfo[] | undefined;

export type NativeKernels = Partial<Record<OpName, NativeKernel>>;

/** Kernels that are no op of their own but made of other ops. */
export type ComposedKernels = Readonly<Record<string, NativeKernel>>;

/** Registers the backend `native`: our kernels, and the `cpu` backend's for everything else. */
import {
  getBackend,
  getKernel,
  getKernelsForBackend,
  type KernelConfig,
  type KernelFunc,
  registerBackend,
  registerKernel,
  setBackend,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { addonFile } from '../binding';
import { nativeError } from '../errors';
import { batchNorm } from './kernels/batch_norm';
import { binary } from './kernels/binary';
import { cast } from './kernels/cast';
import { comparison } from './kernels/comparison';
import { concat, packing } from './kernels/concat';
import { conv2d } from './kernels/conv2d';
import { crossentropy } from './kernels/crossentropy';
import { depthwiseConv2d } from './kernels/depthwise_conv2d';
import { fill } from './kernels/fill';
import { gather } from './kernels/gather';
import { image, mirroring } from './kernels/image';
import type { ComposedKernels, KernelCall, NativeKernel, NativeKernels } from './kernels/kernel';
import { oneHot } from './kernels/one_hot';
import { optimizer } from './kernels/optimizer';
import { pad } from './kernels/pad';
import { pooling } from './kernels/pool';
import { matmul } from './kernels/matmul';
import { randomNumbers } from './kernels/random';
import { reduce } from './kernels/reduce';
import { reverse } from './kernels/reverse';
import { segmentSum } from './kernels/segment_sum';
import { select } from './kernels/select';
import { slice, slicing } from './kernels/slice';
import { softmax } from './kernels/softmax';
import { tile } from './kernels/tile';
import { transpose } from './kernels/transpose';
import { unary } from './kernels/unary';
import { fitsFrame, hasOp, NativeBackend } from './native-backend';

/** Every native kernel by its TensorFlow.js name. */
export const nativeKernels: NativeKernels = {
  ...unary,
  ...binary,
  ...comparison,
  ...select,
  ...cast,
  ...fill,
  ...softmax,
  ...crossentropy,
  ...batchNorm,
  ...transpose,
  ...pooling,
  ...reduce,
  ...slice,
  ...pad,
  ...concat,
  ...tile,
  ...gather,
  ...segmentSum,
  ...oneHot,
  ...matmul,
  ...conv2d,
  ...depthwiseConv2d,
  ...optimizer,
  ...image,
  ...reverse,
  ...randomNumbers,
};

const composedKernels: ComposedKernels = { ...slicing, ...packing, ...mirroring };

function withFallback(config: KernelConfig): KernelConfig {
  const native =
    nativeKernels[config.kernelName as keyof NativeKernels] ?? composedKernels[config.kernelName];
  const registered = { ...config, backendName: 'native' };
  if (native === undefined) return registered;
  const fallback = config.kernelFunc;
  const kernelFunc: KernelFunc = (call) =>
    (fitsFrame(call.inputs) ? native(call as unknown as KernelCall) : undefined) ?? fallback(call);
  return { ...registered, kernelFunc };
}

/** A kernel that only we have, for src/upstream. */
function withoutFallback(kernelName: string, native: NativeKernel): KernelConfig {
  const kernelFunc: KernelFunc = (call) => native(call as unknown as KernelCall) as TensorInfo[];
  return { kernelName, backendName: 'native', kernelFunc };
}

/** Above `cpu` (1), so that core prefers it. */
const priority = 10;

registerBackend('native', () => new NativeBackend(), priority);
for (const config of getKernelsForBackend('cpu')) registerKernel(withFallback(config));
for (const [name, native] of Object.entries(nativeKernels)) {
  if (!hasOp(name)) throw nativeError('ADDON_MISMATCH', addonFile, name);
  if (getKernel(name, 'native') === undefined) registerKernel(withoutFallback(name, native));
}
if (getBackend() !== 'native') setBackend('native');

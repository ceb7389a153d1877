/** Registers the backend `native`: our kernels, and the `cpu` backend's for everything else. */
import {
  getBackend,
  getKernelsForBackend,
  type KernelConfig,
  type KernelFunc,
  registerBackend,
  registerKernel,
  setBackend,
} from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { elementwise } from './kernels/elementwise';
import type { KernelCall, NativeKernels } from './kernels/kernel';
import { pooling } from './kernels/pool';
import { matmul } from './kernels/matmul';
import { softmax } from './kernels/softmax';
import { transpose } from './kernels/transpose';
import { fitsFrame, NativeBackend } from './native-backend';

/** Every native kernel by its TensorFlow.js name. */
export const nativeKernels: NativeKernels = { ...elementwise, ...softmax, ...transpose, ...pooling, ...matmul };

function withFallback(config: KernelConfig): KernelConfig {
  const native = nativeKernels[config.kernelName as keyof NativeKernels];
  const registered = { ...config, backendName: 'native' };
  if (native === undefined) return registered;
  const fallback = config.kernelFunc;
  const kernelFunc: KernelFunc = (call) =>
    (fitsFrame(call.inputs) ? native(call as unknown as KernelCall) : undefined) ?? fallback(call);
  return { ...registered, kernelFunc };
}

/** Above `cpu` (1), so that core prefers it. */
const priority = 10;

registerBackend('native', () => new NativeBackend(), priority);
for (const config of getKernelsForBackend('cpu')) registerKernel(withFallback(config));
if (getBackend() !== 'native') setBackend('native');

/** Unary ops on every element. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { OpName } from '../ops';
import type { NativeKernel, NativeKernels } from './kernel';

function unary(name: OpName): NativeKernel {
  return ({ inputs, backend }) => {
    const x = inputs.x as TensorInfo;
    if (x.dtype !== 'float32') return undefined;
    const y = backend.output(x.shape, 'float32');
    backend.run(name, [x], [y], {});
    return y;
  };
}

export const elementwise: NativeKernels = {
  Relu: unary('Relu'),
  Square: unary('Square'),
};

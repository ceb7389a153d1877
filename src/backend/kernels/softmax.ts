/** Softmax over the last dimension. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeKernels } from './kernel';

export const softmax: NativeKernels = {
  Softmax: ({ inputs, attrs, backend }) => {
    const logits = inputs.logits as TensorInfo;
    const rank = logits.shape.length;
    const dim = attrs.dim as number;
    if (logits.dtype !== 'float32' || rank === 0 || (dim !== -1 && dim !== rank - 1)) return undefined;
    const y = backend.output(logits.shape, 'float32');
    backend.run('Softmax', [logits], [y], {});
    return y;
  },
};

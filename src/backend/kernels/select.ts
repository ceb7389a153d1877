/** Choice between two tensors by a third. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { isNativeDType } from '../storage';
import type { NativeKernels } from './kernel';

export const select: NativeKernels = {
  Select: ({ inputs, backend }) => {
    const condition = inputs.condition as TensorInfo;
    const t = inputs.t as TensorInfo;
    const e = inputs.e as TensorInfo;
    const { dtype } = t;
    if (condition.dtype !== 'bool' || e.dtype !== dtype || !isNativeDType(dtype)) return undefined;
    // `tf.where` broadcasts before; a condition for each row is left to the JavaScript kernel.
    const size = util.sizeFromShape(t.shape);
    if (util.sizeFromShape(condition.shape) !== size || util.sizeFromShape(e.shape) !== size)
      return undefined;
    const y = backend.output(t.shape, dtype);
    backend.run('Select', [condition, t, e], [y], {});
    return y;
  },
};

/** Conversion between dtypes. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { isNativeDType } from '../storage';
import type { NativeKernels } from './kernel';

export const cast: NativeKernels = {
  Cast: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const dtype = attrs.dtype as DataType;
    if (!isNativeDType(x.dtype) || !isNativeDType(dtype)) return undefined;
    if (x.dtype === dtype) return backend.alias(x, x.shape);
    const y = backend.output(x.shape, dtype);
    backend.run('Cast', [x], [y], {});
    return y;
  },
};

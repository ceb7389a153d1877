/** Indices as rows with a value at the index and another elsewhere. */
import { type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { isNativeDType, type NativeDType } from '../storage';
import { patternOf } from './fill';
import type { NativeKernels } from './kernel';

/** Whether a tensor of the dtype holds the value as it is; others are left to the JavaScript kernel. */
function holds(dtype: NativeDType, value: number): boolean {
  if (dtype === 'float32') return true;
  return dtype === 'int32' ? Math.fround(value) === (value | 0) : value === 0 || value === 1;
}

export const oneHot: NativeKernels = {
  OneHot: ({ inputs, attrs, backend }) => {
    const indices = inputs.indices as TensorInfo;
    const dtype = attrs.dtype as DataType;
    const [depth, onValue, offValue] = [attrs.depth, attrs.onValue, attrs.offValue] as [
      number,
      number,
      number,
    ];
    if (indices.dtype !== 'int32' || !isNativeDType(dtype)) return undefined;
    if (!holds(dtype, onValue) || !holds(dtype, offValue)) return undefined;
    const n = util.sizeFromShape(indices.shape);
    const y = backend.output([...indices.shape, depth], dtype);
    backend.run('OneHot', [{ ...indices, shape: [n] }], [{ ...y, shape: [n, depth] }], {
      onPattern: patternOf(onValue, dtype),
      offPattern: patternOf(offValue, dtype),
    });
    return y;
  },
};

/** Tensors in opposite order along some dimensions. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../native-backend';
import { isNativeDType } from '../storage';
import type { NativeKernels } from './kernel';

/** @param dims the dimensions, none negative; one that is named twice stays as it is */
export function runReverse(
  backend: NativeBackend,
  x: TensorInfo,
  dims: readonly number[],
): TensorInfo | undefined {
  if (!isNativeDType(x.dtype)) return undefined;
  const y = backend.output(x.shape, x.dtype);
  const axes = dims.reduce((set, d) => set ^ (1 << d), 0);
  backend.run('Reverse', [x], [y], { axes });
  return y;
}

export const reverse: NativeKernels = {
  Reverse: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const dims = util.parseAxisParam(attrs.dims as number | number[], x.shape);
    return x.shape.length === 0 ? backend.alias(x, x.shape) : runReverse(backend, x, dims);
  },
};

/** Transpose: any permutation of the dimensions. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { isNativeDType } from '../storage';
import type { NativeKernels } from './kernel';

/** As many as `native/core/params.h` has. */
const maxRank = 8;

export const transpose: NativeKernels = {
  Transpose: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const perm = attrs.perm as number[];
    const rank = x.shape.length;
    // Core lets a dimension be named twice.
    if (!isNativeDType(x.dtype) || rank > maxRank || new Set(perm).size !== rank) return undefined;
    const y = backend.output(
      perm.map((d) => x.shape[d] as number),
      x.dtype,
    );
    const [perm0 = 0, perm1 = 0, perm2 = 0, perm3 = 0, perm4 = 0, perm5 = 0, perm6 = 0, perm7 = 0] = perm;
    backend.run('Transpose', [x], [y], { perm0, perm1, perm2, perm3, perm4, perm5, perm6, perm7 });
    return y;
  },
};

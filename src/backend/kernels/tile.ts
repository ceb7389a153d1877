/** A tensor repeated along its dimensions. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { isNativeDType } from '../storage';
import type { NativeKernels } from './kernel';

export const tile: NativeKernels = {
  Tile: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const reps = attrs.reps as number[];
    if (!isNativeDType(x.dtype) || reps.length !== x.shape.length) return undefined;
    const y = backend.output(
      x.shape.map((length, d) => length * (reps[d] as number)),
      x.dtype,
    );
    backend.run('Tile', [x], [y], {});
    return y;
  },
};

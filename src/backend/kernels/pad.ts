/** A tensor inside a larger one of a constant. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { isNativeDType } from '../storage';
import { patternOf } from './fill';
import type { NativeKernels } from './kernel';

export const pad: NativeKernels = {
  PadV2: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const paddings = attrs.paddings as [number, number][];
    const value = attrs.constantValue as number;
    if (!isNativeDType(x.dtype) || paddings.length !== x.shape.length) return undefined;
    if (!paddings.flat().every((n) => Number.isSafeInteger(n) && n >= 0)) return undefined;
    const y = backend.output(
      paddings.map(([before, after], d) => before + (x.shape[d] as number) + after),
      x.dtype,
    );
    const [
      before0 = 0,
      before1 = 0,
      before2 = 0,
      before3 = 0,
      before4 = 0,
      before5 = 0,
      before6 = 0,
      before7 = 0,
    ] = paddings.map(([before]) => before);
    // The JavaScript kernel takes a negative zero for zero.
    const pattern = value === 0 ? 0 : patternOf(value, x.dtype);
    backend.run('PadV2', [x], [y], {
      before0,
      before1,
      before2,
      before3,
      before4,
      before5,
      before6,
      before7,
      pattern,
    });
    return y;
  },
};

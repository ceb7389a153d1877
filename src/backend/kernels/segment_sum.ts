/** Rows added up by segment: the gradient of gathering them. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeKernels } from './kernel';

export const segmentSum: NativeKernels = {
  UnsortedSegmentSum: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const ids = inputs.segmentIds as TensorInfo;
    const segments = attrs.numSegments as number;
    if (x.dtype !== 'float32' || ids.dtype !== 'int32') return undefined;
    const n = util.sizeFromShape(ids.shape);
    const inner = x.shape.slice(ids.shape.length);
    const run = util.sizeFromShape(inner);
    const y = backend.output([segments, ...inner], 'float32');
    const from = [
      { ...x, shape: [n, run] },
      { ...ids, shape: [n] },
    ];
    backend.run('UnsortedSegmentSum', from, [{ ...y, shape: [segments, run] }], {});
    return y;
  },
};

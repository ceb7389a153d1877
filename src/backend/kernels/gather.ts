/** Slices of a tensor by index. */
import { backend_util, type Tensor, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { TfjsNativeError } from '../../errors';
import { isNativeDType } from '../storage';
import type { NativeKernels } from './kernel';

export const gather: NativeKernels = {
  GatherV2: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const indices = inputs.indices as TensorInfo;
    if (!isNativeDType(x.dtype) || indices.dtype !== 'int32') return undefined;
    const axis = util.parseAxisParam(attrs.axis as number, x.shape)[0] as number;
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } =
      backend_util.segment_util.collectGatherOpShapeInfo(
        x as Tensor,
        indices as Tensor,
        axis,
        (attrs.batchDims as number | undefined) ?? 0,
      );
    if (batchSize === 0) return undefined;
    const n = util.sizeFromShape(indices.shape) / batchSize;
    const y = backend.output(outputShape, x.dtype);
    try {
      backend.run(
        'GatherV2',
        [
          { ...x, shape: [batchSize, outerSize, dimSize, sliceSize] },
          { ...indices, shape: [batchSize, n] },
        ],
        [{ ...y, shape: [batchSize, outerSize, n, sliceSize] }],
        {},
      );
    } catch (error) {
      // An index lies outside: the JavaScript kernel says which.
      if (error instanceof TfjsNativeError && error.code === 'KERNEL_FAILED') return undefined;
      throw error;
    }
    return y;
  },
};

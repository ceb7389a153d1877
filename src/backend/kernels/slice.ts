/** A box cut out of a tensor, and what is made of such cuts. */
import { backend_util, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../native-backend';
import { isNativeDType, type NativeDType } from '../storage';
import type { ComposedKernels, NativeKernels } from './kernel';

/** x from `begin` on, `size` of it; the result may be given another shape of as many elements. */
function cut(
  backend: NativeBackend,
  x: TensorInfo,
  begin: readonly number[],
  size: number[],
  shape: readonly number[] = size,
): TensorInfo {
  const y = backend.output(shape, x.dtype as NativeDType);
  const [begin0 = 0, begin1 = 0, begin2 = 0, begin3 = 0, begin4 = 0, begin5 = 0, begin6 = 0, begin7 = 0] =
    begin;
  backend.run('Slice', [x], [{ ...y, shape: size }], {
    begin0,
    begin1,
    begin2,
    begin3,
    begin4,
    begin5,
    begin6,
    begin7,
  });
  return y;
}

export const slice: NativeKernels = {
  Slice: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    if (!isNativeDType(x.dtype)) return undefined;
    const [begin, size] = slice_util.parseSliceParams(
      x as Parameters<typeof slice_util.parseSliceParams>[0],
      attrs.begin as number[],
      attrs.size as number[],
    ) as [number[], number[]];
    slice_util.assertParamsValid(x, begin, size);
    if (begin.some((b) => b < 0)) return undefined;
    return cut(backend, x, begin, size);
  },
};

export const slicing: ComposedKernels = {
  Unpack: ({ inputs, attrs, backend }) => {
    const value = inputs.value as TensorInfo;
    const rank = value.shape.length;
    const given = attrs.axis as number;
    const axis = given < 0 ? given + rank : given;
    if (!isNativeDType(value.dtype) || axis < 0 || axis >= rank) return undefined;
    const begin = new Array<number>(rank).fill(0);
    const size = value.shape.slice();
    size[axis] = 1;
    const shape = value.shape.filter((_, d) => d !== axis);
    return Array.from({ length: value.shape[axis] as number }, (_, i) => {
      begin[axis] = i;
      return cut(backend, value, begin, size, shape);
    });
  },
  SplitV: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    if (!isNativeDType(x.dtype)) return undefined;
    const axis = util.parseAxisParam(attrs.axis as number, x.shape)[0] as number;
    const sizes = backend_util.prepareSplitSize(
      x as Parameters<typeof backend_util.prepareSplitSize>[0],
      attrs.numOrSizeSplits as number | number[],
      axis,
    );
    const begin = new Array<number>(x.shape.length).fill(0);
    return sizes.map((length) => {
      const size = x.shape.slice();
      size[axis] = length;
      const part = cut(backend, x, begin, size);
      begin[axis] = (begin[axis] as number) + length;
      return part;
    });
  },
};

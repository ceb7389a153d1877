/** Tensors side by side along an axis, or along a new one. */
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../native-backend';
import { isNativeDType, type NativeDType } from '../storage';
import type { ComposedKernels, KernelCall, NativeKernels } from './kernel';

/** The inputs of a kernel that takes any number of them, if all have one native dtype. */
function list(call: KernelCall): TensorInfo[] | undefined {
  const tensors = call.inputs as unknown as TensorInfo[];
  const dtype = tensors[0]?.dtype;
  return dtype !== undefined && isNativeDType(dtype) && tensors.every((x) => x.dtype === dtype)
    ? tensors
    : undefined;
}

/** Lays the parts of each of `outer` rows side by side. */
function join(
  backend: NativeBackend,
  tensors: readonly TensorInfo[],
  outer: number,
  shape: readonly number[],
): TensorInfo {
  const y = backend.output(shape, (tensors[0] as TensorInfo).dtype as NativeDType);
  const rows = (x: TensorInfo) => ({ ...x, shape: [outer, util.sizeFromShape(x.shape) / outer] });
  backend.run('Concat', tensors.map(rows), [rows(y)], {});
  return y;
}

export const concat: NativeKernels = {
  Concat: (call) => {
    const tensors = list(call);
    if (tensors === undefined) return undefined;
    const { attrs, backend } = call;
    const shapes = tensors.map((x) => x.shape);
    const axis = util.parseAxisParam(attrs.axis as number, shapes[0] as number[])[0] as number;
    backend_util.assertParamsConsistent(shapes, axis);
    const shape = backend_util.computeOutShape(shapes, axis);
    const full = tensors.filter((x) => util.sizeFromShape(x.shape) > 0);
    const [only] = full;
    if (only === undefined) return backend.output(shape, (tensors[0] as TensorInfo).dtype as NativeDType);
    if (full.length === 1) return backend.alias(only, only.shape);
    return join(backend, full, util.sizeFromShape(shape.slice(0, axis)), shape);
  },
};

export const packing: ComposedKernels = {
  Pack: (call) => {
    const tensors = list(call);
    if (tensors === undefined) return undefined;
    const { attrs, backend } = call;
    const [first] = tensors as [TensorInfo];
    const given = attrs.axis as number;
    const rank = first.shape.length;
    const axis = given < 0 ? given + rank + 1 : given;
    if (axis < 0 || axis > rank) return undefined;
    for (const x of tensors) {
      util.assertShapesMatch(first.shape, x.shape, 'All tensors passed to stack must have matching shapes');
    }
    const shape = first.shape.slice();
    shape.splice(axis, 0, tensors.length);
    if (tensors.length === 1) return backend.alias(first, shape);
    const outer = util.sizeFromShape(shape.slice(0, axis));
    if (util.sizeFromShape(shape) === 0) return backend.output(shape, first.dtype as NativeDType);
    return join(backend, tensors, outer, shape);
  },
};

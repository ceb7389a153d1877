/** Reductions along any axes. */
import { backend_util, type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../native-backend';
import { isNativeDType, type NativeDType } from '../storage';
import type { KernelCall, NativeKernel, NativeKernels } from './kernel';

type Reduction = 'Sum' | 'Mean' | 'Prod' | 'Max' | 'Min' | 'Any' | 'All' | 'ArgMax' | 'ArgMin';

/** x seen as [outer, reduce, inner]: what the native ops reduce the middle of. */
type View = [outer: number, reduce: number, inner: number];

/** The steps that reduce `axes` of `shape`: each takes neighbouring axes away, the last ones first. */
function views(shape: readonly number[], axes: readonly number[]): View[] {
  const steps: View[] = [];
  let inner = 1;
  let axis = shape.length - 1;
  while (axis >= 0) {
    let reduce = 1;
    let kept = 1;
    // A dimension of one element is as good as reduced or kept.
    for (; axis >= 0 && (axes.includes(axis) || shape[axis] === 1); axis--) reduce *= shape[axis] as number;
    let outer = 1;
    for (let d = axis; d >= 0; d--) outer *= shape[d] as number;
    if (reduce > 1) steps.push([outer, reduce, inner]);
    for (; axis >= 0 && !axes.includes(axis); axis--) kept *= shape[axis] as number;
    inner *= kept;
  }
  // Nothing to reduce: the values pass through.
  return steps.length > 0 ? steps : [[1, 1, inner]];
}

function run(
  backend: NativeBackend,
  name: Reduction,
  x: TensorInfo,
  axes: readonly number[],
  shape: readonly number[],
  dtype: NativeDType,
): TensorInfo {
  const steps = views(x.shape, axes);
  let from = x;
  steps.forEach((view, i) => {
    const last = i === steps.length - 1;
    const to = backend.output(last ? shape : [view[0], view[2]], dtype);
    try {
      backend.run(name, [{ dataId: from.dataId, shape: view, dtype: from.dtype }], [to], {});
    } finally {
      if (from !== x) backend.disposeIntermediateTensorInfo(from);
    }
    from = to;
  });
  return from;
}

const isEmpty = (x: TensorInfo): boolean => x.shape.includes(0);

/** Which dtypes a reduction takes, and what it makes of them. */
type Results = Partial<Record<DataType, NativeDType>>;

function reduction(name: Reduction, axisOf: (call: KernelCall) => unknown, results: Results): NativeKernel {
  return (call) => {
    const { attrs, backend } = call;
    const x = call.inputs.x as TensorInfo;
    const dtype = results[x.dtype];
    if (dtype === undefined || isEmpty(x)) return undefined;
    const axes = util.parseAxisParam(axisOf(call) as number | number[], x.shape);
    const [reduced] = backend_util.computeOutAndReduceShapes(x.shape, axes);
    const shape = attrs.keepDims ? backend_util.expandShapeToKeepDim(reduced, axes) : reduced;
    return run(backend, name, x, axes, shape, dtype);
  };
}

const axis = ({ attrs }: KernelCall) => attrs.axis;
const same: Results = { float32: 'float32', int32: 'int32', bool: 'bool' };
const numbers: Results = { float32: 'float32', int32: 'int32' };

/** Along exactly one axis. */
function arg(name: 'ArgMax' | 'ArgMin'): NativeKernel {
  const kernel = reduction(name, axis, { float32: 'int32', int32: 'int32' });
  return (call) => {
    const { x } = call.inputs as { x: TensorInfo };
    return util.parseAxisParam(call.attrs.axis as number | number[], x.shape).length === 1
      ? kernel(call)
      : undefined;
  };
}

const product = reduction('Prod', axis, numbers);
/** In one step only: between two steps, products would be rounded to float32 or cut to 32 bits. */
const prod: NativeKernel = (call) => {
  const x = call.inputs.x as TensorInfo;
  const axes = util.parseAxisParam(call.attrs.axis as number | number[], x.shape);
  return views(x.shape, axes).length === 1 ? product(call) : undefined;
};

const mean = reduction('Mean', axis, { float32: 'float32' });

export const reduce: NativeKernels = {
  Sum: reduction('Sum', axis, numbers),
  Mean: (call) => {
    const x = call.inputs.x as TensorInfo;
    if (x.dtype === 'float32' || !isNativeDType(x.dtype) || isEmpty(x)) return mean(call);
    const { backend } = call;
    const floats = backend.output(x.shape, 'float32');
    backend.run('Cast', [x], [floats], {});
    try {
      return mean({ ...call, inputs: { x: floats } });
    } finally {
      backend.disposeIntermediateTensorInfo(floats);
    }
  },
  Prod: prod,
  Max: reduction('Max', ({ attrs }) => attrs.reductionIndices, same),
  Min: reduction('Min', axis, same),
  Any: reduction('Any', axis, { bool: 'bool' }),
  All: reduction('All', axis, { bool: 'bool' }),
  ArgMax: arg('ArgMax'),
  ArgMin: arg('ArgMin'),
};

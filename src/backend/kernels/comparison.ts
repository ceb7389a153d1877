/** Comparisons and logic on two tensors, broadcast; the result is bool. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { isNativeDType } from '../storage';
import { broadcastShape } from './broadcast';
import type { NativeKernel, NativeKernels } from './kernel';

const none = {};
const comparisons = ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'] as const;
const logic = ['LogicalAnd', 'LogicalOr'] as const;
type Comparison = (typeof comparisons)[number] | (typeof logic)[number];

function kernelOf(name: Comparison): NativeKernel {
  const onlyBool = (logic as readonly string[]).includes(name);
  return ({ inputs, backend }) => {
    const a = inputs.a as TensorInfo;
    const b = inputs.b as TensorInfo;
    const dtype = a.dtype;
    if (b.dtype !== dtype || !(onlyBool ? dtype === 'bool' : isNativeDType(dtype))) return undefined;
    const y = backend.output(broadcastShape(a.shape, b.shape), 'bool');
    backend.run(name, [a, b], [y], none);
    return y;
  };
}

export const comparison: NativeKernels = Object.fromEntries(
  [...comparisons, ...logic].map((name) => [name, kernelOf(name)]),
);

/** Tensors of one value. */
import { type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { isNativeDType, type NativeDType } from '../storage';
import type { NativeKernel, NativeKernels } from './kernel';

const four = new ArrayBuffer(4);
const integer = new Int32Array(four);
const views = { float32: new Float32Array(four), int32: integer, bool: new Uint8Array(four) } as const;

/** The bits that storing the value into a typed array of the dtype leaves. */
export function patternOf(value: number, dtype: NativeDType): number {
  integer[0] = 0;
  views[dtype][0] = value;
  return integer[0] as number;
}

function like(name: 'ZerosLike' | 'OnesLike'): NativeKernel {
  return ({ inputs, backend }) => {
    const x = inputs.x as TensorInfo;
    if (!isNativeDType(x.dtype)) return undefined;
    const y = backend.output(x.shape, x.dtype);
    backend.run(name, [], [y], {});
    return y;
  };
}

export const fill: NativeKernels = {
  ZerosLike: like('ZerosLike'),
  OnesLike: like('OnesLike'),
  Fill: ({ attrs, backend }) => {
    const value = attrs.value as number | string;
    const dtype = (attrs.dtype as DataType | undefined) || util.inferDtype(value);
    const shape = attrs.shape as number[];
    // Ranks end at 6 in TensorFlow.js, but nothing stops more here.
    if (!isNativeDType(dtype) || shape.length > 6) return undefined;
    const y = backend.output(shape, dtype);
    backend.run('Fill', [], [y], { pattern: patternOf(Number(value), dtype) });
    return y;
  },
};

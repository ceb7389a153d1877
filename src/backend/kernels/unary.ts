/** Ops on each element of one tensor. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { OpParams } from '../ops';
import type { NativeDType } from '../storage';
import type { KernelCall, NativeKernel, NativeKernels } from './kernel';

/** From dtype to dtype: float32 alone, float32 and int32, float32 to bool, bool alone. */
type Domain = 'float' | 'number' | 'test' | 'logical';

const domains = {
  Relu: 'number',
  Relu6: 'number',
  Elu: 'float',
  Selu: 'float',
  LeakyRelu: 'float',
  Sigmoid: 'float',
  Tanh: 'float',
  Softplus: 'float',
  Exp: 'float',
  Expm1: 'float',
  Log: 'float',
  Log1p: 'float',
  Sqrt: 'float',
  Rsqrt: 'float',
  Reciprocal: 'float',
  Square: 'number',
  Abs: 'number',
  Neg: 'number',
  Sign: 'number',
  Step: 'float',
  Floor: 'float',
  Ceil: 'float',
  Round: 'float',
  Erf: 'float',
  ClipByValue: 'number',
  IsNan: 'test',
  IsInf: 'test',
  IsFinite: 'test',
  LogicalNot: 'logical',
} as const satisfies Partial<Record<keyof OpParams, Domain>>;

type Unary = keyof typeof domains;

function kernelOf(name: Unary): NativeKernel {
  const domain: Domain = domains[name];
  const from = domain === 'logical' ? 'bool' : 'float32';
  const alsoFrom = domain === 'number' ? 'int32' : from;
  const to: NativeDType | undefined = domain === 'test' ? 'bool' : undefined;
  return ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const dtype = x.dtype;
    if (dtype !== from && dtype !== alsoFrom) return undefined;
    const y = backend.output(x.shape, to ?? dtype);
    // TensorFlow.js names its attributes as the native op its parameters.
    backend.run(name, [x], [y], attrs as unknown as OpParams[Unary]);
    return y;
  };
}

const clipByValue = kernelOf('ClipByValue');

export const unary: NativeKernels = {
  ...(Object.fromEntries(
    (Object.keys(domains) as Unary[]).map((name) => [name, kernelOf(name)]),
  ) as NativeKernels),
  ClipByValue: (call: KernelCall) => {
    // An int32 is clipped to a fraction and then truncated: not worth native code.
    if ((call.inputs.x as TensorInfo).dtype === 'int32' && !hasWholeLimits(call)) return undefined;
    return clipByValue(call);
  },
};

function hasWholeLimits({ attrs }: KernelCall): boolean {
  return isWholeFloat(attrs.clipValueMin as number) && isWholeFloat(attrs.clipValueMax as number);
}

/** A whole number that float32 holds exactly. */
function isWholeFloat(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= 2 ** 24;
}

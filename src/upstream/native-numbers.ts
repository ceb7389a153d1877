/** Numbers of native kernels for whatever backend is set: what `setSeed` rules is the same on all. */
import {
  type DataType,
  engine,
  findBackend,
  getKernel,
  type NamedAttrMap,
  type Tensor,
  type TensorInfo,
  tensor,
} from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend/native-backend';
import { isSeeded } from '../backend/seed';

/** Whether native kernels make random numbers: on other backends where these are seeded. */
export const drawsNatively = (): boolean => engine().backendName === 'native' || isSeeded();

/**
 * What a native kernel of at most one input makes.
 * @param input the values of its input x, which has the result's shape
 */
export function nativeNumbers(
  name: string,
  shape: number[],
  dtype: DataType,
  attrs: NamedAttrMap,
  input?: Float32Array,
): Float32Array | Int32Array {
  const native = findBackend('native') as NativeBackend;
  const run = getKernel(name, 'native')?.kernelFunc as (call: object) => TensorInfo;
  const x = input && { dataId: native.write(input, shape, dtype), shape, dtype };
  const made = run({ inputs: x ? { x } : {}, backend: native, attrs });
  try {
    return (native.readSync(made.dataId) as Float32Array | Int32Array).slice();
  } finally {
    for (const each of [made, x]) if (each) native.disposeData(each.dataId);
  }
}

/** The same as a tensor of the backend that is set. */
export function nativeTensor(name: string, shape: number[], dtype: DataType, attrs: NamedAttrMap): Tensor {
  if (engine().backendName === 'native') return engine().runKernel(name, {}, attrs) as Tensor;
  return tensor(nativeNumbers(name, shape, dtype, attrs), shape, dtype as 'float32');
}

/** Numbers of native kernels for whatever backend is set: what `setSeed` rules is the same on all. */
import {
  type DataType,
  engine,
  findBackend,
  getKernel,
  type KernelBackend,
  type NamedAttrMap,
  type Tensor,
  type TensorInfo,
  tensor,
} from '@tensorflow/tfjs-core';
import { isSeeded } from '../backend/seed';

/** Whether native kernels make random numbers: on other backends where these are seeded. */
export const drawsNatively = (): boolean => engine().backendName === 'native' || isSeeded();

/** A backend that takes values: `write` is not in upstream's type. */
export type WritableBackend = KernelBackend & {
  write(values: Values['values'], shape: number[], dtype: DataType): object;
};

/** A tensor of no backend. */
interface Values {
  readonly values: ReturnType<KernelBackend['readSync']>;
  readonly shape: number[];
  readonly dtype: DataType;
}

/**
 * Runs a kernel of the backend `native`, whatever backend is set.
 * @param take what is made of each result; its values are gone afterwards
 */
export function runNatively<T>(
  name: string,
  inputs: Readonly<Record<string, Values>>,
  attrs: NamedAttrMap | undefined,
  take: (result: Values) => T,
): T[] {
  const native = findBackend('native') as WritableBackend;
  const run = getKernel(name, 'native')?.kernelFunc as (call: object) => TensorInfo | TensorInfo[];
  const held: TensorInfo[] = [];
  try {
    const infos = Object.entries(inputs).map(([key, { values, shape, dtype }]) => {
      const info = { dataId: native.write(values, shape, dtype), shape, dtype };
      held.push(info);
      return [key, info] as const;
    });
    const made = [run({ inputs: Object.fromEntries(infos), attrs, backend: native })].flat();
    held.push(...made);
    return made.map(({ dataId, shape, dtype }) => take({ values: native.readSync(dataId), shape, dtype }));
  } finally {
    for (const { dataId } of held) native.disposeData(dataId);
  }
}

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
  const inputs = input ? { x: { values: input, shape, dtype } } : {};
  const copy = ({ values }: Values) => (values as Float32Array | Int32Array).slice();
  return runNatively(name, inputs, attrs, copy)[0] as Float32Array | Int32Array;
}

/** The same as a tensor of the backend that is set. */
export function nativeTensor(name: string, shape: number[], dtype: DataType, attrs: NamedAttrMap): Tensor {
  if (engine().backendName === 'native') return engine().runKernel(name, {}, attrs) as Tensor;
  return tensor(nativeNumbers(name, shape, dtype, attrs), shape, dtype as 'float32');
}

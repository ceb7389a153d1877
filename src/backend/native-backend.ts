/** The TensorFlow.js `KernelBackend` named `native`. */
import { type backend_util, type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { TensorData } from '@tensorflow/tfjs-backend-cpu/dist/backend_cpu';
import { addon } from '../binding';
import { nativeError } from '../errors';
import type { OpName, OpParams } from './ops';
import { dtypeCodes, isNativeDType, type NativeDType, TensorStorage } from './storage';

const opIndex = new Map(addon.ops.map((op, index) => [op.name, { index, params: op.params }]));
const frame = addon.frame;

/**
 * Runs native kernels on pooled memory. It extends the `cpu` backend, so that every kernel that is not native
 * yet runs through the JavaScript one.
 */
export class NativeBackend extends MathBackendCPU {
  override write(values: backend_util.BackendValues, _shape: number[], dtype: DataType): object {
    return this.#add(new TensorStorage(dtype, values));
  }

  override move(
    dataId: object,
    values: backend_util.BackendValues,
    _shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    const storage = new TensorStorage(dtype, values);
    storage.refCount = refCount;
    this.data.set(dataId, storage as TensorData<DataType>);
  }

  override disposeData(dataId: object, force = false): boolean {
    const storage = this.data.has(dataId) ? this.storage(dataId) : undefined;
    const gone = super.disposeData(dataId, force);
    if (gone) storage?.release();
    return gone;
  }

  storage(dataId: object): TensorStorage {
    return this.data.get(dataId) as unknown as TensorStorage;
  }

  /** A new tensor with uninitialised values, for a native kernel to fill. */
  output(shape: readonly number[], dtype: NativeDType): TensorInfo {
    const storage = TensorStorage.allocate(util.sizeFromShape(shape as number[]), dtype);
    return { dataId: this.#add(storage), shape: shape as number[], dtype };
  }

  /** The same data under another shape. */
  alias(x: TensorInfo, shape: readonly number[]): TensorInfo {
    this.incRef(x.dataId);
    return { dataId: x.dataId, shape: shape as number[], dtype: x.dtype };
  }

  /**
   * Runs an op of `native/ops.def`.
   * @param inputs tensors of a native dtype; undefined for an optional one that is absent
   * @param outputs made by {@link output}
   * @param params every parameter that the op's line in `native/core/params.h` names
   */
  run<Name extends OpName>(
    name: Name,
    inputs: readonly (TensorInfo | undefined)[],
    outputs: readonly TensorInfo[],
    params: OpParams[Name],
  ): void {
    const op = opIndex.get(name) as { index: number; params: readonly string[] };
    // Addresses first: taking one may make the array move, and allocates.
    frame[0] = op.index;
    frame[1] = inputs.length;
    frame[2] = outputs.length;
    let at = 3;
    for (const tensor of inputs) at = this.#put(tensor, at);
    for (const tensor of outputs) at = this.#put(tensor, at);
    const values = params as Readonly<Record<string, number>>;
    for (const param of op.params) frame[at++] = values[param] as number;
    const failure = addon.run();
    if (failure !== undefined) throw nativeError('KERNEL_FAILED', name, failure);
  }

  #put(tensor: TensorInfo | undefined, at: number): number {
    if (tensor === undefined) {
      frame[at] = frame[at + 1] = frame[at + 2] = 0;
      return at + 3;
    }
    const { shape } = tensor;
    frame[at] = this.storage(tensor.dataId).address;
    frame[at + 1] = dtypeCodes[tensor.dtype as NativeDType];
    frame[at + 2] = shape.length;
    at += 3;
    for (let i = 0; i < shape.length; i++) frame[at++] = shape[i] as number;
    return at;
  }

  #add(storage: TensorStorage): object {
    const dataId = {};
    this.data.set(dataId, storage as TensorData<DataType>);
    return dataId;
  }
}

/** Whether a native kernel can read all of these (complex and string tensors stay with JavaScript). */
export function allNative(tensors: readonly TensorInfo[]): boolean {
  return tensors.every((tensor) => isNativeDType(tensor.dtype));
}

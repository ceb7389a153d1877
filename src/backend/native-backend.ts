/** The TensorFlow.js `KernelBackend` named `native`. */
import {
  backend_util,
  type DataType,
  type NamedTensorInfoMap,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { TensorData } from '@tensorflow/tfjs-backend-cpu/dist/backend_cpu';
import { addon } from '../binding';
import { nativeError } from '../errors';
import { BufferPool } from './buffer-pool';
import { CheckedStorage } from './checked-storage';
import type { OpName, OpParams } from './ops';
import { dtypeCodes, type NativeDType, type ScaledBytes, TensorStorage } from './storage';

const opIndex = new Map(addon.ops.map((op, index) => [op.name, { index, params: op.params }]));
const frame = addon.frame;

/** Whether the loaded addon has an op. */
export function hasOp(name: string): boolean {
  return opIndex.has(name);
}

/** As in native/core/tensor.h. */
const maxRank = 8;
/** What native/binding takes, less a few outputs. */
const maxInputs = 240;

/** The number of elements. */
function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const length of shape) {
    if (!(length >= 0 && Number.isSafeInteger(length))) throw nativeError('SHAPE_INVALID', shape);
    size *= length;
  }
  return size;
}

/**
 * Runs native kernels on pooled memory. It extends the `cpu` backend, so that every kernel that is not native
 * yet runs through the JavaScript one.
 */
export class NativeBackend extends MathBackendCPU {
  override data = new CheckedStorage<TensorData<DataType>>(this);
  readonly #pool = new BufferPool();

  override write(values: backend_util.BackendValues, _shape: number[], dtype: DataType): object {
    return this.#add(new TensorStorage(dtype, values));
  }

  override move(
    dataId: object,
    values: backend_util.BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    const storage = new TensorStorage(dtype, dtype === 'complex64' ? undefined : values);
    storage.refCount = refCount;
    if (dtype === 'complex64') {
      // Which `cpu` leaves out: a complex tensor made on another backend would have no parts here.
      const { real, imag } = backend_util.splitRealAndImagArrays(values as Float32Array);
      storage.complexTensorInfos = {
        real: this.makeTensorInfo(shape, 'float32', real),
        imag: this.makeTensorInfo(shape, 'float32', imag),
      };
    }
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

  /**
   * A new tensor with uninitialised values, for a native kernel to fill.
   * @throws TfjsNativeError SHAPE_INVALID, OUT_OF_MEMORY
   */
  output(shape: readonly number[], dtype: NativeDType): TensorInfo {
    const size = sizeOf(shape);
    let storage: TensorStorage;
    try {
      storage = TensorStorage.allocate(this.#pool, size, dtype);
    } catch (error) {
      throw nativeError('OUT_OF_MEMORY', shape, dtype, size * util.bytesPerElement(dtype), error);
    }
    return { dataId: this.#add(storage), shape: shape as number[], dtype };
  }

  /**
   * A float32 tensor of bytes / divisor, which takes a quarter of the memory of its values until an op asks for them;
   * compiled training never does. The array is kept, not copied.
   */
  fromBytes(scaled: ScaledBytes, shape: readonly number[]): TensorInfo {
    return { dataId: this.#add(TensorStorage.ofBytes(scaled)), shape: shape as number[], dtype: 'float32' };
  }

  /** Gives a float32 tensor new values, which `write` writes to an address when somebody asks for them. */
  defer(dataId: object, bytes: number, write: (address: number) => void): void {
    this.storage(dataId).defer(this.#pool, bytes, write);
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
    try {
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
    } catch (error) {
      for (const output of outputs) this.disposeData(output.dataId);
      throw error;
    }
  }

  #put(tensor: TensorInfo | undefined, at: number): number {
    if (tensor === undefined) {
      frame[at] = frame[at + 1] = frame[at + 2] = 0;
      return at + 3;
    }
    const { shape } = tensor;
    if (shape.length > maxRank) {
      throw nativeError('INVALID_ARGUMENT', 'The rank of a tensor', shape.length, `at most ${maxRank}`);
    }
    const dtype = tensor.dtype as NativeDType;
    const start = at;
    let size = 1;
    at += 3;
    for (let i = 0; i < shape.length; i++) {
      const length = shape[i] as number;
      size *= length;
      frame[at++] = length;
    }
    frame[start] = this.storage(tensor.dataId).addressOf(size, dtype);
    frame[start + 1] = dtypeCodes[dtype];
    frame[start + 2] = shape.length;
    return at;
  }

  #add(storage: TensorStorage): object {
    const dataId = {};
    this.data.set(dataId, storage as TensorData<DataType>);
    return dataId;
  }
}

/**
 * Whether a frame can hold the inputs of a kernel: what is larger (hundreds of tensors, nine dimensions) is rare,
 * and stays with JavaScript.
 */
export function fitsFrame(inputs: NamedTensorInfoMap): boolean {
  let count = 0;
  for (const name in inputs) {
    if (++count > maxInputs || (inputs[name]?.shape.length ?? 0) > maxRank) return false;
  }
  return true;
}

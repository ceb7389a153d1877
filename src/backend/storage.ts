/** Where tensors keep their values: pooled native memory, or an array that came from outside. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { addon } from '../binding';
import { nativeError } from '../errors';
import type { Block, BufferPool } from './buffer-pool';

/** The dtypes that native kernels compute with, and their codes in the frame (`DType` in native/core/tensor.h). */
export const dtypeCodes = { float32: 0, int32: 1, bool: 2 } as const;
export type NativeDType = keyof typeof dtypeCodes;
type NativeArray = Float32Array | Int32Array | Uint8Array;

export function isNativeDType(dtype: DataType): dtype is NativeDType {
  return dtype in dtypeCodes;
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Whether it is a typed array of that kind, from whichever realm (vm context, test runner). */
function isArrayOf(dtype: NativeDType, values: unknown): values is NativeArray {
  const array = arrays[dtype];
  return values instanceof array || (ArrayBuffer.isView(values) && tagOf(values) === array.name);
}

function tagOf(values: ArrayBufferView): string {
  return (values as unknown as { [Symbol.toStringTag]: string })[Symbol.toStringTag];
}

/** Values that are whole numbers from 0 to 255, divided by the same number each: pixels. */
export interface ScaledBytes {
  readonly bytes: Uint8Array;
  readonly divisor: number;
}

/**
 * The data of one tensor, with the fields of the `cpu` backend's `TensorData`, whose kernels run on it.
 *
 * Values are either in a pooled block, which only native kernels see, or in an array that JavaScript sees. Reading
 * `values` moves them from the first to the second: an array that the user or a JavaScript kernel may keep, change,
 * slice or transfer never shares memory with the pool, and is the tensor's own, as on the `cpu` backend.
 */
export class TensorStorage {
  refCount = 1;
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  #values: unknown;
  #block: Block | undefined;
  // Runs that read the memory from another thread now.
  #readers = 0;
  // Of the array in #values; 0 while not asked for.
  #address = 0;
  #scaled: ScaledBytes | undefined;
  #deferred: ((address: number) => void) | undefined;
  #casts: Partial<Record<NativeDType, NativeArray>> | undefined;

  /** Uninitialised memory of the pool for `length` elements. */
  static allocate(pool: BufferPool, length: number, dtype: NativeDType): TensorStorage {
    if (length === 0) return new TensorStorage(dtype, new arrays[dtype](0));
    const storage = new TensorStorage(dtype, undefined);
    storage.#block = pool.take(length * arrays[dtype].BYTES_PER_ELEMENT);
    return storage;
  }

  /** Float32 values that are kept as bytes until somebody asks for them. */
  static ofBytes(scaled: ScaledBytes): TensorStorage {
    const storage = new TensorStorage('float32', undefined);
    storage.#scaled = scaled;
    return storage;
  }

  /** The bytes that the values are made of, while they are only that. */
  get scaledBytes(): ScaledBytes | undefined {
    return this.#scaled;
  }

  /** @param values an array of the user's or of a JavaScript kernel: kept, not copied, as upstream does. */
  constructor(
    readonly dtype: DataType,
    values: unknown,
  ) {
    this.#values = values;
  }

  get values(): unknown {
    this.settle();
    if (this.#scaled !== undefined) this.#unpack(this.#scaled);
    const block = this.#block;
    if (block !== undefined) {
      const { buffer, byteOffset, length } = block.bytes;
      const array = arrays[this.dtype as NativeDType];
      this.#values = new array(buffer, byteOffset, length / array.BYTES_PER_ELEMENT).slice();
      this.#block = undefined;
      this.#giveBack(block);
    }
    return this.#values;
  }

  /**
   * Where `length` values of a dtype are, for a native kernel; 0 for an empty tensor. Holds until `values` is read
   * or the storage released.
   * @throws TfjsNativeError BUFFER_DETACHED when the array has fewer values than that
   */
  addressOf(length: number, dtype: NativeDType): number {
    if (dtype !== this.dtype) return this.#addressOfCast(length, dtype);
    this.settle();
    if (this.#scaled !== undefined) this.#unpack(this.#scaled);
    // A block is made for its tensor, and never longer nor shorter.
    if (this.#block !== undefined) return this.#block.address;
    let values = this.#values;
    if (!isArrayOf(dtype, values)) {
      // A list, or what a JavaScript kernel filled that does not care for types.
      values = arrays[dtype].from(values as ArrayLike<number>);
      this.#values = values;
      this.#address = 0;
    }
    const array = values as NativeArray;
    if (array.length < length) throw nativeError('BUFFER_DETACHED');
    if (this.#address === 0 && length > 0) this.#address = addon.addressOf(array);
    return this.#address;
  }

  #unpack({ bytes, divisor }: ScaledBytes): void {
    const table = Float32Array.from({ length: 256 }, (_, byte) => byte / divisor);
    this.#values = Float32Array.from(bytes, (byte) => table[byte] as number);
    this.#scaled = undefined;
  }

  /** The JavaScript kernel Cast gives a tensor of another dtype the same data where no precision is lost. */
  #addressOfCast(length: number, dtype: NativeDType): number {
    const values = this.values as ArrayLike<number>;
    if (values.length < length) throw nativeError('BUFFER_DETACHED');
    this.#casts ??= {};
    const cast = this.#casts[dtype] ?? new arrays[dtype](values.length);
    this.#casts[dtype] = cast;
    // Again each time: the user's array may have changed.
    cast.set(values);
    return length > 0 ? addon.addressOf(cast) : 0;
  }

  /**
   * Gives the tensor new values, all of them, which are only written when somebody asks for them. An array that was
   * handed out keeps the old ones.
   * @param write writes them to an address
   */
  defer(pool: BufferPool, bytes: number, write: (address: number) => void): void {
    if (this.#block === undefined) {
      this.#scaled = undefined;
      this.#block = pool.take(bytes);
      this.#values = undefined;
      this.#address = 0;
      this.#casts = undefined;
    }
    this.#deferred = write;
  }

  /** Writes what was deferred. */
  settle(): void {
    if (this.#deferred === undefined) return;
    const write = this.#deferred;
    this.#deferred = undefined;
    write((this.#block as Block).address);
  }

  /**
   * What holds the memory of `addressOf`, for a thread that reads it: whatever happens to the tensor, this memory is not
   * used for anything else before `endReading`.
   */
  beginReading(): unknown {
    this.#readers++;
    return this.#block ?? this.#scaled ?? this.#casts ?? this.#values;
  }

  endReading(): void {
    this.#readers--;
  }

  #giveBack(block: Block): void {
    // Else it is left to the garbage collector.
    if (this.#readers === 0) block.pool.give(block);
  }

  /** Gives the memory back; the storage must not be used afterwards. */
  release(): void {
    if (this.#block !== undefined) this.#giveBack(this.#block);
    this.#block = undefined;
    this.#values = undefined;
    this.#scaled = undefined;
    this.#deferred = undefined;
  }
}

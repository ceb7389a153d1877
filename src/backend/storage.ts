/** Where tensors keep their values: pooled native memory, or an array that came from outside. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { addon } from '../binding';
import { nativeError } from '../errors';

/** The dtypes that native kernels compute with, and their codes in the frame (`DType` in native/core/tensor.h). */
export const dtypeCodes = { float32: 0, int32: 1, bool: 2 } as const;
export type NativeDType = keyof typeof dtypeCodes;
type NativeArray = Float32Array | Int32Array | Uint8Array;

export function isNativeDType(dtype: DataType): dtype is NativeDType {
  return dtype in dtypeCodes;
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** A piece of native memory. It is never reused once its buffer was seen outside (`shared`). */
interface Block {
  readonly buffer: ArrayBuffer;
  readonly address: number;
  shared: boolean;
}

/** Free blocks by size. A training step asks for the same sizes again and again, so sizes are matched exactly. */
class BufferPool {
  readonly #free = new Map<number, Block[]>();
  #freeBytes = 0;
  #liveBytes = 0;

  take(bytes: number): Block {
    this.#liveBytes += bytes;
    const block = this.#free.get(bytes)?.pop();
    if (block) {
      this.#freeBytes -= bytes;
      return block;
    }
    const buffer = addon.allocate(bytes);
    return { buffer, address: addon.frame[0] as number, shared: false };
  }

  give(block: Block): void {
    const bytes = block.buffer.byteLength;
    this.#liveBytes -= bytes;
    if (block.shared) return;
    // As much may lie free as is in use, so that a shrinking program gives its memory back.
    if (this.#freeBytes + bytes > Math.max(this.#liveBytes, minimumKept)) this.#shrink();
    const list = this.#free.get(bytes);
    if (list) list.push(block);
    else this.#free.set(bytes, [block]);
    this.#freeBytes += bytes;
  }

  /** Drops all free blocks: the garbage collector returns them. */
  #shrink(): void {
    this.#free.clear();
    this.#freeBytes = 0;
  }
}

const minimumKept = 64 * 1024 * 1024;
const pool = new BufferPool();

/**
 * The data of one tensor. Has the fields of the `cpu` backend's `TensorData`, whose kernels run on it: reading
 * `values` hands the array out, after which its memory is never reused for another tensor.
 */
export class TensorStorage {
  refCount = 1;
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  #values: unknown;
  #block: Block | undefined;
  #address = 0;

  /** Uninitialised pooled memory for `length` elements. */
  static allocate(length: number, dtype: NativeDType): TensorStorage {
    const storage = new TensorStorage(dtype, undefined);
    if (length > 0) {
      const block = pool.take(length * arrays[dtype].BYTES_PER_ELEMENT);
      storage.#block = block;
      storage.#address = block.address;
    } else {
      storage.#values = new arrays[dtype](0);
    }
    return storage;
  }

  /** @param values an array of the user's or of a JavaScript kernel: kept, not copied, as upstream does. */
  constructor(
    readonly dtype: DataType,
    values: unknown,
  ) {
    this.#values = values;
  }

  get values(): unknown {
    if (this.#values === undefined && this.#block !== undefined) {
      this.#block.shared = true;
      this.#values = new arrays[this.dtype as NativeDType](this.#block.buffer);
    }
    return this.#values;
  }

  /** Where the values are, for a native kernel; 0 for an empty tensor. */
  get address(): number {
    if (this.#block !== undefined) return this.#address;
    let values = this.#values as NativeArray;
    const array = arrays[this.dtype as NativeDType];
    if (!(values instanceof array)) {
      // From another realm, or a JavaScript kernel that filled an array of another type.
      values = array.from(values as ArrayLike<number>);
      this.#values = values;
      this.#address = 0;
    }
    if (this.#address === 0) {
      this.#address = values.length > 0 ? addon.addressOf(values) : 0;
    } else if (values.byteLength === 0) {
      throw nativeError('BUFFER_DETACHED');
    }
    return this.#address;
  }

  /** Gives the memory back; the storage must not be used afterwards. */
  release(): void {
    if (this.#block !== undefined) pool.give(this.#block);
    this.#block = undefined;
    this.#values = undefined;
  }
}

/**
 * What a backend keeps its tensors' data in: on the dataId itself, as upstream's WeakMap takes longer than a small
 * kernel, and with a clear error for tensors that the engine does not know, where upstream's is "Cannot read
 * properties of undefined".
 */
import { DataStorage, engine, type KernelBackend } from '@tensorflow/tfjs-core';
import { nativeError } from '../errors';

type DataId = Record<symbol, unknown>;

export class CheckedStorage<Data> extends DataStorage<Data> {
  readonly #slot = Symbol('data');
  readonly #backend: KernelBackend;
  #count = 0;

  constructor(backend: KernelBackend) {
    super(backend, engine());
    this.#backend = backend;
  }

  /**
   * Moves data of other backends here.
   * @throws TfjsNativeError TENSOR_UNKNOWN for data that no backend has
   */
  override get(dataId: object): Data {
    const data = (dataId as DataId)[this.#slot];
    if (data !== undefined) return data as Data;
    if (!engine().state.tensorInfo.has(dataId)) throw nativeError('TENSOR_UNKNOWN');
    engine().moveData(this.#backend, dataId);
    return (dataId as DataId)[this.#slot] as Data;
  }

  override set(dataId: object, value: Data): void {
    this.#count++;
    (dataId as DataId)[this.#slot] = value;
  }

  override has(dataId: object): boolean {
    return (dataId as DataId)[this.#slot] !== undefined;
  }

  override delete(dataId: object): boolean {
    if (!this.has(dataId)) return false;
    this.#count--;
    (dataId as DataId)[this.#slot] = undefined;
    return true;
  }

  override numDataIds(): number {
    return this.#count;
  }
}

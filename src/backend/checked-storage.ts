/** A clear error for tensors that the engine does not know, where upstream's is "Cannot read properties of undefined". */
import { DataStorage, engine, type KernelBackend } from '@tensorflow/tfjs-core';
import { nativeError } from '../errors';

/**
 * What a backend keeps its tensors' data in: data of other backends is moved here when it is asked for.
 * @throws TfjsNativeError TENSOR_UNKNOWN, from its `get`, for data that no backend has
 */
export function checkedStorage<Data>(backend: KernelBackend): DataStorage<Data> {
  return new DataStorage<Data>(backend, {
    moveData(target, dataId) {
      if (!engine().state.tensorInfo.has(dataId)) throw nativeError('TENSOR_UNKNOWN');
      engine().moveData(target, dataId);
    },
  });
}

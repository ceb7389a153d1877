/**
 * Keeps the model's variables and the plan's memory in step. The plan's memory holds weights while steps run; after
 * each run the variables get them. Whoever changes a variable in between (`setWeights`, `assign`, another model's
 * training) gives it another data id, or another writer, by which the plan notices and reads it again.
 */
import { engine, type Variable } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { NativeBackend } from '../backend/native-backend';
import { addon } from '../binding';

/** A tensor and where its values are in the plan's memory. */
export interface Mirror {
  readonly variable: Variable;
  readonly address: number;
  readonly bytes: number;
}

/** The memory that last wrote a variable's data. */
const writers = new WeakMap<object, object>();

/** The TensorFlow.js variable behind a layer's. */
export function variableOf(variable: LayerVariable): Variable {
  return (variable as unknown as { val: Variable }).val;
}

function backend(): NativeBackend {
  return engine().backend as NativeBackend;
}

/** Reads those variables into the plan's memory that it did not write itself. */
export function pull(mirrors: readonly Mirror[], owner: object): void {
  const pieces: number[] = [];
  for (const { variable, address, bytes } of mirrors) {
    if (writers.get(variable.dataId) === owner) continue;
    pieces.push(backend().storage(variable.dataId).addressOf(bytes / 4, 'float32'), address, bytes);
    writers.set(variable.dataId, owner);
  }
  if (pieces.length > 0) addon.copy(Float64Array.from(pieces));
}

/** Writes the plan's memory into the variables. Arrays that were read from them before keep their values. */
export function push(mirrors: readonly Mirror[], owner: object): void {
  const pieces: number[] = [];
  for (const { variable, address, bytes } of mirrors) {
    if (backend().refCount(variable.dataId) > 1) {
      // A clone shares the data, and keeps it.
      const fresh = engine().makeTensorFromTensorInfo(backend().output(variable.shape, 'float32'));
      variable.assign(fresh);
      fresh.dispose();
    }
    pieces.push(address, backend().renewedAddress(variable.dataId, bytes), bytes);
    writers.set(variable.dataId, owner);
  }
  if (pieces.length > 0) addon.copy(Float64Array.from(pieces));
}

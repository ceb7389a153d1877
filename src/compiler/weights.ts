/**
 * Keeps the model's variables and the plan's memory in step. The plan's memory holds weights while steps run; after
 * each run the variables have them. Whoever changes a variable in between (`setWeights`, `assign`, another model's
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
  /** What owns that memory: values that are still to be written from there outlive the plan. */
  readonly memory: Uint8Array;
  /** The variable's data when both had the same values last. */
  dataId?: object;
}

/** The mirror that read or wrote a variable's data last. */
const owners = new WeakMap<object, Mirror>();

/** Whether nobody else has changed the variable since. */
function isOwn(mirror: Mirror): boolean {
  const { dataId } = mirror.variable;
  return dataId === mirror.dataId && owners.get(dataId) === mirror;
}

function own(mirror: Mirror): void {
  mirror.dataId = mirror.variable.dataId;
  owners.set(mirror.dataId, mirror);
}

/** The TensorFlow.js variable behind a layer's. */
export function variableOf(variable: LayerVariable): Variable {
  return (variable as unknown as { val: Variable }).val;
}

/** Where plans have their tensors, also while another backend is the current one. */
export function backend(): NativeBackend {
  return engine().findBackend('native') as NativeBackend;
}

/** Reads those variables into the plan's memory that others have changed. */
export function pull(mirrors: readonly Mirror[]): void {
  const pieces: number[] = [];
  for (const mirror of mirrors) {
    if (isOwn(mirror)) continue;
    const { variable, address, bytes } = mirror;
    pieces.push(
      backend()
        .storage(variable.dataId)
        .addressOf(bytes / 4, 'float32'),
      address,
      bytes,
    );
    own(mirror);
  }
  if (pieces.length > 0) addon.copy(Float64Array.from(pieces));
}

/** What writes a mirror's values, when somebody asks for them. */
const writes = new WeakMap<Mirror, (address: number) => void>();

function writeOf(mirror: Mirror): (address: number) => void {
  let write = writes.get(mirror);
  if (write === undefined) {
    write = (to) => addon.copy(Float64Array.of(mirror.address, to, mirror.bytes));
    writes.set(mirror, write);
  }
  return write;
}

/**
 * Gives the variables the values in the plan's memory, which are copied when somebody asks for them, or by `settle`.
 * Arrays and clones that were made of them before keep their values.
 */
export function push(mirrors: readonly Mirror[]): void {
  for (const mirror of mirrors) {
    const { variable, bytes } = mirror;
    // Somebody gave it a value while steps ran, which counts from the next one on.
    if (!isOwn(mirror)) continue;
    if (backend().refCount(variable.dataId) > 1) {
      // A clone shares the data, and keeps it.
      const fresh = engine().makeTensorFromTensorInfo(backend().output(variable.shape, 'float32'), backend());
      variable.assign(fresh);
      fresh.dispose();
    }
    backend().defer(variable.dataId, bytes, writeOf(mirror));
    own(mirror);
  }
}

/**
 * Copies what `push` has given, before the plan's memory changes.
 * @param shared only to variables that share their data with clones
 */
export function settle(mirrors: readonly Mirror[], shared = false): void {
  for (const { variable } of mirrors) {
    if (!shared || backend().refCount(variable.dataId) > 1) backend().storage(variable.dataId).settle();
  }
}

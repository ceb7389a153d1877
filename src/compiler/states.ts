/** The states of stateful layers, in a plan's memory while steps run and in tensors between them. */
import { engine, keep } from '@tensorflow/tfjs-core';
import { addon } from '../binding';
import type { State } from './tape';
import { backend } from './weights';

/** Whether all states are of batches of this size. */
export function statesFit(states: readonly State[], batch: number): boolean {
  return states.every(({ layer, index }) => layer.states_[index]?.shape[0] === batch);
}

/** @param arena the address of the plan's memory */
export function readStates(states: readonly State[], arena: number): void {
  for (const { layer, index, value } of states) {
    const tensor = layer.states_[index] as State['layer']['states_'][0];
    const from = backend().storage(tensor.dataId).addressOf(tensor.size, 'float32');
    addon.copy(Float64Array.of(from, arena + (value.memory.offset as number), tensor.size * 4));
  }
}

/** Gives layers the states that the last step has left, in tensors of their own. */
export function writeStates(states: readonly State[], arena: number): void {
  for (const { layer, index, value } of states) {
    const before = layer.states_[index] as State['layer']['states_'][0];
    const info = backend().output(before.shape, 'float32');
    const tensor = keep(engine().makeTensorFromTensorInfo(info, backend()));
    const to = backend().storage(tensor.dataId).addressOf(tensor.size, 'float32');
    addon.copy(Float64Array.of(arena + (value.memory.offset as number), to, tensor.size * 4));
    layer.states_[index] = tensor;
    before.dispose();
  }
}

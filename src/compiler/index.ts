/** Compiles the training steps of models. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { SessionData, TrainSession } from './session';

/** Undefined if the model cannot be compiled: it then trains eagerly. */
export function openSession(
  _model: LayersModel,
  _data: SessionData,
  _batchSize: number,
): TrainSession | undefined {
  return undefined;
}

/** Stopping a fit from outside. */
import { nativeError } from '../errors';
import type { TrainedModel } from './fit-model';

const signals = new WeakMap<TrainedModel, AbortSignal>();

/**
 * Remembers the signal of the fit that a model is about to run, if it has one.
 * @throws TfjsNativeError INVALID_ARGUMENT if it is no AbortSignal
 */
export function rememberSignal(model: TrainedModel, signal: unknown): void {
  signals.delete(model);
  if (signal == null) return;
  if (!isSignal(signal)) throw nativeError('INVALID_ARGUMENT', 'signal', signal, 'an AbortSignal');
  signals.set(model, signal);
}

/** Any realm's, or a polyfill. */
function isSignal(value: unknown): value is AbortSignal {
  const signal = value as Partial<AbortSignal>;
  return typeof signal.aborted === 'boolean' && typeof signal.addEventListener === 'function';
}

/** While `run` runs, the abort of the model's signal sets `stopTraining`; then the signal is forgotten. */
export async function whileStoppable<T>(
  model: TrainedModel,
  run: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const signal = signals.get(model);
  signals.delete(model);
  const stop = (): void => {
    model.stopTraining = true;
  };
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  try {
    return await run(signal);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

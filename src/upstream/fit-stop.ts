/** Stopping a fit: by a signal, or by `model.stopTraining`. */
import { LayersModel } from '@tensorflow/tfjs-layers';
import { nativeError } from '../errors';
import type { TrainedModel } from './fit-model';

const signals = new WeakMap<object, AbortSignal>();
/** Of the models whose steps run now. */
const runs = new WeakMap<object, AbortController>();

const accessor = Object.getOwnPropertyDescriptor(LayersModel.prototype, 'stopTraining') as {
  set(stop: boolean): void;
};
Object.defineProperty(LayersModel.prototype, 'stopTraining', {
  ...accessor,
  set(this: LayersModel, stop: boolean) {
    accessor.set.call(this, stop);
    if (stop) runs.get(this)?.abort();
  },
});

/** Runs several steps, with a signal of whether `model.stopTraining` was set meanwhile. */
export async function untilStopped<T>(
  model: TrainedModel,
  run: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  // A vm context may have none: it then stops when the run ends by itself.
  if (typeof AbortController === 'undefined') return run(undefined);
  const controller = new AbortController();
  runs.set(model, controller);
  try {
    return await run(controller.signal);
  } finally {
    runs.delete(model);
  }
}

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

/** While `fit` runs, the abort of the model's signal sets `stopTraining`; then the signal is forgotten. */
export async function whileStoppable<T>(
  model: TrainedModel,
  fit: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const signal = signals.get(model);
  signals.delete(model);
  const stop = (): void => {
    model.stopTraining = true;
  };
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  try {
    return await fit(signal);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

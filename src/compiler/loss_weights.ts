/** Weights of the losses of a model's outputs, which TensorFlow.js's `compile` does not know of. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { nativeError } from '../errors';

const weightsOf = new WeakMap<LayersModel, readonly number[]>();

/** One for each output. */
export function lossWeights(model: LayersModel): readonly number[] {
  return weightsOf.get(model) ?? model.outputs.map(() => 1);
}

/**
 * Takes note of what `compile` was given.
 * @throws TfjsNativeError INVALID_ARGUMENT
 */
export function setLossWeights(model: LayersModel, given: unknown): readonly number[] {
  const names = model.outputNames;
  const accepted = `a finite number for each of the outputs ${names.join(', ')}`;
  const refused = () => nativeError('INVALID_ARGUMENT', 'lossWeights', JSON.stringify(given), accepted);
  if (given == null) {
    weightsOf.delete(model);
    return lossWeights(model);
  }
  if (typeof given !== 'object') throw refused();
  if (!Array.isArray(given) && Object.keys(given).some((name) => !names.includes(name))) throw refused();
  const weights = Array.isArray(given)
    ? (given as unknown[])
    : names.map((name) => (given as Record<string, unknown>)[name] ?? 1);
  if (weights.length !== names.length || weights.some((weight) => !Number.isFinite(weight))) throw refused();
  weightsOf.set(model, weights as number[]);
  return weights as number[];
}

/** Makes models by name. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type ModelOptions, mnistCnn } from './mnist-cnn';
import { checkModelName, type ModelName } from './names';

const builders: Record<ModelName, (options: ModelOptions) => LayersModel> = { 'mnist-cnn': mnistCnn };

/**
 * Makes a new, compiled model.
 * @param name one of `modelNames`
 * @throws TfjsNativeError INVALID_ARGUMENT, listing the names, if there is no such model
 */
export function buildModel(name: string, options: ModelOptions = {}): LayersModel {
  checkModelName(name);
  return builders[name](options);
}

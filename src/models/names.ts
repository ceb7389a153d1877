/** The names of the models: a module of its own, so that the CLI knows them without loading TensorFlow.js. */
import { nativeError } from '../errors';

/** The models that {@link buildModel} makes. */
export const modelNames = ['mnist-cnn'] as const;
export type ModelName = (typeof modelNames)[number];

/** @throws TfjsNativeError INVALID_ARGUMENT, listing the names, if there is no such model */
export function checkModelName(name: string): asserts name is ModelName {
  if (!(modelNames as readonly string[]).includes(name)) {
    throw nativeError('INVALID_ARGUMENT', 'model', name, `one of: ${modelNames.join(', ')}`);
  }
}

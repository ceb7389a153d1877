/** `tfjs-native/models`: the models that are known by name. */
import '../index';

export { buildModel } from './build';
export { type ModelOptions, mnistCnn } from './mnist-cnn';
export { type ModelName, modelNames } from './names';

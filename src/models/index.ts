/** `tfjs-native/models`: the models that are known by name. */
import '../index';

export { buildModel, type ModelOptions, mnistCnn } from './build';
export { type Compiled, compileModel } from './compile';
export { type ModelName, modelNames } from './names';

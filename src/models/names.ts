/**
 * The networks by name, and what they can be trained with: a module of its own, so that the CLI knows them without
 * loading TensorFlow.js.
 */
import { nativeError } from '../errors';

/** Convolutions with relu, then a max-pooling of 2. */
export interface Block {
  /** Filters of each convolution of 3 x 3. */
  readonly filters: readonly number[];
  /** Default `valid`. */
  readonly padding?: 'same' | 'valid';
}

/** Blocks of convolutions, dense layers with relu, and a dense softmax over the classes. */
export interface Architecture {
  readonly blocks: readonly Block[];
  /** Units of each dense layer before the last one. */
  readonly dense: readonly number[];
}

const twoConvolutions: readonly Block[] = [{ filters: [32] }, { filters: [64] }];

const table = {
  'mnist-cnn': { blocks: twoConvolutions, dense: [] },
  'mnist-cnn-onehot': { blocks: twoConvolutions, dense: [] },
  'mnist-cnn-dense128': { blocks: twoConvolutions, dense: [128] },
  'mnist-cnn-augmented': { blocks: twoConvolutions, dense: [128] },
  'mnist-mlp': { blocks: [], dense: [128] },
  'mnist-best': {
    blocks: [{ filters: [32] }, { filters: [64] }, { filters: [128], padding: 'same' }],
    dense: [128],
  },
  'fashion-cnn': { blocks: twoConvolutions, dense: [128] },
  'cifar10-cnn': {
    blocks: [
      { filters: [32, 32], padding: 'same' },
      { filters: [64, 64], padding: 'same' },
      { filters: [128, 128], padding: 'same' },
    ],
    dense: [128],
  },
} as const satisfies Record<string, Architecture>;

/** The name of a model, and of the recipe that trains it. */
export type ModelName = keyof typeof table;

/** What each named model is made of. */
export const architectures: Readonly<Record<ModelName, Architecture>> = table;

/** The models that `buildModel` makes. */
export const modelNames = Object.keys(table) as ModelName[];

/** What a named model may be trained with. */
export const optimizerNames = ['adam', 'sgd', 'rmsprop', 'adagrad', 'adadelta'] as const;
export type OptimizerName = (typeof optimizerNames)[number];

/** @throws TfjsNativeError INVALID_ARGUMENT, listing the names, if there is no such model */
export function checkModelName(name: string): asserts name is ModelName {
  if (!(modelNames as readonly string[]).includes(name))
    throw nativeError('INVALID_ARGUMENT', 'model', name, `one of: ${modelNames.join(', ')}`);
}

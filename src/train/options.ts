/** What training takes: a module without TensorFlow.js, so that the CLI can tell the options at once. */
import { isDeepStrictEqual } from 'node:util';
import type { ImageSets } from '../data/dataset';
import {
  type Augmentation,
  type ColorMode,
  colorModes,
  fillModes,
  type LabelFormat,
  labelFormats,
  type Normalization,
  normalizations,
} from '../data/names';
import { nativeError } from '../errors';
import { type OptimizerName, optimizerNames } from '../models/names';
import type { TrainEvent } from './events';
import {
  byte,
  choice,
  innerPart,
  type Kind,
  nonNegative,
  onOff,
  part,
  positive,
  seed,
  text,
  whole,
} from './kinds';
import { type ScheduleName, scheduleNames } from './schedule';

/** What of training a recipe tells, and what is kept of it with the model: plain values. */
export interface Settings {
  /** Times that all training images are gone through, 1 or more. Default 5. */
  readonly epochs?: number;
  /** Images per step, from 1 to all. Default 32. */
  readonly batch?: number;
  /** The optimizer's, above 0; the highest one of a schedule. Default 0.001. */
  readonly learningRate?: number;
  /** Seeds all that is random: whole number from 0 to 2^53 - 1. Default 1. */
  readonly seed?: number;
  /** Default `adam`. */
  readonly optimizer?: OptimizerName;
  /** Of `sgd` and `rmsprop`, from 0 to below 1. Default 0. */
  readonly momentum?: number;
  /** The learning rate over time. Default `constant`. */
  readonly schedule?: ScheduleName;
  /** Epochs in which the learning rate grows from 0. Default 0. */
  readonly warmup?: number;
  /** Of `step`: epochs of each rate; of `plateau`: epochs without a better validation loss. Default 2. */
  readonly scheduleEpochs?: number;
  /** Of `step` and `plateau`: what the rate is multiplied by then. Default 0.5. */
  readonly scheduleFactor?: number;
  /** Stops after so many epochs without a better validation loss; the model is that of the best epoch. Default: never. */
  readonly earlyStopping?: number | undefined;
  /** Brings each number of a gradient within plus and minus this. Default: not at all. */
  readonly clipValue?: number | undefined;
  /** Scales each gradient down to this norm. Default: not at all. */
  readonly clipNorm?: number | undefined;
  /** Scales all gradients together down to this norm. Default: not at all. */
  readonly globalClipNorm?: number | undefined;
  /** The part of the training images, the last ones, that is held out for validation. Default 0.1. */
  readonly validationSplit?: number;
  /** Instead, a ratio of random stratified parts, such as `8:1:1` (see `SplitOptions`). */
  readonly split?: string | undefined;
  /** Default `sparse`. */
  readonly labels?: LabelFormat;
  /** Spreads this part of one-hot labels over all classes, from 0 to below 1. Default 0. */
  readonly labelSmoothing?: number;
  /** Of image files: the height and width that they are scaled to. Default: all have to be alike. */
  readonly imageSize?: number | undefined;
  /** Of image files. Default: as they are, all alike. */
  readonly color?: ColorMode | undefined;
  /** Of pixels. Default `unit`. */
  readonly normalize?: Normalization;
  /** Penalties of absolute values and of squares of the weights. Default 0. */
  readonly l1?: number;
  readonly l2?: number;
  /** The part that is dropped before each dense layer, from 0 to below 1. Default 0. */
  readonly dropout?: number;
  /** Batch normalisation before each relu. Default false. */
  readonly batchNorm?: boolean;
  /** Gives each class the same say in the loss. Default false. */
  readonly balancedWeights?: boolean;
  /** Draws images of each class equally often. Default false. */
  readonly balancedSampling?: boolean;
  /** Random changes of the training images. Default: none. */
  readonly augmentation?: Augmentation;
}

/** Where a run is kept, and who is told of it. */
export interface ControlOptions {
  /** Where the model is saved; what is there is replaced. */
  readonly out?: string | undefined;
  /** Goes on with the training in `out` that was stopped, as if it had not been; more `epochs` may be asked for. Default false. */
  readonly resume?: boolean | undefined;
  /** Within an epoch, what it takes to go on is saved when so many seconds have passed since it was. Default 60. */
  readonly checkpointSeconds?: number | undefined;
  /** Stops after the current step and saves what was trained. */
  readonly signal?: AbortSignal | undefined;
  /** Told of everything that happens. */
  readonly onEvent?: ((event: TrainEvent) => void) | undefined;
}

/** Default of `out`: `models/` and the model's name. */
export interface TrainOptions extends Settings, ControlOptions {
  /** The name of a model and its recipe. Default `mnist-cnn`. */
  readonly model?: string | undefined;
  /** What `loadData` takes, or data in memory. Default: what the recipe is for. */
  readonly data?: string | ImageSets | undefined;
}

/** The defaults of {@link Settings}, where a recipe has no other. */
export const settingDefaults = {
  epochs: 5,
  batch: 32,
  learningRate: 1e-3,
  seed: 1,
  optimizer: 'adam',
  momentum: 0,
  schedule: 'constant',
  warmup: 0,
  scheduleEpochs: 2,
  scheduleFactor: 0.5,
  validationSplit: 0.1,
  labels: 'sparse',
  labelSmoothing: 0,
  normalize: 'unit',
  l1: 0,
  l2: 0,
  dropout: 0,
  batchNorm: false,
  balancedWeights: false,
  balancedSampling: false,
  augmentation: {},
} as const satisfies Settings;

export const defaultModel = 'mnist-cnn';

/** The folder that a model is saved in where no other is named. */
export const defaultOut = (model: string): string => `models/${model}`;

/** Settings of a network and of its pixels, which fine-tuning takes from the model. */
export const architectureSettings = ['l1', 'l2', 'dropout', 'batchNorm', 'normalize'] as const;

/** Of fine-tuning. */
export const finetuneDefaults = { epochs: 3, learningRate: 1e-4 } as const satisfies Settings;

/** The folder that a fine-tuned model is saved in where no other is named. */
export const finetuneOut = (folder: string): string => `${folder.replace(/[/\\]+$/, '')}-finetuned`;

/** One option: what it accepts, and how it is called in an error and on the command line. */
export interface OptionOf {
  readonly kind: Kind;
  readonly flag: string;
  readonly help: string;
}

const option = (flag: string, kind: Kind, help: string): OptionOf => ({ flag, kind, help });

/** Each setting: its flag, what is accepted, what it does. */
export const settingOptions: Readonly<Record<Exclude<keyof Settings, 'augmentation'>, OptionOf>> = {
  epochs: option('epochs', whole(1), 'times to go through the training images'),
  batch: option('batch', whole(1), 'images per step'),
  learningRate: option('lr', positive, "the optimizer's learning rate; the highest one of a schedule"),
  seed: option('seed', seed, 'of all that is random'),
  optimizer: option('optimizer', choice(optimizerNames), 'how weights are updated'),
  momentum: option('momentum', part, 'of sgd and rmsprop'),
  schedule: option('schedule', choice(scheduleNames), 'the learning rate over time'),
  warmup: option('warmup', nonNegative, 'epochs in which the learning rate grows from 0'),
  scheduleEpochs: option(
    'schedule-epochs',
    whole(1),
    'of step: epochs of each rate; of plateau: its patience',
  ),
  scheduleFactor: option('schedule-factor', innerPart, 'of step and plateau: what the rate is multiplied by'),
  earlyStopping: option(
    'early-stopping',
    whole(1),
    'stop after so many epochs without a better validation loss, and keep the best',
  ),
  clipValue: option('clip-value', positive, 'brings each number of a gradient within plus and minus this'),
  clipNorm: option('clip-norm', positive, 'scales each gradient down to this norm'),
  globalClipNorm: option('global-clip-norm', positive, 'scales all gradients together down to this norm'),
  validationSplit: option(
    'validation-split',
    innerPart,
    'part of the training images held out, the last ones',
  ),
  split: option(
    'split',
    text('<ratio>', 'two or three numbers above 0, such as 8:1:1'),
    'ratio of random stratified parts instead: 9:1 training and validation, 8:1:1 also test',
  ),
  labels: option('labels', choice(labelFormats), 'labels and loss: categorical cross-entropy, sparse or not'),
  labelSmoothing: option('label-smoothing', part, 'part of one-hot labels that is spread over all classes'),
  imageSize: option('image-size', whole(1), 'height and width that image files are scaled to'),
  color: option('color', choice(colorModes), 'what image files are made: grey or RGB'),
  normalize: option('normalize', choice(normalizations), 'pixels to [0, 1], or to mean 0 and deviation 1'),
  l1: option('l1', nonNegative, "penalty of the weights' absolute values"),
  l2: option('l2', nonNegative, "penalty of the weights' squares"),
  dropout: option('dropout', part, 'part that is dropped before each dense layer'),
  batchNorm: option('batch-norm', onOff, 'batch normalisation before each relu'),
  balancedWeights: option('balanced-weights', onOff, 'gives each class the same say in the loss'),
  balancedSampling: option('balanced-sampling', onOff, 'draws images of each class equally often'),
};

/** Each kind of augmentation. */
export const augmentationOptions: Readonly<Record<keyof Augmentation, OptionOf>> = {
  rotationRange: option('rotation-range', nonNegative, 'turns images by up to so many degrees'),
  zoomRange: option('zoom-range', part, 'scales width and height by 1 - x to 1 + x'),
  widthShiftRange: option(
    'width-shift-range',
    nonNegative,
    'shifts by this part of the width, or pixels from 1 on',
  ),
  heightShiftRange: option('height-shift-range', nonNegative, 'the same of the height'),
  shearRange: option('shear-range', nonNegative, 'shears by up to so many degrees'),
  horizontalFlip: option('horizontal-flip', onOff, 'mirrors every other image left and right'),
  verticalFlip: option('vertical-flip', onOff, 'mirrors every other image up and down'),
  brightnessRange: option('brightness-range', part, 'multiplies pixels by 1 - x to 1 + x'),
  cropPadding: option('crop-padding', whole(0), 'shifts by up to so many whole pixels, filled with --cval'),
  contrastRange: option('contrast-range', part, 'multiplies the distance from the mean by 1 - x to 1 + x'),
  noise: option('noise', nonNegative, 'adds noise of this deviation, where 1 is from black to white'),
  cutout: option('cutout', whole(0), 'fills a square of so many pixels with --cval'),
  elastic: option('elastic', nonNegative, 'moves places smoothly by up to so many pixels'),
  fillMode: option('fill-mode', choice(fillModes), 'what lies beyond the border (default: nearest)'),
  cval: option('cval', byte, 'what is filled in (default: 0)'),
};

export const checkpointOption = option(
  'checkpoint-seconds',
  nonNegative,
  'what --resume needs is saved that often, beside after every epoch (default: 60)',
);

/** All settings of one training. */
export type FullSettings = Settings & Required<Pick<Settings, keyof typeof settingDefaults>>;

/** {@link ControlOptions} with their defaults. */
export interface Control extends Pick<ControlOptions, 'signal' | 'onEvent'> {
  readonly out: string;
  readonly resume: boolean;
  readonly checkpointSeconds: number;
}

/** Checks values by their table. */
function check(values: object, table: Readonly<Record<string, OptionOf>>): void {
  for (const [name, value] of Object.entries(values)) {
    const { kind } = table[name] ?? {};
    if (kind === undefined)
      throw nativeError('INVALID_ARGUMENT', 'option', name, `one of: ${Object.keys(table).join(', ')}`);
    if (!kind.accepts(value)) throw nativeError('INVALID_ARGUMENT', name, value, kind.accepted);
  }
}

const given = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;

/**
 * Parts options.
 * @param usual where to save by default
 * @throws TfjsNativeError INVALID_ARGUMENT naming the option, its value and what is accepted
 */
export function controlOf<T extends ControlOptions>(
  { out, resume = false, checkpointSeconds = 60, signal, onEvent, ...rest }: T,
  usual: string,
): { control: Control; rest: Omit<T, keyof ControlOptions> } {
  check({ checkpointSeconds }, { checkpointSeconds: checkpointOption });
  return { control: { out: out ?? usual, resume, checkpointSeconds, signal, onEvent }, rest };
}

/**
 * The settings of a recipe with what is overridden.
 * @throws TfjsNativeError INVALID_ARGUMENT naming the option, its value and what is accepted
 */
export function fullSettings(recipe: Settings, settings: Settings): FullSettings {
  const { augmentation, ...rest } = given(settings);
  check(rest, settingOptions);
  check(given(augmentation ?? {}), augmentationOptions);
  const changes = { ...recipe.augmentation, ...given(augmentation ?? {}) };
  // What is asked for takes the place of what the recipe has instead: the other kind of split, labels that can be smoothed.
  const replaced: Settings = {
    ...(rest.validationSplit !== undefined && { split: undefined }),
    ...(rest.labels === 'sparse' && { labelSmoothing: 0 }),
  };
  const full = { ...settingDefaults, ...given({ ...recipe, ...replaced }), ...rest, augmentation: changes };
  const { labels, labelSmoothing } = full;
  if (labelSmoothing > 0 && labels !== 'onehot')
    throw nativeError('INVALID_ARGUMENT', 'labelSmoothing', labelSmoothing, '0 unless labels is "onehot"');
  return full;
}

/**
 * The settings of a training that goes on: more epochs may be asked for, nothing else.
 * @param file its checkpoint, for the error
 * @throws TfjsNativeError CHECKPOINT_UNSUITABLE, telling the difference, where something else was asked for
 */
export function resumedSettings(before: FullSettings, asked: Settings, file: string): FullSettings {
  const { schedule } = before;
  for (const [name, value] of Object.entries(given(asked))) {
    const was = before[name as keyof Settings];
    // Rates over a whole training depend on its length.
    const open = name === 'epochs' && schedule !== 'cosine' && schedule !== 'one-cycle';
    if (open || isDeepStrictEqual(value, was)) continue;
    const difference = `${name} was ${JSON.stringify(was)} and is ${JSON.stringify(value)} now`;
    throw nativeError('CHECKPOINT_UNSUITABLE', file, difference);
  }
  return { ...before, epochs: asked.epochs ?? before.epochs };
}

/** `tfjs-native/train`: training and evaluating, as functions. */
import '../index';

export { type Evaluation, evaluate, evaluateModel } from './evaluate';
export type { EpochEvent, StartEvent, StepEvent, TrainEvent, WarningEvent } from './events';
export type { TrainOptions } from './options';
export { train, type TrainResult } from './train';

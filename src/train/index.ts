/** `tfjs-native/train`: training and evaluating, as functions. */
import '../index';

export { type Evaluation, evaluate, evaluateModel } from './evaluate';
export type { ClassFigures, ClassificationReport, Wrong } from './metrics';
export { classificationReport } from './metrics';
export type { BestEvent, EpochEvent, StartEvent, StepEvent, TrainEvent, WarningEvent } from './events';
export type { Settings, TrainOptions } from './options';
export { type Recipe, recipes } from './recipes';
export { train, type TrainResult } from './train';

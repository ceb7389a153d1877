/** `tfjs-native/train`: training and evaluating, as functions. */
import '../index';

export { type Evaluation, evaluate, evaluateModel } from './evaluate';
export type { ClassFigures, ClassificationReport, Wrong } from './metrics';
export { classificationReport } from './metrics';
export type {
  BestEvent,
  DownloadEvent,
  EpochEvent,
  StartEvent,
  StepEvent,
  TrainEvent,
  WarningEvent,
} from './events';
export { type BeforeAndAfter, finetune, type FinetuneOptions, type FinetuneResult } from './finetune';
export type { ControlOptions, Settings, TrainOptions } from './options';
export { type Recipe, recipes } from './recipes';
export type { TrainResult } from './session';
export { train } from './train';

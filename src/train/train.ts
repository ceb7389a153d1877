/** Trains a named model on images, with what it takes to lose nothing on the way. */
import { join } from 'node:path';
import { preprocessingFor } from '../data/preprocessing';
import { nativeError } from '../errors';
import { buildModel } from '../models/build';
import { checkModelName } from '../models/names';
import {
  controlOf,
  defaultModel,
  defaultOut,
  fullSettings,
  resumedSettings,
  type TrainOptions,
} from './options';
import { recipes } from './recipes';
import { lastFile } from './run';
import { checkpointOf, disposeModel, runSession, splitData, type TrainResult } from './session';

/**
 * Trains a model on images: a part of the training images is held out for validation, the others are shuffled in every
 * epoch, and the test images are evaluated at the end, for nothing but that figure.
 *
 * The model is saved with its optimizer's state after every epoch and when the signal stops the training, as
 * `model.json` and `weights.bin`, and beside it what it takes to go on (`last.safetensors`), the best epoch's weights
 * (`best.safetensors`), the epochs (`history.csv`, `history.jsonl`) and what was trained how (`run.json`). If that
 * fails, training goes on, the model is saved in a folder for temporary files instead, and the failure is thrown at the
 * end.
 * @throws TfjsNativeError INVALID_ARGUMENT, what `loadData` throws, OUTPUT_UNWRITABLE, CHECKPOINT_UNSUITABLE (all before
 *   any training), TRAINING_DIVERGED when the loss is no longer finite, SAVE_FAILED, EVALUATION_FAILED
 */
export async function train(options: TrainOptions = {}): Promise<TrainResult> {
  const began = performance.now();
  const { control, rest } = controlOf(options, defaultOut(options.model ?? defaultModel));
  const { model: askedModel, data: askedData, ...asked } = rest;
  const checkpoint = await checkpointOf(control);
  const before = checkpoint?.config;
  const name = askedModel ?? before?.model ?? defaultModel;
  checkModelName(name);
  const file = join(control.out, lastFile);
  const settings = before
    ? resumedSettings(before.settings, asked, file)
    : fullSettings(recipes[name].options, asked);
  const source = askedData ?? (before ? before.data.name : recipes[name].data);
  if (source === undefined) {
    const difference = 'it was trained on data of its own, which has to be named again (--data)';
    throw nativeError('CHECKPOINT_UNSUITABLE', file, difference);
  }
  const data = await splitData(source, settings, control);
  const { train: trained } = data.splits;
  const preprocessing = await preprocessingFor(trained, settings.normalize);
  const { height, width, channels, classes } = trained;
  const model = buildModel(name, { ...settings, inputShape: [height, width, channels], classes });
  try {
    const result = await runSession({ name, settings, control, data, preprocessing, checkpoint, model });
    return { ...result, seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    disposeModel(model);
    throw error;
  }
}

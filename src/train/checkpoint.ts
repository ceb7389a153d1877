/** What it takes to go on with a training as if it had not been stopped: one file, `last.safetensors`. */
import { type Optimizer, type Tensor, tensor, tidy, util, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { optimizerRules } from '../compiler/optimizers';
import { nativeError } from '../errors';
import { readSafeTensors, type TensorValues, writeSafeTensors } from '../io/safetensors';
import type { EpochEvent } from './events';
import type { RunConfig } from './run-config';
import type { Patience, Plateau } from './schedule';

/** How far a training is: plain values. */
export interface Progress {
  /** The epoch that is under way or next, from 0. */
  readonly epoch: number;
  /** Steps that were taken in it. */
  readonly step: number;
  /** Of the images of this epoch so far. */
  readonly sums: { readonly images: number; readonly loss: number; readonly correct: number };
  /** Steps that were taken in all. */
  readonly steps: number;
  /** For early stopping. */
  readonly stopping: Patience;
  readonly plateau: Plateau;
  /** The epoch of the lowest validation loss, from 1. */
  readonly bestEpoch: number | undefined;
  readonly history: readonly EpochEvent[];
}

export interface Checkpoint {
  readonly config: RunConfig;
  readonly progress: Progress;
  readonly tensors: Readonly<Record<string, TensorValues>>;
}

/** Of a checkpoint's contents: another number with each change of them. */
const format = '2';

const optimizerPrefix = 'optimizer/';
const modelPrefix = 'model/';

async function valuesOf(tensor: Tensor): Promise<TensorValues> {
  return { shape: tensor.shape, values: (await tensor.data()).slice() as TensorValues['values'] };
}

/** The model's weights, by their names in it. */
export async function weightsOf(model: LayersModel): Promise<Record<string, TensorValues>> {
  const entries = model.weights.map(async (weight) => [
    modelPrefix + weight.originalName,
    await valuesOf(weight.read()),
  ]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, TensorValues>;
}

/** What the optimizer's step takes beside its slots: upstream forgets the exact values in saving. */
function scalarsOf(optimizer: Optimizer) {
  const [, ruleOf] =
    optimizerRules.find(([{ prototype }]) => Object.getPrototypeOf(optimizer) === prototype) ?? [];
  return (ruleOf?.(optimizer).scalars ?? []).map(({ variable }, i): [string, Variable] => [
    `scalar${i}`,
    variable,
  ]);
}

async function optimizerState(optimizer: Optimizer): Promise<Record<string, TensorValues>> {
  const state: Record<string, TensorValues> = {};
  const [iterations, ...slots] = await optimizer.getWeights();
  for (const { name, tensor } of slots) state[optimizerPrefix + name] = await valuesOf(tensor);
  for (const [name, variable] of scalarsOf(optimizer))
    state[optimizerPrefix + name] = await valuesOf(variable);
  if (iterations) {
    state[optimizerPrefix + iterations.name] = await valuesOf(iterations.tensor);
    iterations.tensor.dispose();
  }
  return state;
}

/** All tensors of a training. */
export async function trainingTensors(model: LayersModel): Promise<Record<string, TensorValues>> {
  return { ...(await weightsOf(model)), ...(await optimizerState(model.optimizer)) };
}

/**
 * Gives a model the weights of its names.
 * @throws TfjsNativeError CHECKPOINT_UNSUITABLE if they are not those of this model
 */
export function restoreWeights(
  model: LayersModel,
  tensors: Readonly<Record<string, TensorValues>>,
  file: string,
): void {
  const names = new Set(Object.keys(tensors).filter((name) => name.startsWith(modelPrefix)));
  for (const { originalName: name, shape } of model.weights) {
    const found = tensors[modelPrefix + name];
    names.delete(modelPrefix + name);
    if (found === undefined) throw nativeError('CHECKPOINT_UNSUITABLE', file, `it has no weight ${name}`);
    if (!util.arraysEqual(found.shape as number[], shape as number[])) {
      const difference = `${name} is [${found.shape}] there and [${shape}] in the model`;
      throw nativeError('CHECKPOINT_UNSUITABLE', file, difference);
    }
  }
  const [surplus] = names;
  if (surplus !== undefined) {
    const difference = `it has the weight ${surplus.slice(modelPrefix.length)}, which the model has not`;
    throw nativeError('CHECKPOINT_UNSUITABLE', file, difference);
  }
  tidy(() => {
    model.setWeights(
      model.weights.map(({ originalName: name }) => {
        const { values, shape } = tensors[modelPrefix + name] as TensorValues;
        return tensor(values, shape as number[]);
      }),
    );
  });
}

/** Gives a model's optimizer the state that it had. */
export async function restoreOptimizer(
  { optimizer }: LayersModel,
  tensors: Readonly<Record<string, TensorValues>>,
): Promise<void> {
  const scalars = new Map(scalarsOf(optimizer));
  const state: { name: string; tensor: Tensor }[] = [];
  for (const [key, { values, shape }] of Object.entries(tensors)) {
    const name = key.slice(optimizerPrefix.length);
    if (!key.startsWith(optimizerPrefix) || scalars.has(name)) continue;
    const named = { name, tensor: tensor(values, shape as number[]) };
    if (name === 'iter') state.unshift(named);
    else state.push(named);
  }
  await optimizer.setWeights(state);
  for (const { tensor: made } of state) made.dispose();
  for (const [name, variable] of scalars) {
    const { values, shape } = tensors[optimizerPrefix + name] as TensorValues;
    tidy(() => variable.assign(tensor(values, shape as number[])));
  }
}

export async function writeCheckpoint(
  path: string,
  { config, progress, tensors }: Checkpoint,
): Promise<void> {
  const metadata = { format, config: JSON.stringify(config), progress: JSON.stringify(progress) };
  await writeSafeTensors(path, { tensors, metadata });
}

/** @throws TfjsNativeError DATA_FILE if there is none, or it is damaged or of another version */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readSafeTensors(path);
  const { config, progress } = metadata;
  if (config === undefined || progress === undefined)
    throw nativeError('DATA_FILE', path, 'is no checkpoint of a training');
  if (metadata['format'] !== format)
    throw nativeError('DATA_FILE', path, 'was written by another version of tfjs-native');
  return {
    config: JSON.parse(config) as RunConfig,
    progress: JSON.parse(progress) as Progress,
    tensors,
  };
}

/** Compiles the training steps of models. */
import { env, util } from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { isNativeDType } from '../backend/storage';
import { clippingOf } from './clipping';
import { fuse, type Steps } from './fuse';
import { lower, type Program } from './lower';
import { objectives } from './objective';
import { compilableRule, Plan } from './plan';
import type { Key } from './request';
import type { SessionData, TrainSession } from './session';
import { statesFit } from './states';
import { assumedShapes, type InputShapes, openShapes, trace, Uncompilable } from './trace';

export { settleOptimizer } from './plan';

/** What is known of a model since it was last compiled (`model.compile`). */
interface Known {
  /** By which a later `compile` is noticed. */
  readonly lossFunctions: unknown;
  readonly trained: unknown;
  /** Which of these are not frozen: `layer.trainable` may be set at any time. */
  readonly trainable: readonly boolean[];
  readonly optimizer: unknown;
  readonly clipping: unknown;
  /** What the data has told of the inputs' shapes. */
  readonly shapes: InputShapes | undefined;
  readonly steps: Steps | undefined;
  /** Why it cannot be compiled. */
  readonly failure: Uncompilable | undefined;
  /** For the first plan: placing its values in memory changes it. */
  program: Program | undefined;
  plan: Plan | undefined;
}

const knownModels = new WeakMap<LayersModel, Known>();

function compile(model: LayersModel, shapes: InputShapes | undefined): { steps: Steps; program: Program } {
  const steps = fuse(trace(model, shapes));
  compilableRule(model.optimizer);
  return { steps, program: lower(model, steps, objectives(model, steps.outputs)) };
}

function know(model: LayersModel, shapes: InputShapes | undefined): Known {
  const { lossFunctions, optimizer } = model;
  const { collectedTrainableWeights: trained } = model as unknown as {
    collectedTrainableWeights: readonly LayerVariable[];
  };
  const old = knownModels.get(model);
  if (
    old?.lossFunctions === lossFunctions &&
    old.trained === trained &&
    old.optimizer === optimizer &&
    old.clipping === clippingOf(optimizer) &&
    String(old.shapes) === String(shapes) &&
    trained.every((weight, i) => weight.trainable === old.trainable[i])
  )
    return old;
  old?.plan?.settle();
  let steps: Steps | undefined;
  let program: Program | undefined;
  let failure: Uncompilable | undefined;
  try {
    ({ steps, program } = compile(model, shapes));
  } catch (error) {
    if (!(error instanceof Uncompilable)) throw error;
    failure = error;
  }
  const trainable = trained.map((weight) => weight.trainable);
  const clipping = clippingOf(optimizer);
  const known = {
    lossFunctions,
    trained,
    trainable,
    optimizer,
    clipping,
    shapes,
    steps,
    failure,
    program,
    plan: undefined,
  };
  knownModels.set(model, known);
  return known;
}

/** What is known of how a model trains. */
export function inspect(model: LayersModel): {
  steps?: Steps;
  program?: Program;
  failure?: Uncompilable;
  /** Of the inputs, where lengths are left to the data. */
  shapes?: InputShapes;
} {
  // For a Sequential, the model that it delegates to has what `compile` leaves behind.
  const inner = (model as unknown as { model?: LayersModel }).model ?? model;
  const { failure, shapes } = know(inner, knownModels.get(inner)?.shapes ?? assumedShapes(inner));
  return failure ? { failure } : { ...compile(inner, shapes), ...(shapes && { shapes }) };
}

/** The model's plan for batches of this size. A larger one takes the place of a smaller one. */
function planFor(model: LayersModel, known: Known, batch: number): Plan {
  if (known.plan === undefined || known.plan.batch < batch) {
    known.plan?.settle();
    known.plan = new Plan(model, known.program ?? compile(model, known.shapes).program, batch);
    known.program = undefined;
  }
  return known.plan;
}

function fits({ inputs, targets, sampleWeights }: SessionData, { program }: Plan): boolean {
  if (sampleWeights.some((weights, i) => weights && !program.weightable[i])) return false;
  return [...inputs, ...targets, ...sampleWeights].every((tensor, i) => {
    if (tensor === undefined) return true;
    const { dims } = (program.inputs[i] as Program['inputs'][number]).value;
    return (
      isNativeDType(tensor.dtype) &&
      tensor.size === (tensor.shape[0] as number) * util.sizeFromShape([...dims])
    );
  });
}

/**
 * Undefined if the model cannot be compiled: it then trains eagerly.
 * @param words the key of the session's random numbers
 */
export function openSession(
  model: LayersModel,
  data: SessionData,
  batchSize: number,
  words: Key['words'],
): TrainSession | undefined {
  const known = know(model, openShapes(model, data.inputs));
  if (known.failure) {
    warnOnce(model, known.failure);
    return undefined;
  }
  // A batch of nothing is upstream's affair.
  if (data.inputs[0]?.shape[0] === 0) return undefined;
  const plan = planFor(model, known, batchSize);
  if (!fits(data, plan) || !statesFit(plan.program.tape.states, batchSize)) return undefined;
  let step = 0;
  return {
    async run(order, begin, end, size, maxSteps, signal) {
      const key: Key = { words, step };
      const rows = { order, begin, end, batchSize: size, maxSteps };
      const results = await plan.run(model, data, rows, key, signal);
      step += results.length;
      return results;
    },
    close() {},
  };
}

const warned = new WeakSet<LayersModel>();

function warnOnce(model: LayersModel, { message }: Uncompilable): void {
  if (warned.has(model) || env().getBool('IS_TEST')) return;
  warned.add(model);
  console.warn(`tfjs-native: the model ${model.name} trains op by op, not compiled: ${message}.`);
}

/** Compiled predictions and evaluations: forward passes, with the weights that the model's variables have. */
import { engine, type Tensor, util } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { isNativeDType } from '../backend/storage';
import { addon, type NativePlan, type PlanRun } from '../binding';
import { nativeError } from '../errors';
import { type Arena, makeArena } from './arena';
import { emit } from './emit';
import { fuse, type Steps } from './fuse';
import { lowerInference, type Program } from './lower';
import { type Layout, placeValues } from './memory';
import { objectives } from './objective';
import { encodeRequest, inOrder, refusalOf, sourceOf, storageOf } from './request';
import { schedule } from './schedule';
import { type InputShapes, isAltered, openShapes, trace, Uncompilable } from './trace';
import { backend, variableOf } from './weights';

/** Samples of a step: enough for all threads, while what large layers keep of them fits into `mostBytes`. */
const manySamples = 256;
const mostBytes = 64 * 1024 * 1024;

const noOptimizer = { op: 0, clip: [0, 0] as const, slots: [], values: [], scalars: [], iterations: 0 };

function rowsOf([first]: readonly Tensor[]): number {
  return first?.shape[0] ?? 0;
}

/** A forward pass, and memory for it. */
class InferencePlan {
  readonly #native: NativePlan;
  readonly #layout: Layout;
  /** Memory that no run uses. */
  readonly #free: Arena[] = [];

  /** Samples of a step. */
  readonly #batch: number;

  /**
   * @param asked samples of a step, at most
   * @param smallBatch the same where `asked` take much memory
   */
  constructor(
    readonly program: Program,
    readonly asked: number,
    smallBatch: number,
  ) {
    const segments = schedule(program.tape);
    let [batch, layout] = [asked, placeValues(program, segments, asked)];
    if (layout.arenaBytes > mostBytes && smallBatch < asked)
      [batch, layout] = [smallBatch, placeValues(program, segments, smallBatch)];
    this.#batch = batch;
    this.#layout = layout;
    this.#native = new addon.Plan(emit(program, segments, layout));
  }

  /** Whether data of these shapes and types can be read. */
  fits(data: readonly Tensor[]): boolean {
    const rows = rowsOf(data);
    return data.every(({ dtype, size, shape }, i) => {
      const { dims } = (this.program.inputs[i] as Program['inputs'][number]).value;
      return isNativeDType(dtype) && shape[0] === rows && size === rows * util.sizeFromShape([...dims]);
    });
  }

  /** @param copies whether weights are read from copies of them, which nobody changes meanwhile */
  #prepare(model: LayersModel, data: readonly Tensor[], copies: boolean) {
    const total = rowsOf(data);
    const steps = Math.ceil(total / this.#batch);
    const rows = { order: inOrder(total), begin: 0, end: total, batchSize: this.#batch, maxSteps: steps };
    const arena = this.#free.pop() ?? makeArena(this.#layout.arenaBytes);
    const { parameters } = this.program.tape;
    const addresses: number[] = [];
    const pieces: number[] = [];
    const weights = copies ? makeArena(this.#layout.weightsBytes) : undefined;
    for (const [i, { variable, value }] of parameters.entries()) {
      const tensor = variableOf(variable);
      if (tensor.isDisposed) throw nativeError('MODEL_DISPOSED', model.name);
      const from = storageOf(tensor).addressOf(tensor.size, 'float32');
      if (weights === undefined) addresses.push(from);
      else {
        const to = weights.address + (this.#layout.weightOffsets[i] as number) * 4;
        pieces.push(from, to, value.memory.bytes);
        addresses.push(to);
      }
    }
    if (pieces.length > 0) addon.copy(Float64Array.from(pieces));
    const infos = this.program.outputs.map(({ dims }) =>
      backend().output([total, ...dims.slice(1)], 'float32'),
    );
    const request = encodeRequest({
      arena: arena.address,
      rows,
      seconds: Number.POSITIVE_INFINITY,
      key: { words: [0, 0], step: 0 },
      sources: data.map(sourceOf),
      optimizer: noOptimizer,
      externals: addresses,
      outputs: infos.map(({ dataId, shape }) =>
        backend().storage(dataId).addressOf(util.sizeFromShape(shape), 'float32'),
      ),
    });
    const results = new Float64Array(steps * this.program.resultCount);
    const finish = ({ failedOp }: PlanRun): Outcome => {
      this.#free.push(arena);
      const outputs = infos.map((info) => engine().makeTensorFromTensorInfo(info, backend()));
      if (failedOp !== undefined) {
        for (const output of outputs) output.dispose();
        throw nativeError('KERNEL_FAILED', failedOp, refusalOf(failedOp));
      }
      return { outputs, means: this.#means(results, total) };
    };
    return { request, results, arena, weights, order: rows.order, infos, finish };
  }

  /** The means over all samples of what is the mean over those of a step. */
  #means(results: Float64Array, total: number): number[] {
    const columns = this.program.resultCount;
    const sums = new Array<number>(columns).fill(0);
    for (let at = 0, step = 0; at < total; at += this.#batch, step++) {
      const samples = Math.min(this.#batch, total - at);
      for (const column of sums.keys())
        sums[column] = (sums[column] as number) + (results[step * columns + column] as number) * samples;
    }
    return sums.map((sum) => sum / total);
  }

  run(model: LayersModel, data: readonly Tensor[]): Outcome {
    const { request, results, finish } = this.#prepare(model, data, false);
    return finish(this.#native.runSync(request, results));
  }

  /** The same on another thread. */
  async runAsync(model: LayersModel, data: readonly Tensor[]): Promise<Outcome> {
    const { request, results, arena, weights, order, infos, finish } = this.#prepare(model, data, true);
    const read = [...data.map(storageOf), ...infos.map(({ dataId }) => backend().storage(dataId))];
    const held = read.map((storage) => storage.beginReading());
    try {
      return finish(await this.#native.run(request, results, [arena.bytes, weights?.bytes, order, held]));
    } finally {
      for (const storage of read) storage.endReading();
    }
  }
}

/** What a forward pass gives. */
export interface Outcome {
  /** Of all samples. */
  readonly outputs: Tensor[];
  /** Losses and metrics, means over all samples. */
  readonly means: number[];
}

/** What is known of a model. */
interface Known {
  /** What the data has told of the inputs' shapes. */
  readonly shapes: InputShapes | undefined;
  readonly steps: Steps | undefined;
  predicting: InferencePlan | undefined;
  evaluating:
    | { readonly lossFunctions: unknown; readonly metrics: unknown; plan: InferencePlan | undefined }
    | undefined;
}

const knownModels = new WeakMap<LayersModel, Known>();

/** Undefined for what has no compiled form. */
function attempt<T>(compile: () => T): T | undefined {
  try {
    return compile();
  } catch (error) {
    if (error instanceof Uncompilable) return undefined;
    throw error;
  }
}

function know(model: LayersModel, data: readonly Tensor[]): Known {
  const shapes = openShapes(model, data);
  let known = knownModels.get(model);
  if (known === undefined || String(known.shapes) !== String(shapes)) {
    known = {
      shapes,
      steps: attempt(() => fuse(trace(model, shapes))),
      predicting: undefined,
      evaluating: undefined,
    };
    knownModels.set(model, known);
  }
  return known;
}

/** The steps of a model, unless a program has since replaced what one of its layers computes. */
function stepsOf({ steps }: Known): Steps | undefined {
  return steps?.steps.some(({ layers }) => layers.some(isAltered)) ? undefined : steps;
}

/** The plan for this data: the old one, or a new one for more samples. */
function planFor(
  old: InferencePlan | undefined,
  data: readonly Tensor[],
  batchSize: number,
  lower: () => Program,
): InferencePlan | undefined {
  const batch = Math.min(rowsOf(data), Math.max(manySamples, batchSize));
  if (old && old.asked >= batch) return old;
  return attempt(() => new InferencePlan(lower(), batch, batchSize));
}

/**
 * The compiled forward pass of a model, for these inputs; undefined if there is none.
 * @param batchSize samples that whoever asks has memory for
 */
export function openPrediction(
  model: LayersModel,
  inputs: readonly Tensor[],
  batchSize: number,
): Pass | undefined {
  const known = know(model, inputs);
  const steps = stepsOf(known);
  if (steps === undefined || rowsOf(inputs) === 0) return undefined;
  known.predicting = planFor(known.predicting, inputs, batchSize, () => {
    const program = lowerInference(steps);
    if (program.outputs.some(({ memory }) => memory.given))
      throw new Uncompilable('output', 'it is an input');
    return program;
  });
  return passOf(known.predicting, model, inputs);
}

/** The same for the losses and metrics that the model was compiled with; `data` are its inputs, then targets. */
export function openEvaluation(
  model: LayersModel,
  data: readonly Tensor[],
  batchSize: number,
): Pass | undefined {
  const known = know(model, data);
  const steps = stepsOf(known);
  if (steps === undefined || rowsOf(data) === 0) return undefined;
  const { lossFunctions, metricsTensors: metrics } = model as unknown as Record<string, unknown>;
  const old = known.evaluating;
  const same = old?.lossFunctions === lossFunctions && old?.metrics === metrics;
  const plan = planFor(same ? old?.plan : undefined, data, batchSize, () =>
    lowerInference(steps, objectives(model, steps.outputs)),
  );
  known.evaluating = { lossFunctions, metrics, plan };
  return passOf(plan, model, data);
}

/** A forward pass that is ready to run. */
export interface Pass {
  /** On this thread and others, before it returns. */
  run(): Outcome;
  /** On others. */
  runAsync(): Promise<Outcome>;
}

function passOf(
  plan: InferencePlan | undefined,
  model: LayersModel,
  data: readonly Tensor[],
): Pass | undefined {
  if (!plan?.fits(data)) return undefined;
  return { run: () => plan.run(model, data), runAsync: () => plan.runAsync(model, data) };
}

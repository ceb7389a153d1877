/** A model's compiled training step, with the memory that it runs in. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Optimizer, scalar, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { addon, type NativePlan, type PlanRun } from '../binding';
import { nativeError } from '../errors';
import { makeArena } from './arena';
import { encodeClipping } from './clipping';
import { emit, encodeOp } from './emit';
import type { Program } from './lower';
import { type Layout, placeValues } from './memory';
import { optimizerRules, type Rule, slotOf } from './optimizers';
import { recompute } from './recompute';
import { encodeRequest, type Key, refusalOf, type Rows, type Source, sourceOf, storageOf } from './request';
import { schedule } from './schedule';
import type { SessionData } from './session';
import { readStates, writeStates } from './states';
import { Uncompilable } from './trace';
import { type Mirror, pull, push, settle, variableOf } from './weights';

/** So that whoever awaits a run gets a turn this often, in seconds. */
const runSeconds = 0.03;
/**
 * Waking another thread and being woken costs some 40 microseconds, a third of the step of a small model. A single step
 * of less than this is taken on JavaScript's thread, which gets its turn every `turnMs`.
 */
const quickMs = 2;
const turnMs = 8;

/** The plans whose memory holds an optimizer's state. */
const holders = new WeakMap<Optimizer, Plan>();

/** Writes an optimizer's state into its variables, if a plan holds it: at once, or when the run that is under way ends. */
export function settleOptimizer(optimizer: Optimizer): Promise<void> | undefined {
  return holders.get(optimizer)?.settle();
}

/**
 * The optimizer's rule.
 * @throws Uncompilable for optimizers of the program's own
 */
export function compilableRule(optimizer: Optimizer): Rule {
  const own = optimizerRules.find(([{ prototype }]) => Object.getPrototypeOf(optimizer) === prototype);
  if (own === undefined) throw new Uncompilable('optimizer', 'it is of the program’s own class');
  const [, ruleOf] = own;
  return ruleOf(optimizer);
}

/** What the optimizer keeps, from where the plan works on it. */
interface State {
  readonly rule: Rule;
  readonly mirrors: readonly Mirror[];
}

export class Plan {
  readonly #native: NativePlan;
  readonly #layout: Layout;
  /** Weights, gradients, the batch's values and the optimizer's slots. */
  readonly #arena: Uint8Array;
  /** Of the arena's first aligned byte. */
  readonly #address: number;
  readonly #weights: readonly Mirror[];
  readonly #optimizer: Optimizer;
  /** Undefined while the optimizer's own variables hold its state. */
  #state: State | undefined;
  #running = false;
  /** What a sample took in the last run. */
  #rowMs = Number.POSITIVE_INFINITY;
  /** When the event loop had its last turn. */
  #yielded = 0;
  /** Whoever waits for the optimizer's state. */
  #waiting: (() => void)[] = [];

  /** @param batch the largest batch that it will run */
  constructor(
    model: LayersModel,
    readonly program: Program,
    readonly batch: number,
  ) {
    this.#optimizer = model.optimizer;
    const segments = recompute(program, schedule(program.tape));
    const layout = placeValues(program, segments, batch);
    const { slots } = compilableRule(this.#optimizer);
    this.#layout = layout;
    const arena = makeArena(layout.arenaBytes + slots.length * layout.trainedLength * 4);
    this.#arena = arena.bytes;
    this.#address = arena.address;
    this.#native = new addon.Plan(emit(program, segments, layout));
    this.#weights = program.tape.parameters.map(({ variable, value }, i) => ({
      variable: variableOf(variable),
      address: this.#address + layout.weightsOffset + (layout.weightOffsets[i] as number) * 4,
      bytes: value.memory.bytes,
      memory: this.#arena,
    }));
  }

  /** Where slot `s` of all weights begins in the arena. */
  #slotOffset(s: number): number {
    return this.#layout.arenaBytes + s * this.#layout.trainedLength * 4;
  }

  /** Takes the optimizer's state over from its variables, or from the plan that holds it. */
  #takeState(model: LayersModel): State {
    const rule = compilableRule(this.#optimizer);
    if (this.#state) return { ...this.#state, rule };
    settleOptimizer(this.#optimizer);
    const { collectedTrainableWeights } = model as unknown as { collectedTrainableWeights: LayerVariable[] };
    const mirrors: Mirror[] = [];
    for (const [i, parameter] of this.program.tape.parameters.entries()) {
      if (parameter.gradient === undefined) continue;
      const which = collectedTrainableWeights.indexOf(parameter.variable);
      for (const s of rule.slots.keys()) {
        mirrors.push({
          variable: slotOf(this.#optimizer, rule, s, which, variableOf(parameter.variable)),
          address: this.#address + this.#slotOffset(s) + (this.#layout.weightOffsets[i] as number) * 4,
          bytes: parameter.value.memory.bytes,
          memory: this.#arena,
        });
      }
    }
    pull(mirrors);
    holders.set(this.#optimizer, this);
    return { rule, mirrors };
  }

  /** Writes the optimizer's state into its variables, and works on it no longer. Waits for the end of a run. */
  settle(): Promise<void> | undefined {
    if (this.#running) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#giveState();
    return undefined;
  }

  #giveState(): void {
    if (this.#state === undefined) return;
    const { mirrors, rule } = this.#state;
    this.#state = undefined;
    holders.delete(this.#optimizer);
    push(mirrors);
    settle(mirrors);
    for (const { variable, base } of rule.scalars ?? []) {
      const { iterations } = this.#optimizer;
      const value = base === undefined ? iterations : base ** (iterations + 1);
      tidy(() => variable.assign(scalar(value)));
    }
  }

  /**
   * Takes steps (see `TrainSession`), with random numbers by `key`, beginning with those of step `firstStep`.
   * @throws TfjsNativeError LOSS_NOT_FINITE
   */
  async run(
    model: LayersModel,
    data: SessionData,
    rows: Rows,
    key: Key,
    signal?: AbortSignal,
  ): Promise<number[][]> {
    if (this.#running) throw nativeError('MODEL_IN_USE', model.name);
    const quick = rows.maxSteps === 1 && this.#rowMs * rows.batchSize < quickMs;
    if (quick && performance.now() - this.#yielded > turnMs) {
      this.#running = true;
      await nextTurn();
      this.#running = false;
      this.#yielded = performance.now();
    }
    this.#checkAlive(model);
    pull(this.#weights);
    readStates(this.program.tape.states, this.#address);
    this.#state = this.#takeState(model);
    const columns = this.program.resultCount;
    const results = new Float64Array(rows.maxSteps * columns);
    const tensors = [...data.inputs, ...data.targets, ...data.sampleWeights];
    const sources = this.program.inputs.map((_, i) => sourceOf(tensors[i]));
    const request = this.#request(sources, rows, key, this.#state.rule);
    // What another thread reads is held while it does.
    const read = quick ? [] : tensors.flatMap((tensor) => (tensor ? [storageOf(tensor)] : []));
    const held = read.map((storage) => storage.beginReading());
    const stop = (): void => this.#native.stop();
    signal?.addEventListener('abort', stop);
    this.#running = true;
    const began = performance.now();
    let run: PlanRun;
    try {
      settle(this.#weights, quick);
      if (quick) {
        run = this.#native.runSync(request, results);
      } else {
        run = await this.#native.run(request, results, [this.#arena, rows.order, held]);
        this.#yielded = performance.now();
      }
    } finally {
      this.#running = false;
      for (const storage of read) storage.endReading();
      signal?.removeEventListener('abort', stop);
    }
    this.#rowMs = (performance.now() - began) / Math.max(1, run.steps) / rows.batchSize;
    const counter = this.#optimizer as unknown as { iterations_: number };
    counter.iterations_ = this.#optimizer.iterations + run.steps;
    this.#checkAlive(model);
    push(this.#weights);
    writeStates(this.program.tape.states, this.#address);
    if (this.#waiting.length > 0) {
      this.#giveState();
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
    if (run.failedOp !== undefined) throw nativeError('KERNEL_FAILED', run.failedOp, refusalOf(run.failedOp));
    if (run.notFinite) throw nativeError('LOSS_NOT_FINITE', counter.iterations_ + 1);
    return Array.from({ length: run.steps }, (_, i) =>
      Array.from(results.subarray(i * columns, (i + 1) * columns)),
    );
  }

  #checkAlive({ name }: LayersModel): void {
    if (this.#weights.some(({ variable }) => variable.isDisposed)) throw nativeError('MODEL_DISPOSED', name);
  }

  #request(sources: readonly Source[], rows: Rows, key: Key, rule: Rule): Float64Array {
    const { op, values } = encodeOp(rule.op, rule.params as Readonly<Record<string, number>>);
    const slots = rule.slots.map((_, s) => this.#slotOffset(s));
    const scalars = (rule.scalars ?? []).map(({ base = 0 }) => base);
    const { iterations } = this.#optimizer;
    return encodeRequest({
      arena: this.#address,
      rows,
      seconds: runSeconds,
      key,
      sources,
      optimizer: { op, clip: encodeClipping(this.#optimizer), slots, values, scalars, iterations },
      externals: [],
      outputs: [],
    });
  }
}

/** Third pass: writes the calls of a whole training step: forward, losses and metrics, backward; or forward alone. */
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { clipsNorms } from './clipping';
import { constrain } from './constraints';
import type { Step, Steps } from './fuse';
import { activate } from './layers/activation';
import { Elementwise } from './layers/elementwise';
import { foldNormalizations } from './layers/fold';
import type { Lowered } from './layers/rule';
import type { LossPlace } from './losses';
import type { Objective } from './objective';
import { Masks } from './masks';
import { type Product, takeProducts } from './products';
import { type Call, mostInputs, sizeOf, Tape, type Value } from './tape';
import { Uncompilable } from './trace';

/** What is gathered for each step from the data. */
export interface Input {
  readonly kind: 'data' | 'weights';
  readonly value: Value;
  /** Of weights. */
  readonly scale: number;
}

/** A part of a number that each step gives: of the loss (0) or a metric. */
export interface Result {
  readonly value: Value;
  /** Weights of samples; the mean over samples without. */
  readonly weights: Value | undefined;
  readonly to: number;
  readonly scale: number;
}

/** A whole step. */
export interface Program {
  readonly tape: Tape;
  /** Gradients that the update makes. */
  readonly products: ReadonlyMap<Value, Product>;
  /** The model's inputs, its targets, the weights of samples for each output. */
  readonly inputs: readonly Input[];
  readonly results: readonly Result[];
  readonly resultCount: number;
  /** Values that a forward pass gives. */
  readonly outputs: readonly Value[];
  /** The calls of each step's forward part. */
  readonly forward: ReadonlyMap<Step, readonly Call[]>;
  /** Outputs whose activation is computed with the loss. */
  readonly logits: ReadonlySet<Step>;
  /** For each output, whether samples may have weights. */
  readonly weightable: readonly boolean[];
}

/** The segment of a program that begins with the gathering of its inputs: the first after the preparations. */
export function gatheringSegment({ tape }: Program): number {
  return Math.min(1, tape.preparations.length);
}

/** Steps whose output's gradient is needed: those with trained weights, and those behind them. */
function needingGradients(steps: readonly Step[], trained: ReadonlySet<LayerVariable>): Set<Step> {
  const needing = new Set<Step>();
  for (const step of steps) {
    const own = step.layers.some(({ weights }) => weights.some((weight) => trained.has(weight)));
    if (own || step.inputs.some((input) => needing.has(input))) needing.add(step);
  }
  return needing;
}

/** Adds up the gradients that a step's output gets from each of its uses. */
function total(tape: Tape, gradients: readonly Value[]): Value {
  const [first] = gradients as [Value];
  if (gradients.length === 1) return first;
  const sum = tape.value(first.dims.slice(1));
  tape.call('AddN', gradients.slice(0, mostInputs), [sum], {});
  return total(tape, [sum, ...gradients.slice(mostInputs)]);
}

function zeros(tape: Tape, shape: readonly number[]): Value {
  const value = tape.value(shape);
  tape.call('Fill', [], [value], { pattern: 0 });
  return value;
}

/** Whether an output's activation is one that its loss takes in, and that nobody else needs. */
function withoutLogits(step: Step, { loss }: Objective, uses: ReadonlyMap<Step, number>): boolean {
  if (loss.logits === undefined || step.activation !== loss.logits || step.pool) return false;
  return uses.get(step) === 1;
}

/** The forward part of all steps. */
interface Forward {
  readonly values: ReadonlyMap<Step, Value>;
  readonly lowered: ReadonlyMap<Step, Lowered>;
  readonly forward: ReadonlyMap<Step, readonly Call[]>;
}

function lowerForward(
  { steps, nested }: Steps,
  tape: Tape,
  needing: ReadonlySet<Step>,
  logits: ReadonlySet<Step>,
): Forward {
  const values = new Map<Step, Value>();
  const lowered = new Map<Step, Lowered>();
  const forward = new Map<Step, readonly Call[]>();
  const masks = new Masks(nested);
  for (const step of steps) {
    if (step.output !== undefined) {
      const first = lowered.get(step.inputs[0] as Step);
      values.set(step, first?.more?.[step.output - 1] as Value);
      continue;
    }
    if (step.rule === undefined) {
      values.set(step, tape.given(step.shape));
      continue;
    }
    const before = tape.calls.length;
    const own = logits.has(step) ? { ...step, activation: 'linear' } : step;
    const from = step.inputs.map((input) => values.get(input) as Value);
    const wanted = step.inputs.map((input) => needing.has(input));
    const result = step.rule.lower(own, from, tape, wanted, masks.read(step));
    masks.write(step, result.mask);
    lowered.set(step, result);
    values.set(step, result.output);
    forward.set(step, tape.calls.slice(before));
  }
  return { values, lowered, forward };
}

function dataInput(value: Value): Input {
  return { kind: 'data', value, scale: 1 };
}

/** What is kept of the results of an output: the loss, its gradient if it is wanted, and metrics. */
function lowerObjective(
  tape: Tape,
  step: Step,
  output: Value,
  { loss, metrics }: Objective,
  fromLogits: boolean,
  backward: LossPlace['backward'],
): { target: Value; value: Value; measured: { of: Value; to: number }[] } {
  const { shape, dtype } = loss.target(step.shape);
  const target = tape.value(shape, dtype);
  const value = loss.lower(tape, { target, output, fromLogits, backward });
  let activated: Value | undefined;
  const measured = metrics.map(({ metric, to }) => {
    const seen = !fromLogits || metric.logits === step.activation;
    if (!seen) activated ??= activate(tape, step.activation, output);
    const labels = metric.sparse || dtype === 'float32' ? target : tape.value(step.shape);
    if (labels !== target) tape.call('Cast', [target], [labels], {});
    const of = metric.lower(tape, labels, seen ? output : (activated as Value), fromLogits && seen);
    return { of, to };
  });
  return { target, value, measured };
}

function usesOf({ steps, outputs }: Steps): Map<Step, number> {
  const uses = new Map<Step, number>();
  for (const step of [...steps.flatMap((each) => each.inputs), ...outputs])
    uses.set(step, (uses.get(step) ?? 0) + 1);
  return uses;
}

function logitsOf(steps: Steps, objectives: readonly Objective[]): Set<Step> {
  const uses = usesOf(steps);
  return new Set(steps.outputs.filter((step, i) => withoutLogits(step, objectives[i] as Objective, uses)));
}

function endOf(results: readonly Result[]): number {
  return 1 + Math.max(0, ...results.map(({ to }) => to));
}

/**
 * Writes the program of a model's forward pass.
 * @param objectives for its losses and metrics, in the order of upstream's `evaluate`; without, it gives the outputs
 * @throws Uncompilable
 */
export function lowerInference(all: Steps, objectives?: readonly Objective[]): Program {
  const { steps, norms } = foldNormalizations(all);
  const tape = new Tape(new Set(), false, norms);
  const logits = objectives ? logitsOf(steps, objectives) : new Set<Step>();
  const { values, forward } = lowerForward(steps, tape, new Set(), logits);
  const inputs = steps.inputs.map((step) => dataInput(values.get(step) as Value));
  const outputs = steps.outputs.map((step) => values.get(step) as Value);
  const results: Result[] = [];
  for (const [i, objective] of (objectives ?? []).entries()) {
    const step = steps.outputs[i] as Step;
    const { target, value, measured } = lowerObjective(
      tape,
      step,
      outputs[i] as Value,
      objective,
      logits.has(step),
      undefined,
    );
    inputs.push(dataInput(target));
    // Upstream's numbers: for each output the sum of the losses up to it; with several the loss of each; metrics.
    const scale = 1 / objective.loss.terms(step.shape, logits.has(step));
    const count = steps.outputs.length;
    for (let to = i; to < count; to++)
      results.push({ value, weights: undefined, to, scale: scale * objective.weight });
    if (count > 1) results.push({ value, weights: undefined, to: count + i, scale });
    // In training, there is one sum.
    const shift = count - 1;
    for (const { of, to } of measured)
      results.push({ value: of, weights: undefined, to: to + shift, scale: 1 / sizeOf(of) });
  }
  tape.finish();
  const given = objectives ? [] : outputs;
  return {
    tape,
    products: new Map(),
    inputs,
    results,
    resultCount: endOf(results),
    outputs: given,
    forward,
    logits,
    weightable: [],
  };
}

/**
 * Writes the program of a model's training step.
 * @throws Uncompilable for what can be lowered by itself, but not together
 */
export function lower(model: LayersModel, all: Steps, objectives: readonly Objective[]): Program {
  const { collectedTrainableWeights } = model as unknown as { collectedTrainableWeights: LayerVariable[] };
  const trained = new Set(collectedTrainableWeights.filter(({ trainable }) => trainable));
  if (trained.size === 0) throw new Uncompilable('its weights', 'none of them is trained');
  const tape = new Tape(trained, true);
  const { steps, inputs, outputs } = all;
  const needing = needingGradients(steps, trained);
  const logits = logitsOf(all, objectives);
  const { values, lowered, forward } = lowerForward(all, tape, needing, logits);

  const gathered = inputs.map((step) => dataInput(values.get(step) as Value));
  const weightings: Input[] = [];
  const results: Result[] = [];
  const gradients = new Map<Step, Value[]>();
  const e = new Elementwise(tape);
  for (const [i, step] of outputs.entries()) {
    const objective = objectives[i] as Objective;
    const fromLogits = logits.has(step);
    const weights = tape.value([1]);
    const gradient = tape.value(step.shape);
    const output = values.get(step) as Value;
    const { target, value, measured } = lowerObjective(tape, step, output, objective, fromLogits, {
      weights,
      gradient,
    });
    gathered.push(dataInput(target));
    const terms = objective.loss.terms(step.shape, fromLogits);
    weightings.push({ kind: 'weights', value: weights, scale: 1 / terms });
    results.push({ value, weights, to: 0, scale: objective.weight });
    if (outputs.length > 1) results.push({ value, weights, to: 1 + i, scale: 1 });
    for (const { of, to } of measured)
      results.push({ value: of, weights: undefined, to, scale: 1 / sizeOf(of) });
    const weighted = objective.weight === 1 ? gradient : e.multiply(gradient, objective.weight);
    if (needing.has(step)) gradients.set(step, [...(gradients.get(step) ?? []), weighted]);
  }

  // Of outputs after a layer's first.
  const further = new Map<Step, (Value | undefined)[]>();
  for (const step of steps.toReversed()) {
    const parts = gradients.get(step);
    if (parts && step.output !== undefined) {
      const [first] = step.inputs as [Step];
      const list = further.get(first) ?? [];
      list[step.output - 1] = total(tape, parts);
      further.set(first, list);
      continue;
    }
    const forwardPart = lowered.get(step);
    const more = further.get(step);
    if (forwardPart === undefined || (parts === undefined && more === undefined)) continue;
    const dy = parts ? total(tape, parts) : zeros(tape, step.shape);
    const back = forwardPart.backward(dy, more ?? []);
    for (const [i, input] of step.inputs.entries()) {
      const dx = back[i];
      if (dx) gradients.set(input, [...(gradients.get(input) ?? []), dx]);
    }
  }
  for (const parameter of tape.parameters) if (parameter.gradient) constrain(tape, parameter);
  tape.finish();
  // Norms of gradients are those of whole ones.
  const products = clipsNorms(model.optimizer) ? new Map<Value, Product>() : takeProducts(tape);
  const resultCount = endOf(results);
  const given = [...gathered, ...weightings];
  const weightable = objectives.map(({ single }) => !single);
  return { tape, products, inputs: given, results, resultCount, outputs: [], forward, logits, weightable };
}

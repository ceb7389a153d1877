/** Third pass: writes the calls of a whole training step: forward, losses and metrics, backward. */
import type { LayersModel, LayerVariable } from '@tensorflow/tfjs-layers';
import { constrain } from './constraints';
import type { Step, Steps } from './fuse';
import { activate } from './layers/activation';
import type { Lowered } from './layers/rule';
import type { Objective } from './objective';
import { type Product, takeProducts } from './products';
import { type Call, mostInputs, type Parameter, sizeOf, Tape, type Value } from './tape';
import { nameOf, Uncompilable } from './trace';

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

/** A whole training step. */
export interface Program {
  readonly tape: Tape;
  /** Gradients that the update makes. */
  readonly products: ReadonlyMap<Parameter, Product>;
  /** The model's inputs, its targets, the weights of samples for each output. */
  readonly inputs: readonly Input[];
  readonly results: readonly Result[];
  readonly resultCount: number;
  /** The calls of each step's forward part. */
  readonly forward: ReadonlyMap<Step, readonly Call[]>;
  /** Outputs whose activation is computed with the loss. */
  readonly logits: ReadonlySet<Step>;
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

/** Whether an output's activation is one that its loss takes in, and that nobody else needs. */
function withoutLogits(step: Step, { loss }: Objective, uses: ReadonlyMap<Step, number>): boolean {
  if (loss.logits === undefined || step.activation !== loss.logits || step.pool) return false;
  return uses.get(step) === 1;
}

/** A gradient is written once in a step, not added to. */
function refuseShared(steps: readonly Step[], trained: ReadonlySet<LayerVariable>): void {
  const seen = new Set<LayerVariable>();
  for (const layer of steps.flatMap(({ layers }) => layers)) {
    for (const weight of layer.weights) {
      if (seen.has(weight) && trained.has(weight))
        throw new Uncompilable(nameOf(layer), 'it is used more than once');
      seen.add(weight);
    }
  }
}

/**
 * Writes the program of a model's training step.
 * @throws Uncompilable for what can be lowered by itself, but not together
 */
export function lower(
  model: LayersModel,
  { steps, inputs, outputs }: Steps,
  objectives: readonly Objective[],
): Program {
  const { collectedTrainableWeights } = model as unknown as { collectedTrainableWeights: LayerVariable[] };
  const trained = new Set(collectedTrainableWeights.filter(({ trainable }) => trainable));
  if (trained.size === 0) throw new Uncompilable('its weights', 'none of them is trained');
  refuseShared(steps, trained);
  const tape = new Tape(trained);
  const needing = needingGradients(steps, trained);
  const uses = new Map<Step, number>();
  for (const step of [...steps.flatMap((each) => each.inputs), ...outputs])
    uses.set(step, (uses.get(step) ?? 0) + 1);
  const logits = new Set(outputs.filter((step, i) => withoutLogits(step, objectives[i] as Objective, uses)));

  const values = new Map<Step, Value>();
  const lowered = new Map<Step, Lowered>();
  const forward = new Map<Step, readonly Call[]>();
  for (const step of steps) {
    if (step.rule === undefined) {
      values.set(step, tape.given(step.shape));
      continue;
    }
    const before = tape.calls.length;
    const own = logits.has(step) ? { ...step, activation: 'linear' } : step;
    const from = step.inputs.map((input) => values.get(input) as Value);
    const wanted = step.inputs.map((input) => needing.has(input));
    const result = step.rule.lower(own, from, tape, wanted);
    lowered.set(step, result);
    values.set(step, result.output);
    forward.set(step, tape.calls.slice(before));
  }

  const gathered: Input[] = inputs.map((step) => ({
    kind: 'data',
    value: values.get(step) as Value,
    scale: 1,
  }));
  const weightings: Input[] = [];
  const results: Result[] = [];
  const gradients = new Map<Step, Value[]>();
  for (const [i, step] of outputs.entries()) {
    const { loss, metrics } = objectives[i] as Objective;
    const output = values.get(step) as Value;
    const { shape, dtype } = loss.target(step.shape);
    const target = tape.value(shape, dtype);
    const weights = tape.value([1]);
    const fromLogits = logits.has(step);
    const terms = loss.terms(step.shape, fromLogits);
    gathered.push({ kind: 'data', value: target, scale: 1 });
    weightings.push({ kind: 'weights', value: weights, scale: 1 / terms });
    const gradient = tape.value(step.shape);
    const value = loss.lower(tape, { target, output, fromLogits, backward: { weights, gradient } });
    results.push({ value, weights, to: 0, scale: 1 });
    if (outputs.length > 1) results.push({ value, weights, to: 1 + i, scale: 1 });
    let activated: Value | undefined;
    for (const { metric, to } of metrics) {
      const seen = !fromLogits || metric.logits === step.activation;
      if (!seen) activated ??= activate(tape, step.activation, output);
      const labels = metric.sparse || dtype === 'float32' ? target : tape.value(step.shape);
      if (labels !== target) tape.call('Cast', [target], [labels], {});
      const of = metric.lower(tape, labels, seen ? output : (activated as Value), fromLogits && seen);
      results.push({ value: of, weights: undefined, to, scale: 1 / sizeOf(of) });
    }
    if (needing.has(step)) gradients.set(step, [...(gradients.get(step) ?? []), gradient]);
  }

  for (const step of steps.toReversed()) {
    const parts = gradients.get(step);
    const forwardPart = lowered.get(step);
    if (parts === undefined || forwardPart === undefined) continue;
    const back = forwardPart.backward(total(tape, parts));
    for (const [i, input] of step.inputs.entries()) {
      const dx = back[i];
      if (dx) gradients.set(input, [...(gradients.get(input) ?? []), dx]);
    }
  }
  for (const parameter of tape.parameters) if (parameter.gradient) constrain(tape, parameter);
  tape.finish();
  const products = takeProducts(tape);
  const resultCount = 1 + Math.max(0, ...results.map(({ to }) => to));
  return { tape, products, inputs: [...gathered, ...weightings], results, resultCount, forward, logits };
}

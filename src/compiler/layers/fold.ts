/** Batch normalisation of predictions, as part of the weights of the layer before it. */
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { patternOf } from '../../backend/kernels/fill';
import type { Step, Steps } from '../fuse';
import { type Parameter, sizeOf, type Tape, type Value } from '../tape';

interface BatchNormalization {
  readonly axis: number;
  readonly epsilon: number;
  readonly gamma: LayerVariable | null | undefined;
  readonly beta: LayerVariable | null | undefined;
  readonly movingMean: LayerVariable;
  readonly movingVariance: LayerVariable;
}

/** Layers whose kernel has its channels last. */
const kernels = new Set(['Conv1D', 'Conv2D', 'Dense', 'DepthwiseConv2D']);

function canFold(step: Step, before: Step): boolean {
  const [norm, layer] = [step.layers[0] as Layer, before.layers[0] as Layer];
  if (norm.getClassName() !== 'BatchNormalization' || !kernels.has(layer.getClassName())) return false;
  const { axis } = norm as unknown as BatchNormalization;
  return before.activation === 'linear' && !before.pool && (axis === -1 || axis === step.shape.length);
}

/**
 * Puts batch normalisations into the steps before them, where nothing else reads these.
 * @returns the steps, and for each layer that has got one its normalisation
 */
export function foldNormalizations(all: Steps): { steps: Steps; norms: Map<Layer, Layer> } {
  const readers = new Map<Step, number>();
  const uses = new Map<Layer, number>();
  for (const step of [...all.steps.flatMap(({ inputs }) => inputs), ...all.outputs])
    readers.set(step, (readers.get(step) ?? 0) + 1);
  for (const [layer] of all.steps.map(({ layers }) => layers as [Layer]))
    uses.set(layer, (uses.get(layer) ?? 0) + 1);
  const norms = new Map<Layer, Layer>();
  const now = new Map<Step, Step>();
  const steps = new Set<Step>();
  for (const step of all.steps) {
    const inputs = step.inputs.map((input) => now.get(input) as Step);
    const [before] = inputs;
    const alone = readers.get(step.inputs[0] as Step) === 1 && uses.get(before?.layers[0] as Layer) === 1;
    let made: Step = { ...step, inputs };
    const layer = before?.layers[0] as Layer;
    if (before?.rule && alone && !norms.has(layer) && canFold(step, before)) {
      norms.set(layer, step.layers[0] as Layer);
      steps.delete(before);
      made = { ...before, layers: [...before.layers, ...step.layers], activation: step.activation };
    }
    steps.add(made);
    now.set(step, made);
  }
  const list = (of: readonly Step[]): Step[] => of.map((step) => now.get(step) as Step);
  const { nested } = all;
  return {
    steps: { steps: [...steps], inputs: list(all.inputs), outputs: list(all.outputs), nested },
    norms,
  };
}

/** A layer's weights, multiplied and shifted as its normalisation asks for, made once for each run. */
export function folded(
  layer: Layer,
  tape: Tape,
  weights: { kernel: Parameter; bias: Parameter | undefined },
): { kernel: Parameter; bias: Parameter | undefined } {
  const norm = tape.norms.get(layer) as BatchNormalization | undefined;
  if (norm === undefined) return weights;
  const { kernel, bias } = weights;
  const value = (variable: LayerVariable): Value => tape.parameter(variable).value;
  const [mean, variance] = [value(norm.movingMean), value(norm.movingVariance)];
  const channels = sizeOf(mean);
  const vector = (op: 'Add' | 'Sub' | 'Multiply' | 'Neg' | 'Rsqrt', inputs: readonly Value[]): Value =>
    tape.prepared(op, inputs, [channels], {});
  const epsilon = tape.prepared('Fill', [], [1], { pattern: patternOf(norm.epsilon, 'float32') });
  const inverse = vector('Rsqrt', [vector('Add', [variance, epsilon])]);
  const factor = norm.gamma ? vector('Multiply', [inverse, value(norm.gamma)]) : inverse;
  const rows = [sizeOf(kernel.value) / channels, channels];
  const scaled = tape.prepared(
    'Multiply',
    [tape.view(kernel.value, rows), tape.view(factor, [1, channels])],
    rows,
    {},
  );
  const shift = bias ? vector('Sub', [bias.value, mean]) : vector('Neg', [mean]);
  const shifted = vector('Multiply', [shift, factor]);
  const offset = norm.beta ? vector('Add', [shifted, value(norm.beta)]) : shifted;
  return {
    kernel: { ...kernel, value: tape.view(scaled, kernel.value.dims) },
    bias: { ...(bias ?? kernel), value: offset },
  };
}

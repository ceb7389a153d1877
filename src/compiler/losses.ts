/** The losses and metrics that can be compiled. */
import type { Step } from './fuse';
import { sizeOf, type Tape, type Value } from './tape';

/** How the labels of an output come. */
interface Target {
  /** Of one sample. */
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

/** A loss, or one that stands as a metric. */
export interface Loss {
  /** The activation before it that it takes in, computing from logits. */
  readonly logits?: 'softmax' | 'sigmoid';
  /** Whether it also takes what came out of an activation, or of none. */
  readonly probabilities: boolean;
  target(shape: readonly number[]): Target;
  /** Values of the loss that a sample has, the mean of which is the sample's. */
  terms(shape: readonly number[]): number;
  /** Writes the loss [batch, terms], and its gradient if `gradient` is asked for: weights are per sample. */
  lower(tape: Tape, at: LossPlace): Value;
}

export interface LossPlace {
  readonly target: Value;
  readonly output: Value;
  /** Whether `output` are logits. */
  readonly fromLogits: boolean;
  /** Divided by the samples of the batch and by `terms`. */
  readonly weights: Value;
  /** Where the gradient of `output` goes. */
  readonly gradient: Value;
}

const oneHot = (shape: readonly number[]): Target => ({ shape, dtype: 'float32' });
const classes = (shape: readonly number[]): Target => ({ shape: shape.slice(0, -1), dtype: 'int32' });
const last = (shape: readonly number[]): number => shape.at(-1) as number;

/** As a matrix with a row for each sample. */
function matrix(tape: Tape, value: Value): Value {
  return tape.view(value, [1, sizeOf(value)]);
}

/** An op that makes loss and gradient at once, and the weights that then go onto the gradient. */
function lowerPair(
  op:
    | 'SoftmaxCrossEntropyWithLogits'
    | 'SparseSoftmaxCrossEntropyWithLogits'
    | 'SigmoidCrossEntropyWithLogits'
    | 'MeanSquaredError',
  tape: Tape,
  { target, output, weights, gradient }: LossPlace,
  loss: Value,
): Value {
  const unweighted = matrix(tape, tape.value(output.dims.slice(1)));
  tape.call(op, [target, matrix(tape, output)], [loss, unweighted], {});
  tape.call('Multiply', [unweighted, weights], [matrix(tape, gradient)], {});
  return loss;
}

function crossentropy(sparse: boolean): Loss {
  return {
    logits: 'softmax',
    probabilities: true,
    target: sparse ? classes : oneHot,
    terms: () => 1,
    lower(tape, at) {
      const loss = tape.value([]);
      const target = sparse ? tape.view(at.target, [1]) : matrix(tape, at.target);
      if (at.fromLogits) {
        const op = sparse ? 'SparseSoftmaxCrossEntropyWithLogits' : 'SoftmaxCrossEntropyWithLogits';
        return lowerPair(op, tape, { ...at, target }, loss);
      }
      const op = sparse ? 'SparseCategoricalCrossentropy' : 'CategoricalCrossentropy';
      const clip = { clipValueMin: epsilon, clipValueMax: 1 - epsilon };
      const p = matrix(tape, at.output);
      tape.call(op, [target, p], [loss], clip);
      const dy = tape.view(at.weights, [1]);
      tape.call(`${op}Grad`, [dy, target, p], [matrix(tape, at.gradient)], clip);
      return loss;
    },
  };
}

/** As the backend's `epsilon()`, by which upstream clips probabilities. */
const epsilon = 1e-7;

/** By upstream's names. */
export const losses: Readonly<Record<string, Loss>> = {
  categoricalCrossentropy: crossentropy(false),
  sparseCategoricalCrossentropy: crossentropy(true),
  binaryCrossentropy: {
    logits: 'sigmoid',
    probabilities: false,
    target: oneHot,
    terms: (shape) => shape.reduce((size, length) => size * length, 1),
    lower: (tape, at) =>
      lowerPair(
        'SigmoidCrossEntropyWithLogits',
        tape,
        { ...at, target: matrix(tape, at.target) },
        matrix(tape, tape.value(at.output.dims.slice(1))),
      ),
  },
  meanSquaredError: {
    probabilities: true,
    target: oneHot,
    terms: () => 1,
    lower: (tape, at) =>
      lowerPair('MeanSquaredError', tape, { ...at, target: matrix(tape, at.target) }, tape.value([])),
  },
};

/** Accuracies by upstream's names of their functions: each writes a value [batch], the mean of which is the metric. */
export const accuracies: Readonly<
  Record<string, (tape: Tape, target: Value, output: Value, fromLogits: boolean) => Value>
> = {
  sparseCategoricalAccuracy: (tape, target, output) =>
    accuracy(tape, 'SparseCategoricalAccuracy', tape.view(target, [1]), output),
  categoricalAccuracy: (tape, target, output) =>
    accuracy(tape, 'CategoricalAccuracy', matrix(tape, target), output),
  binaryAccuracy(tape, target, output, fromLogits) {
    const result = tape.value([]);
    const params = { threshold: fromLogits ? 0 : 0.5 };
    tape.call('BinaryAccuracy', [matrix(tape, target), matrix(tape, output)], [result], params);
    return result;
  },
};

function accuracy(
  tape: Tape,
  op: 'SparseCategoricalAccuracy' | 'CategoricalAccuracy',
  target: Value,
  output: Value,
): Value {
  const result = tape.value([]);
  tape.call(op, [target, matrix(tape, output)], [result], {});
  return result;
}

/** What 'accuracy' means for an output, as in upstream's `compile`. */
export function accuracyFor(loss: string, { shape }: Step): string {
  if (last(shape) === 1 || loss === 'binaryCrossentropy') return 'binaryAccuracy';
  return loss === 'sparseCategoricalCrossentropy' ? 'sparseCategoricalAccuracy' : 'categoricalAccuracy';
}

/** The losses and metrics that can be compiled. */
import type { Step } from './fuse';
import type { PlanOpParams, PointwiseOp } from './ops';
import { sizeOf, type Tape, type Value } from './tape';

/** How the labels of an output come. */
interface Target {
  /** Of one sample. */
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

/** A loss. */
export interface Loss {
  /** The activation before it that it takes in, computing from logits. */
  readonly logits?: 'softmax' | 'sigmoid';
  target(shape: readonly number[]): Target;
  /** Values of the loss that a sample has, the mean of which is the sample's. */
  terms(shape: readonly number[], fromLogits: boolean): number;
  /**
   * Writes the loss, of which a sample has `terms`.
   * @returns the loss [batch, …]
   */
  lower(tape: Tape, at: LossPlace): Value;
}

export interface LossPlace {
  readonly target: Value;
  readonly output: Value;
  /** Whether `output` are logits. */
  readonly fromLogits: boolean;
  /** For the gradient; undefined where only the loss is asked for. */
  readonly backward:
    | {
        /** Per sample, divided by the samples of the batch and by `terms`. */
        readonly weights: Value;
        /** Where the gradient of `output` goes. */
        readonly gradient: Value;
      }
    | undefined;
}

/** Labels of the predictions' shape. */
export const oneHot = (shape: readonly number[]): Target => ({ shape, dtype: 'float32' });
const classes = (shape: readonly number[]): Target => ({ shape: shape.slice(0, -1), dtype: 'int32' });
const last = (shape: readonly number[]): number => shape.at(-1) as number;
const rowsIn = (shape: readonly number[]): number => sizeOf({ dims: shape.slice(0, -1) });
const numbersIn = (dims: readonly number[]): number => sizeOf({ dims });

/** As a matrix of rows of the last dimension. */
function matrix(tape: Tape, value: Value): Value {
  const shape = value.dims.slice(1);
  return tape.view(value, [rowsIn(shape), last(shape)]);
}

/** As a matrix with a row for each sample. */
export function samples(tape: Tape, value: Value): Value {
  return tape.view(value, [1, sizeOf(value)]);
}

/** One by one. */
function flat(tape: Tape, value: Value): Value {
  return tape.view(value, [sizeOf(value)]);
}

/** A value for each row of the last dimension of `output`. */
function perRow(tape: Tape, { dims }: Value): Value {
  return tape.value(dims.slice(1, -1));
}

type PairOp =
  | 'SoftmaxCrossEntropyWithLogits'
  | 'SparseSoftmaxCrossEntropyWithLogits'
  | 'SigmoidCrossEntropyWithLogits'
  | PointwiseOp;

/** Writes an op that makes loss and gradient at once, and puts the weights onto the gradient. */
function lowerPair<Op extends PairOp>(
  op: Op,
  params: PlanOpParams[Op],
  tape: Tape,
  { output, backward }: LossPlace,
  target: Value,
  predictions: Value,
  loss: Value,
): Value {
  // Of logits, the gradient is made in any case.
  const unweighted = backward || fromLogitsOps.has(op) ? tape.value(output.dims.slice(1)) : undefined;
  const gradient = unweighted && tape.view(unweighted, predictions.dims);
  tape.call(op, [target, predictions], [flat(tape, loss), gradient], params);
  if (unweighted && backward) {
    const inputs = [samples(tape, unweighted), backward.weights];
    tape.call('Multiply', inputs, [samples(tape, backward.gradient)], {});
  }
  return loss;
}

const fromLogitsOps: ReadonlySet<string> = new Set([
  'SoftmaxCrossEntropyWithLogits',
  'SparseSoftmaxCrossEntropyWithLogits',
]);

function crossentropy(sparse: boolean): Loss {
  return {
    logits: 'softmax',
    target: sparse ? classes : oneHot,
    terms: rowsIn,
    lower(tape, at) {
      const { output, backward } = at;
      const loss = perRow(tape, output);
      const target = sparse ? flat(tape, at.target) : matrix(tape, at.target);
      if (at.fromLogits) {
        const op = sparse ? 'SparseSoftmaxCrossEntropyWithLogits' : 'SoftmaxCrossEntropyWithLogits';
        return lowerPair(op, {}, tape, at, target, matrix(tape, output), loss);
      }
      const op = sparse ? 'SparseCategoricalCrossentropy' : 'CategoricalCrossentropy';
      const p = matrix(tape, output);
      tape.call(op, [target, p], [flat(tape, loss)], clip);
      if (backward) {
        const { weights, gradient } = backward;
        const dy = perRow(tape, output);
        const ones = perRow(tape, output);
        tape.call('OnesLike', [flat(tape, loss)], [flat(tape, ones)], {});
        tape.call('Multiply', [samples(tape, ones), weights], [samples(tape, dy)], {});
        tape.call(`${op}Grad`, [flat(tape, dy), target, p], [matrix(tape, gradient)], clip);
      }
      return loss;
    },
  };
}

/** As the backend's `epsilon()`, by which upstream clips probabilities. */
export const epsilon = 1e-7;
const clip = { clipValueMin: epsilon, clipValueMax: 1 - epsilon };

/** A loss that rows of predictions and of labels of the same shape have. */
function rowwise<Op extends PointwiseOp>(op: Op, params: PlanOpParams[Op]): Loss {
  return {
    target: oneHot,
    terms: rowsIn,
    lower: (tape, at) =>
      lowerPair(
        op,
        params,
        tape,
        at,
        matrix(tape, at.target),
        matrix(tape, at.output),
        perRow(tape, at.output),
      ),
  };
}

/** One that is the mean of what numbers have, for which all of a sample are one row. */
function pointwise<Op extends PointwiseOp>(op: Op, params: PlanOpParams[Op]): Loss {
  return {
    target: oneHot,
    terms: () => 1,
    lower: (tape, at) =>
      lowerPair(op, params, tape, at, samples(tape, at.target), samples(tape, at.output), tape.value([])),
  };
}

const probabilities = pointwise('BinaryCrossentropy', clip);

/** The mean over all numbers, of logits. */
export const sigmoidOfLogits: Loss = {
  target: oneHot,
  terms: numbersIn,
  lower(tape, { target, output, backward }) {
    const loss = tape.like(output);
    const unweighted = tape.like(output);
    const inputs = [samples(tape, target), samples(tape, output)];
    const outputs = [samples(tape, loss), samples(tape, unweighted)];
    tape.call('SigmoidCrossEntropyWithLogits', inputs, outputs, {});
    if (backward) {
      const { weights, gradient } = backward;
      tape.call('Multiply', [samples(tape, unweighted), weights], [samples(tape, gradient)], {});
    }
    return loss;
  },
};

/** The mean over all rows, of logits. */
export const softmaxOfLogits: Loss = {
  target: oneHot,
  terms: rowsIn,
  lower: (tape, at) => crossentropy(false).lower(tape, { ...at, fromLogits: true }),
};

/** By upstream's names. */
export const losses: Readonly<Record<string, Loss>> = {
  categoricalCrossentropy: crossentropy(false),
  sparseCategoricalCrossentropy: crossentropy(true),
  binaryCrossentropy: {
    logits: 'sigmoid',
    target: oneHot,
    terms: (shape, fromLogits) => (fromLogits ? numbersIn(shape) : 1),
    lower: (tape, at) => (at.fromLogits ? sigmoidOfLogits : probabilities).lower(tape, at),
  },
  meanSquaredError: pointwise('MeanSquaredError', {}),
  meanAbsoluteError: pointwise('MeanAbsoluteError', {}),
  meanAbsolutePercentageError: pointwise('MeanAbsolutePercentageError', { epsilon }),
  meanSquaredLogarithmicError: pointwise('MeanSquaredLogarithmicError', { epsilon }),
  hinge: pointwise('Hinge', {}),
  squaredHinge: pointwise('SquaredHinge', {}),
  categoricalHinge: rowwise('CategoricalHinge', {}),
  logcosh: pointwise('LogCosh', {}),
  kullbackLeiblerDivergence: rowwise('KullbackLeiblerDivergence', { epsilon }),
  poisson: pointwise('Poisson', { epsilon }),
  cosineProximity: rowwise('CosineProximity', { epsilon }),
};

/** What a metric is computed of. */
export interface Metric {
  /** The activation whose input shows it as well as its output does. */
  readonly logits: 'softmax' | 'sigmoid' | undefined;
  /** Whether labels are classes. */
  readonly sparse: boolean;
  /** Writes a value [batch, …], the mean of which is the metric. */
  lower(tape: Tape, target: Value, output: Value, fromLogits: boolean): Value;
}

function accuracy(op: 'SparseCategoricalAccuracy' | 'CategoricalAccuracy', sparse: boolean): Metric {
  return {
    logits: 'softmax',
    sparse,
    lower(tape, target, output) {
      const result = perRow(tape, output);
      const labels = sparse ? flat(tape, target) : matrix(tape, target);
      tape.call(op, [labels, matrix(tape, output)], [flat(tape, result)], {});
      return result;
    },
  };
}

function lossMetric(loss: Loss): Metric {
  return {
    logits: undefined,
    sparse: loss.target([1]).dtype === 'int32',
    lower: (tape, target, output) =>
      loss.lower(tape, { target, output, fromLogits: false, backward: undefined }),
  };
}

/** Metrics by upstream's names of their functions. */
export const metrics: Readonly<Record<string, Metric>> = {
  sparseCategoricalAccuracy: accuracy('SparseCategoricalAccuracy', true),
  categoricalAccuracy: accuracy('CategoricalAccuracy', false),
  binaryAccuracy: {
    logits: 'sigmoid',
    sparse: false,
    lower(tape, target, output, fromLogits) {
      const result = perRow(tape, output);
      const params = { threshold: fromLogits ? 0 : 0.5 };
      tape.call('BinaryAccuracy', [matrix(tape, target), matrix(tape, output)], [flat(tape, result)], params);
      return result;
    },
  },
  ...Object.fromEntries(Object.entries(losses).map(([name, loss]) => [name, lossMetric(loss)])),
};

const shortNames: Readonly<Record<string, string>> = {
  mse: 'meanSquaredError',
  mae: 'meanAbsoluteError',
  mape: 'meanAbsolutePercentageError',
  cosine: 'cosineProximity',
};

/** The name of a metric's function, as upstream's `compile` finds it for an output. */
export function metricName(metric: string, loss: string, { shape }: Step): string {
  const kind =
    last(shape) === 1 || loss === 'binaryCrossentropy'
      ? 'binary'
      : loss === 'sparseCategoricalCrossentropy'
        ? 'sparseCategorical'
        : 'categorical';
  if (metric === 'accuracy' || metric === 'acc') return `${kind}Accuracy`;
  if (metric === 'crossentropy' || metric === 'ce') return `${kind}Crossentropy`;
  return shortNames[metric] ?? shortNames[metric.toLowerCase()] ?? metric;
}

/** BatchNormalization, which needs the whole batch in training. */
import { layers } from '@tensorflow/tfjs-layers';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { type Parameter, sizeOf, type Tape, type Value } from '../tape';
import { activate, activationGradient } from './activation';
import { fromTheFront, toTheEnd } from './axes';
import type { LayerRule, Lowered } from './rule';
import { optionalWeight, refuseRegularizers } from './weights';

interface BatchNormalization {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly movingMean: LayerVariable;
  readonly movingVariance: LayerVariable;
}

/** Fewer rows of channels in a sample are not worth sums of their own. */
const fewRows = 4;

/** What both forms need of a layer. */
interface Normalization {
  readonly gamma: Parameter | undefined;
  readonly beta: Parameter | undefined;
  readonly varianceEpsilon: number;
  readonly activation: string;
}

/** Each of `mean` and `variance` is of one batch. */
type Normalized = Lowered & { readonly mean: Value; readonly variance: Value };

/** The whole batch at once. */
function wholeBatch(
  { gamma, beta, varianceEpsilon, activation }: Normalization,
  x: Value,
  tape: Tape,
  wanted: boolean,
): Normalized {
  const [channels, shape] = [x.dims.slice(-1), x.dims.slice(1)];
  const [mean, variance, z] = [tape.once(channels), tape.once(channels), tape.value(shape)];
  const inputs = [x, beta?.value, gamma?.value, undefined, undefined];
  const outputs = [z, mean, variance, undefined, undefined];
  const micro = { micro: 'never' as const };
  tape.call('FusedBatchNormTraining', inputs, outputs, { varianceEpsilon, decay: 0 }, micro);
  const output = activate(tape, activation, z);
  return {
    output,
    mean,
    variance,
    backward(dy) {
      const dz = activationGradient(tape, activation, dy, output);
      const dx = wanted ? tape.value(shape) : undefined;
      const gradients = [dx, gamma?.gradient, beta?.gradient];
      if (gradients.some((gradient) => gradient !== undefined)) {
        const from = [dz, x, mean, variance, gamma?.value];
        tape.call('FusedBatchNormTrainingGrad', from, gradients, { varianceEpsilon }, micro);
      }
      return [dx];
    },
  };
}

/** A few samples at a time, but for a few numbers a channel; relu is part of it. */
function inParts(
  { gamma, beta, varianceEpsilon, activation }: Normalization,
  x: Value,
  tape: Tape,
  wanted: boolean,
): Normalized {
  const [channels] = x.dims.slice(-1) as [number];
  const shape = x.dims.slice(1);
  const [always, never] = [{ micro: 'always' as const }, { micro: 'never' as const }];
  const [mean, variance, factor] = [tape.once([channels]), tape.once([channels]), tape.once([channels])];
  const moments = tape.value([3, channels]);
  tape.call('BatchNormMoments', [x], [moments], {}, always);
  const statistics = [mean, variance, factor];
  tape.call('BatchNormStatistics', [moments, gamma?.value], statistics, { varianceEpsilon }, never);
  const z = tape.value(shape);
  const normal = [x, mean, factor, beta?.value];
  const fused = { activation: activation === 'relu' ? 1 : 0 };
  tape.call('BatchNormApply', normal, [z], fused, { ...always, cheap: true });
  const after = activation === 'relu' ? 'linear' : activation;
  const output = activate(tape, after, z);
  return {
    output,
    mean,
    variance,
    backward(dy) {
      const dx = wanted ? tape.value(shape) : undefined;
      const slope = wanted ? tape.once([2, channels]) : undefined;
      const gradients = [gamma?.gradient, beta?.gradient, slope];
      if (gradients.every((gradient) => gradient === undefined)) return [undefined];
      const dz = activationGradient(tape, after, dy, output);
      const sums = tape.value([2, channels]);
      tape.call('BatchNormGradSums', [dz, ...normal], [sums], fused, always);
      const params = { varianceEpsilon, rows: sizeOf(x) / channels };
      tape.call('BatchNormGradStatistics', [sums, variance, factor], gradients, params, never);
      if (dx) tape.call('BatchNormGradInput', [dz, ...normal, slope], [dx], fused, always);
      return [dx];
    },
  };
}

/** With the moving averages, as in inference. */
function withAverages(
  { gamma, beta, varianceEpsilon, activation }: Normalization,
  { movingMean, movingVariance }: BatchNormalization,
  x: Value,
  tape: Tape,
): Lowered {
  const z = tape.value(x.dims.slice(1));
  const [mean, variance] = [movingMean, movingVariance].map((average) => tape.parameter(average).value);
  tape.call('FusedBatchNorm', [x, mean, variance, beta?.value, gamma?.value], [z], { varianceEpsilon });
  return { output: activate(tape, activation, z), backward: () => [undefined] };
}

function moveAverage(tape: Tape, variable: LayerVariable, value: Value, decay: number): void {
  const average = tape.parameter(variable).value;
  tape.closingCall('AssignMovingAverage', [average, value], [average], { decay });
}

export const batchNormalization: LayerRule = {
  probe: () => layers.batchNormalization(),
  refuse(layer) {
    const { axis } = layer as unknown as BatchNormalization;
    return axis === 0 ? 'its axis is that of the batch' : refuseRegularizers(layer, ['gamma', 'beta']);
  },
  // One that follows goes with it.
  activation: () => 'linear',
  lower({ layers: [layer], activation }, [input], tape, [wanted]) {
    const { axis, momentum, epsilon, movingMean, movingVariance } = layer as Layer & BatchNormalization;
    const rank = (input as Value).dims.length;
    const { forth, back } = toTheEnd(tape, rank, fromTheFront(axis, rank));
    const x = forth(input as Value);
    const gamma = optionalWeight(layer as Layer, 'gamma', tape);
    const beta = optionalWeight(layer as Layer, 'beta', tape);
    const lower = sizeOf(x) < fewRows * (x.dims.at(-1) as number) ? wholeBatch : inParts;
    const of = { gamma, beta, varianceEpsilon: epsilon, activation };
    const moved = ({ output, backward }: Lowered): Lowered => ({
      output: back(output),
      backward: (dy) => backward(forth(dy)).map((dx) => dx && back(dx)),
    });
    if (!tape.training) return moved(withAverages(of, layer as Layer & BatchNormalization, x, tape));
    const { mean, variance, ...lowered } = lower(of, x, tape, wanted as boolean);
    moveAverage(tape, movingMean, mean, 1 - momentum);
    moveAverage(tape, movingVariance, variance, 1 - momentum);
    return moved(lowered);
  },
};

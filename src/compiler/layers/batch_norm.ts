/** BatchNormalization, which needs the whole batch in training. */
import { layers } from '@tensorflow/tfjs-layers';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Tape, Value } from '../tape';
import { activate, activationGradient } from './activation';
import type { LayerRule } from './rule';
import { optionalWeight, refuseRegularizers } from './weights';

interface BatchNormalization {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly movingMean: LayerVariable;
  readonly movingVariance: LayerVariable;
}

export const batchNormalization: LayerRule = {
  probe: () => layers.batchNormalization(),
  refuse(layer) {
    const { axis } = layer as unknown as BatchNormalization;
    const rank = layer.inboundNodes[0]?.inputTensors[0]?.rank as number;
    if (axis !== -1 && axis !== rank - 1) return `its axis is ${axis}, not the last`;
    return refuseRegularizers(layer, ['gamma', 'beta']);
  },
  // One that follows goes with it.
  activation: () => 'linear',
  lower({ layers: [layer], activation, shape }, [input], tape, [wanted]) {
    const x = input as Value;
    const { momentum, epsilon, movingMean, movingVariance } = layer as Layer & BatchNormalization;
    const gamma = optionalWeight(layer as Layer, 'gamma', tape);
    const beta = optionalWeight(layer as Layer, 'beta', tape);
    const channels = x.dims.slice(-1);
    const [mean, variance] = [tape.once(channels), tape.once(channels)];
    const decay = 1 - momentum;
    const z = tape.value(shape);
    const inputs = [x, beta?.value, gamma?.value, undefined, undefined];
    const params = { varianceEpsilon: epsilon, decay };
    const micro = { micro: 'never' as const };
    tape.call('FusedBatchNormTraining', inputs, [z, mean, variance, undefined, undefined], params, micro);
    moveAverage(tape, movingMean, mean, decay);
    moveAverage(tape, movingVariance, variance, decay);
    const output = activate(tape, activation, z);
    return {
      output,
      backward(dy) {
        const dz = activationGradient(tape, activation, dy, output);
        const dx = wanted ? tape.value(shape) : undefined;
        const gradients = [dx, gamma?.gradient, beta?.gradient];
        if (gradients.some((gradient) => gradient !== undefined)) {
          const from = [dz, x, mean, variance, gamma?.value];
          tape.call('FusedBatchNormTrainingGrad', from, gradients, params, micro);
        }
        return [dx];
      },
    };
  },
};

function moveAverage(tape: Tape, variable: LayerVariable, value: Value, decay: number): void {
  const average = tape.parameter(variable).value;
  tape.closingCall('AssignMovingAverage', [average, value], [average], { decay });
}

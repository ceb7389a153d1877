/** What layers with weights have in common. */
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Regularizer } from '@tensorflow/tfjs-layers/dist/regularizers';
import { type Parameter, sizeOf, type Tape, type Value } from '../tape';
import { activationGradient, refuseActivation } from './activation';

interface Weighted {
  readonly kernel: LayerVariable;
  readonly bias: LayerVariable | null;
  readonly kernelRegularizer: Regularizer | null;
  readonly biasRegularizer: Regularizer | null;
  readonly activityRegularizer: Regularizer | null;
  readonly kernelConstraint: object | null;
  readonly biasConstraint: object | null;
}

/** Why a layer with weights cannot be compiled, if it cannot. */
export function refuseWeights(layer: Layer): string | undefined {
  const weighted = layer as unknown as Weighted;
  if (weighted.kernelConstraint || weighted.biasConstraint) return 'it has a constraint';
  if (weighted.activityRegularizer) return 'it has an activity regularizer';
  for (const regularizer of [weighted.kernelRegularizer, weighted.biasRegularizer]) {
    if (regularizer && regularizer.getClassName() !== 'L1L2')
      return 'it has a regularizer other than L1 and L2';
  }
  return refuseActivation(layer);
}

/** The factors of a regularizer that {@link refuseWeights} let pass. */
function factors(regularizer: Regularizer | null): { l1: number; l2: number } {
  return (regularizer as unknown as { l1: number; l2: number } | null) ?? { l1: 0, l2: 0 };
}

/** A layer's kernel and bias. */
export function weightsOf(layer: Layer, tape: Tape): { kernel: Parameter; bias: Parameter | undefined } {
  const { kernel, bias, kernelRegularizer, biasRegularizer } = layer as unknown as Weighted;
  return {
    kernel: tape.parameter(kernel, factors(kernelRegularizer)),
    bias: bias == null ? undefined : tape.parameter(bias, factors(biasRegularizer)),
  };
}

/**
 * Writes the gradients of y = activation(z + bias): of z, which is returned, and of the bias, summed over all but the
 * last dimension.
 */
export function biasGradient(
  tape: Tape,
  activation: string,
  dy: Value,
  y: Value,
  bias: Value | undefined,
): Value {
  const columns = y.dims.at(-1) as number;
  if (activation === 'relu' && bias !== undefined) {
    const dz = tape.value(y.dims.slice(1));
    tape.call('BiasReluGrad', [dy, y], [dz, bias], {});
    return dz;
  }
  const dz = activationGradient(tape, activation, dy, y);
  if (bias !== undefined) {
    const rows = tape.view(dz, [1, sizeOf(dz) / columns, columns], 1);
    tape.call('Sum', [rows], [tape.view(bias, [1, columns])], {});
  }
  return dz;
}

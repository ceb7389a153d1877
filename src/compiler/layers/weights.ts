/** What layers with weights have in common. */
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Constraint } from '@tensorflow/tfjs-layers/dist/constraints';
import type { Regularizer } from '@tensorflow/tfjs-layers/dist/regularizers';
import { refuseConstraint } from '../constraints';
import { type Parameter, sizeOf, type Tape, type Value } from '../tape';
import { activationGradient, refuseActivation } from './activation';
import { folded } from './fold';

/** Why a layer with weights of these names cannot be compiled, if it cannot. */
export function refuseRegularizers(layer: Layer, names: readonly string[]): string | undefined {
  const fields = layer as unknown as Record<string, Regularizer | null | undefined>;
  const constraints = layer as unknown as Record<string, Constraint | null | undefined>;
  for (const name of names) {
    const reason = refuseConstraint(constraints[`${name}Constraint`]);
    if (reason !== undefined) return reason;
  }
  if (fields.activityRegularizer) return 'it has an activity regularizer';
  if (names.some((name) => (fields[`${name}Regularizer`]?.getClassName() ?? 'L1L2') !== 'L1L2'))
    return 'it has a regularizer other than L1 and L2';
  return undefined;
}

/** Why a layer with a kernel, a bias and an activation cannot be compiled, if it cannot. */
export function refuseWeights(layer: Layer): string | undefined {
  return refuseRegularizers(layer, ['kernel', 'bias']) ?? refuseActivation(layer);
}

/** The factors of a regularizer that {@link refuseRegularizers} let pass. */
function factors(regularizer: Regularizer | null | undefined): { l1: number; l2: number } {
  return (regularizer as unknown as { l1: number; l2: number } | null | undefined) ?? { l1: 0, l2: 0 };
}

/**
 * A layer's weight of this name, if it has it.
 * @param regularizer the name of its regularizer's field
 */
export function optionalWeight(
  layer: Layer,
  name: string,
  tape: Tape,
  regularizer = `${name}Regularizer`,
): Parameter | undefined {
  const weights = layer as unknown as Record<string, LayerVariable | null | undefined>;
  const regularizers = layer as unknown as Record<string, Regularizer | null | undefined>;
  const variable = weights[name];
  return variable ? tape.parameter(variable, factors(regularizers[regularizer])) : undefined;
}

/** A layer's kernel and bias. */
export function weightsOf(layer: Layer, tape: Tape): { kernel: Parameter; bias: Parameter | undefined } {
  return folded(layer, tape, {
    kernel: optionalWeight(layer, 'kernel', tape) as Parameter,
    bias: optionalWeight(layer, 'bias', tape),
  });
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

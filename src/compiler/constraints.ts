/** The constraints of tf.constraints on weights, as calls after the optimizer's step. */
import { constraints, type LayerVariable } from '@tensorflow/tfjs-layers';
import type { Constraint } from '@tensorflow/tfjs-layers/dist/constraints';
import { type Parameter, sizeOf, type Tape } from './tape';

/** Norms over `axis` of a weight, and where they may be. */
interface NormBounds {
  readonly axis: number;
  readonly minValue: number;
  readonly maxValue: number;
  readonly rate: number;
}

/** What each class of them leaves open. */
const normBounds: Readonly<Record<string, Partial<NormBounds>>> = {
  MaxNorm: { minValue: 0, rate: 1 },
  MinMaxNorm: {},
  UnitNorm: { minValue: 1, maxValue: 1, rate: 1 },
};

const probes: Readonly<Record<string, () => Constraint>> = {
  MaxNorm: () => constraints.maxNorm({}),
  MinMaxNorm: () => constraints.minMaxNorm({}),
  NonNeg: () => constraints.nonNeg(),
  UnitNorm: () => constraints.unitNorm({}),
};

/** The constraint of a layer's weight. */
export function constraintOf(variable: LayerVariable): Constraint | null | undefined {
  return (variable as unknown as { constraint?: Constraint | null }).constraint;
}

/** Why a weight's constraint cannot be compiled, if it cannot. */
export function refuseConstraint(constraint: Constraint | null | undefined): string | undefined {
  if (!constraint) return undefined;
  const probe = probes[constraint.getClassName()]?.();
  const { axis } = constraint as unknown as Partial<NormBounds>;
  const own = probe?.constructor !== constraint.constructor || Object.hasOwn(constraint, 'apply');
  if (own) return 'it has a constraint of the program’s own';
  return axis === undefined || Number.isInteger(axis) ? undefined : 'its constraint is over several axes';
}

const epsilon = 1e-7;

/** Writes what a weight's constraint, one that {@link refuseConstraint} lets pass, makes of it after each update. */
export function constrain(tape: Tape, { variable, value }: Parameter): void {
  const constraint = constraintOf(variable);
  if (!constraint) return;
  const bounds = normBounds[constraint.getClassName()];
  if (bounds === undefined) {
    tape.closingCall('Relu', [value], [value], {});
    return;
  }
  const fields = { ...(constraint as unknown as NormBounds), ...bounds };
  const { minValue, maxValue, rate } = fields;
  const axis = fields.axis < 0 ? fields.axis + value.dims.length : fields.axis;
  const length = value.dims[axis] as number;
  const inner = sizeOf({ dims: value.dims.slice(axis + 1) });
  const x = tape.view(value, [sizeOf(value) / length / inner, length, inner]);
  tape.closingCall('ConstrainNorm', [x], [x], { minValue, maxValue, rate, epsilon });
}

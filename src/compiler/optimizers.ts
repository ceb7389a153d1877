/** The optimizers of tf.train that have a native step, and what each one's step needs. */
import {
  AdadeltaOptimizer,
  AdagradOptimizer,
  AdamaxOptimizer,
  AdamOptimizer,
  engine,
  fill,
  MomentumOptimizer,
  type Optimizer,
  RMSPropOptimizer,
  SGDOptimizer,
  tidy,
  util,
  type Variable,
} from '@tensorflow/tfjs-core';
import type { OptimizerOp } from '../backend/kernels/optimizer';
import type { OpParams } from '../backend/ops';
import { nativeError } from '../errors';

/** The fields of upstream's optimizers that are used here: protected there, stable since 1.0. */
interface Fields {
  readonly learningRate: number;
  readonly momentum: number;
  readonly useNesterov: boolean;
  readonly decay: number;
  readonly centered: boolean;
  readonly rho: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly initialAccumulatorValue: number;
  readonly accBeta1: Variable;
  readonly accBeta2: Variable;
  readonly iteration: Variable;
}

interface Slot {
  originalName: string;
  variable: Variable;
}

/** How one optimizer's step runs natively. */
export interface Rule<Op extends OptimizerOp = OptimizerOp> {
  readonly op: Op;
  /** The field of each slot's list, the suffix of its name, and its first value. */
  readonly slots: readonly (readonly [field: string, suffix: string, start: number])[];
  /** Numbers that the op takes after the slots: base to the power of this step's number, or the steps done before. */
  readonly scalars?: readonly { readonly variable: Variable; readonly base?: number }[];
  readonly params: OpParams[Op];
}

function rmsProp(o: Fields): Rule {
  const { learningRate, decay, momentum, epsilon } = o;
  const slots = [
    ['accumulatedMeanSquares', 'rms', 0],
    ['accumulatedMoments', 'momentum', 0],
  ] as const;
  return {
    op: o.centered ? 'ApplyCenteredRMSProp' : 'ApplyRMSProp',
    slots: o.centered ? [...slots, ['accumulatedMeanGrads', 'mg', 0]] : slots,
    params: { learningRate, decay, oneMinusDecay: 1 - decay, momentum, epsilon },
  };
}

function adam(o: Fields): Rule<'ApplyAdam'> {
  const { learningRate, beta1, beta2, epsilon } = o;
  return {
    op: 'ApplyAdam',
    slots: [
      ['accumulatedFirstMoment', 'm', 0],
      ['accumulatedSecondMoment', 'v', 0],
    ],
    scalars: [
      { variable: o.accBeta1, base: beta1 },
      { variable: o.accBeta2, base: beta2 },
    ],
    params: { learningRate, beta1, oneMinusBeta1: 1 - beta1, beta2, oneMinusBeta2: 1 - beta2, epsilon },
  };
}

function adaMax(o: Fields): Rule<'ApplyAdaMax'> {
  const { learningRate, beta1, beta2, epsilon, decay } = o;
  return {
    op: 'ApplyAdaMax',
    slots: [
      ['accumulatedFirstMoment', 'm', 0],
      ['accumulatedWeightedInfNorm', 'v', 0],
    ],
    scalars: [{ variable: o.accBeta1, base: beta1 }, { variable: o.iteration }],
    params: { learningRate, beta1, oneMinusBeta1: 1 - beta1, beta2, epsilon, decay },
  };
}

/** Momentum before SGD, which it extends. */
const rules: readonly (readonly [{ prototype: object }, (optimizer: Fields) => Rule])[] = [
  [AdamOptimizer, adam],
  [AdamaxOptimizer, adaMax],
  [RMSPropOptimizer, rmsProp],
  [
    MomentumOptimizer,
    ({ learningRate, momentum, useNesterov }) => ({
      op: 'ApplyMomentum',
      slots: [['accumulations', 'momentum', 0]],
      params: { learningRate, momentum, useNesterov: Number(useNesterov) },
    }),
  ],
  [SGDOptimizer, ({ learningRate }) => ({ op: 'ApplyGradientDescent', slots: [], params: { learningRate } })],
  [
    AdagradOptimizer,
    ({ learningRate, initialAccumulatorValue }) => ({
      op: 'ApplyAdagrad',
      slots: [['accumulatedGrads', 'accumulator', initialAccumulatorValue]],
      params: { learningRate, epsilon: engine().backend.epsilon() },
    }),
  ],
  [
    AdadeltaOptimizer,
    ({ learningRate, rho, epsilon }) => ({
      op: 'ApplyAdadelta',
      slots: [
        ['accumulatedGrads', 'accum_grad', 0],
        ['accumulatedUpdates', 'accum_var', 0],
      ],
      params: { learningRate, rho, oneMinusRho: 1 - rho, epsilon },
    }),
  ],
];

/** The classes that have a native step, each with the rule of an optimizer's settings of now. */
export const optimizerRules = rules.map(
  ([optimizerClass, ruleOf]) =>
    [optimizerClass, (optimizer: Optimizer) => ruleOf(optimizer as unknown as Fields)] as const,
);

/**
 * What an optimizer keeps of a variable.
 * @param s which of the rule's slots
 * @param i which of the variables that the optimizer updates, in their order
 * @throws TfjsNativeError INVALID_ARGUMENT if it keeps something of another shape there
 */
export function slotOf(optimizer: Optimizer, rule: Rule, s: number, i: number, variable: Variable): Variable {
  const [field, suffix, start] = rule.slots[s] as Rule['slots'][number];
  const list = (optimizer as unknown as Record<string, Slot[]>)[field] as Slot[];
  list[i] ??= {
    originalName: `${variable.name}/${suffix}`,
    variable: tidy(() => fill(variable.shape, start).variable(false)),
  };
  const slot = list[i].variable;
  if (!util.arraysEqual(slot.shape, variable.shape)) {
    const wanted = `${variable.shape}, that of ${variable.name}: each model needs an optimizer of its own`;
    throw nativeError(
      'INVALID_ARGUMENT',
      `The shape of the optimizer's ${list[i].originalName}`,
      slot.shape,
      wanted,
    );
  }
  return slot;
}

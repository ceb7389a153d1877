/**
 * Gives tf.train's optimizers an `applyGradients` that updates each variable in one native pass, where upstream
 * runs a dozen ops. State, names and results (within rounding) are upstream's; on other backends, and for
 * variables that are not float32, upstream's own method runs.
 */
import {
  AdadeltaOptimizer,
  AdagradOptimizer,
  AdamaxOptimizer,
  AdamOptimizer,
  engine,
  add,
  fill,
  MomentumOptimizer,
  mul,
  type NamedTensorMap,
  RMSPropOptimizer,
  SGDOptimizer,
  type Tensor,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import type { OptimizerOp } from '../backend/kernels/optimizer';
import type { OpParams } from '../backend/ops';

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
  incrementIterations(): void;
}

interface Slot {
  originalName: string;
  variable: Variable;
}

/** How one optimizer's step runs natively. */
interface Rule<Op extends OptimizerOp = OptimizerOp> {
  readonly op: Op;
  /** The field of each slot's list, the suffix of its name, and its first value. */
  readonly slots: readonly (readonly [field: string, suffix: string, start: number])[];
  readonly scalars?: readonly Tensor[];
  readonly params: OpParams[Op];
  /** What upstream does once a step, after the variables. */
  finish?(): void;
}

type Gradients = NamedTensorMap | { name: string; tensor: Tensor }[];

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
    scalars: [o.accBeta1, o.accBeta2],
    params: { learningRate, beta1, oneMinusBeta1: 1 - beta1, beta2, oneMinusBeta2: 1 - beta2, epsilon },
    finish() {
      o.accBeta1.assign(mul(o.accBeta1, beta1));
      o.accBeta2.assign(mul(o.accBeta2, beta2));
    },
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
    scalars: [o.accBeta1, o.iteration],
    params: { learningRate, beta1, oneMinusBeta1: 1 - beta1, beta2, epsilon, decay },
    finish() {
      o.iteration.assign(add(o.iteration, 1));
      o.accBeta1.assign(mul(o.accBeta1, beta1));
    },
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

/** Applies a rule to one variable and its gradient. */
function updateVariable(rule: Rule, variable: Variable, slots: readonly Variable[], gradient: Tensor): void {
  const inputs: Record<string, Tensor> = { variable };
  for (const [i, slot] of slots.entries()) inputs[`slot${i}`] = slot;
  for (const [i, scalar] of (rule.scalars ?? []).entries()) inputs[`scalar${i}`] = scalar;
  inputs.gradient = gradient;
  const attrs = rule.params as unknown as Record<string, number>;
  const outputs = engine().runKernel(rule.op, inputs, attrs) as unknown as Tensor[];
  for (const [i, target] of [variable, ...slots].entries()) target.assign(outputs[i] as Tensor);
}

function applyGradients(
  optimizer: Fields,
  rule: Rule,
  gradients: readonly (readonly [string, Tensor])[],
): void {
  const lists = rule.slots.map(
    ([field]) => (optimizer as unknown as Record<string, Slot[]>)[field] as Slot[],
  );
  tidy(() => {
    for (const [i, [name, gradient]] of gradients.entries()) {
      const variable = engine().registeredVariables[name] as Variable;
      for (const [s, [, suffix, start]] of rule.slots.entries()) {
        const list = lists[s] as Slot[];
        list[i] ??= {
          originalName: `${name}/${suffix}`,
          variable: tidy(() => fill(variable.shape, start).variable(false)),
        };
      }
      if (gradient == null) continue;
      const slots = lists.map((list) => (list[i] as Slot).variable);
      updateVariable(rule, variable, slots, gradient);
    }
    rule.finish?.();
  });
  optimizer.incrementIterations();
}

function isFloat(tensor: Tensor | undefined): boolean {
  return tensor === undefined || tensor === null || tensor.dtype === 'float32';
}

for (const [optimizerClass, ruleOf] of rules) {
  const prototype = optimizerClass.prototype as { applyGradients(gradients: Gradients): void };
  const upstream = prototype.applyGradients;
  prototype.applyGradients = function (gradients) {
    const list = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) => [name, tensor] as const)
      : Object.entries(gradients);
    const native =
      engine().backendName === 'native' &&
      list.every(([name, gradient]) => isFloat(gradient) && isFloat(engine().registeredVariables[name]));
    if (!native) return upstream.call(this, gradients);
    const fields = this as unknown as Fields;
    applyGradients(fields, ruleOf(fields), list);
  };
}

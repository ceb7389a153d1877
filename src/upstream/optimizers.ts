/**
 * Gives tf.train's optimizers an `applyGradients` that updates each variable in one native pass, where upstream
 * runs a dozen ops. State, names and results (within rounding) are upstream's; on other backends, and for
 * variables that are not float32, upstream's own method runs.
 *
 * While a model trains compiled, its plan holds the optimizer's state; whoever reads or changes it gets it back first.
 */
import {
  add,
  engine,
  mul,
  type NamedTensorMap,
  type Optimizer,
  type Tensor,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import { settleOptimizer } from '../compiler';
import { clipped, clippingOf } from '../compiler/clipping';
import { optimizerRules, type Rule, slotOf } from '../compiler/optimizers';

type Gradients = NamedTensorMap | { name: string; tensor: Tensor }[];

function named(gradients: Gradients): { name: string; tensor: Tensor }[] {
  if (Array.isArray(gradients)) return gradients;
  return Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
}

/** Applies a rule to one variable and its gradient. */
function updateVariable(rule: Rule, variable: Variable, slots: readonly Variable[], gradient: Tensor): void {
  const inputs: Record<string, Tensor> = { variable };
  for (const [i, slot] of slots.entries()) inputs[`slot${i}`] = slot;
  for (const [i, { variable: scalar }] of (rule.scalars ?? []).entries()) inputs[`scalar${i}`] = scalar;
  inputs.gradient = gradient;
  const attrs = rule.params as unknown as Record<string, number>;
  const outputs = engine().runKernel(rule.op, inputs, attrs) as unknown as Tensor[];
  for (const [i, target] of [variable, ...slots].entries()) target.assign(outputs[i] as Tensor);
}

/** What upstream does once a step, after the variables. */
function finish({ scalars = [] }: Rule): void {
  for (const { variable, base } of scalars) {
    variable.assign(base === undefined ? add(variable, 1) : mul(variable, base));
  }
}

function applyGradients(
  optimizer: Optimizer,
  rule: Rule,
  gradients: readonly { name: string; tensor: Tensor }[],
): void {
  tidy(() => {
    for (const [i, { name, tensor: gradient }] of gradients.entries()) {
      const variable = engine().registeredVariables[name] as Variable;
      const slots = rule.slots.map((_, s) => slotOf(optimizer, rule, s, i, variable));
      if (gradient == null) continue;
      updateVariable(rule, variable, slots, gradient);
    }
    finish(rule);
  });
  (optimizer as unknown as { incrementIterations(): void }).incrementIterations();
}

function isFloat(tensor: Tensor | undefined): boolean {
  return tensor === undefined || tensor === null || tensor.dtype === 'float32';
}

for (const [optimizerClass, ruleOf] of optimizerRules) {
  const prototype = optimizerClass.prototype as { applyGradients(gradients: Gradients): void };
  const upstream = prototype.applyGradients;
  prototype.applyGradients = function (this: Optimizer, given) {
    tidy(() => {
      const clipping = clippingOf(this);
      const list = clipping ? clipped(named(given), clipping) : named(given);
      const native =
        engine().backendName === 'native' &&
        list.every(({ name, tensor }) => isFloat(tensor) && isFloat(engine().registeredVariables[name]));
      if (native) applyGradients(this, ruleOf(this), list);
      else upstream.call(this, clipping ? list : given);
    });
  };
  for (const name of ['getWeights', 'setWeights', 'applyGradients', 'dispose'] as const) {
    const methods = prototype as unknown as Record<typeof name, (...args: unknown[]) => unknown>;
    const method = methods[name];
    methods[name] = function (this: Optimizer, ...args) {
      const settled = settleOptimizer(this);
      return settled ? settled.then(() => method.apply(this, args)) : method.apply(this, args);
    };
  }
}

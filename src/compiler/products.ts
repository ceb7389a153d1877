/**
 * Takes those matrix products out of a step's calls that are a weight's whole gradient: the update makes them a few rows
 * at a time and takes the optimizer's step on these while they are in the first-level cache.
 */
import type { Call, Memory, Parameter, Tape, Value } from './tape';

/** A gradient x^T dy: of [rows, depth] and [rows, units]. */
export interface Product {
  readonly x: Value;
  readonly dy: Value;
}

function productOf(
  { op, inputs: [x, dy], outputs: [output], params }: Call,
  gradient: Value,
): Product | undefined {
  if (op !== 'BatchMatMul' || output !== gradient || !x || !dy) return undefined;
  return params['transposeA'] && !params['transposeB'] ? { x, dy } : undefined;
}

/** The products that only the update reads, which are no longer among the tape's calls then. */
export function takeProducts({ calls, parameters }: Tape): Map<Parameter, Product> {
  const users = new Map<Memory, Call[]>();
  for (const call of calls) {
    for (const value of [...call.inputs, ...call.outputs]) {
      if (value) users.set(value.memory, [...(users.get(value.memory) ?? []), call]);
    }
  }
  const products = new Map<Parameter, Product>();
  for (const parameter of parameters) {
    const { gradient } = parameter;
    const [call, ...others] = (gradient && users.get(gradient.memory)) ?? [];
    const product = gradient && call && others.length === 0 && productOf(call, gradient);
    if (!product) continue;
    products.set(parameter, product);
    calls.splice(calls.indexOf(call), 1);
  }
  return products;
}

/**
 * Takes those matrix products out of a step's calls that are all that a weight's use adds to its gradient: the update makes them a few rows
 * at a time and takes the optimizer's step on these while they are in the first-level cache.
 */
import type { Call, Memory, Tape, Value } from './tape';

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

/** The products that only the update reads, by the gradients that they are, which are no longer among the tape's calls then. */
export function takeProducts({ calls, parameters }: Tape): Map<Value, Product> {
  const users = new Map<Memory, Call[]>();
  for (const call of calls) {
    for (const value of [...call.inputs, ...call.outputs]) {
      if (value) users.set(value.memory, [...(users.get(value.memory) ?? []), call]);
    }
  }
  const products = new Map<Value, Product>();
  for (const gradient of parameters.flatMap(({ gradients }) => gradients)) {
    const [call, ...others] = users.get(gradient.memory) ?? [];
    const product = call && others.length === 0 && productOf(call, gradient);
    if (!product) continue;
    products.set(gradient, product);
    calls.splice(calls.indexOf(call), 1);
  }
  return products;
}

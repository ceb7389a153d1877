/** Arithmetic on values, number by number, as calls of native ops. */
import { patternOf } from '../../backend/kernels/fill';
import { sizeOf, type Tape, type Value } from '../tape';

type Unary =
  | 'Abs'
  | 'Erf'
  | 'Exp'
  | 'Log'
  | 'Neg'
  | 'Relu'
  | 'Relu6'
  | 'Selu'
  | 'Sigmoid'
  | 'Softplus'
  | 'Sqrt'
  | 'Square'
  | 'Tanh';
type Binary = 'Add' | 'Sub' | 'Multiply' | 'RealDiv' | 'Maximum' | 'Minimum';
type Comparison = 'Equal' | 'NotEqual' | 'Greater' | 'GreaterEqual' | 'Less' | 'LessEqual';

/** The dimensions of both together, of which one may have 1 where the other has more. */
function broadcast(a: Value, b: Value): number[] {
  if (a.dims.length !== b.dims.length) return [...a.dims];
  return a.dims.map((length, i) => Math.max(length, b.dims[i] as number));
}

/**
 * Writes sums over those dimensions, after the batch's, of which `dims` has 1: the gradient of a value that was broadcast
 * from there.
 */
export function sumTo(tape: Tape, from: Value, dims: readonly number[]): Value {
  let sum = from;
  for (const [i, length] of dims.entries()) {
    const most = sum.dims[i] as number;
    if (i === 0 || length !== 1 || most === 1) continue;
    const [outer, inner] = [sizeOf({ dims: sum.dims.slice(0, i) }), sizeOf({ dims: sum.dims.slice(i + 1) })];
    const next = tape.like({ dims: sum.dims.with(i, 1) });
    tape.call('Sum', [tape.view(sum, [outer, most, inner])], [tape.view(next, [outer, inner])], {});
    sum = next;
  }
  return sum;
}

/** Writes arithmetic on a tape; a number stands for a tensor full of it. */
export class Elementwise {
  readonly #constants = new Map<number, Value>();

  constructor(readonly tape: Tape) {}

  unary(op: Unary, x: Value): Value {
    const y = this.tape.like(x);
    this.tape.call(op, [x], [y], {});
    return y;
  }

  /** Each may have dimensions of length 1, as weights do in that of the batch. */
  binary(op: Binary, a: Value, b: Value | number): Value {
    const y = this.tape.like(typeof b === 'number' ? a : { dims: broadcast(a, b) });
    this.tape.call(op, [a, this.#operand(a, b)], [y], {});
    return y;
  }

  add(a: Value, b: Value | number): Value {
    return this.binary('Add', a, b);
  }

  multiply(a: Value, b: Value | number): Value {
    return this.binary('Multiply', a, b);
  }

  /** Truth values. */
  compare(op: Comparison, a: Value, b: Value | number): Value {
    const y = this.tape.like(typeof b === 'number' ? a : { dims: broadcast(a, b) }, 'bool');
    this.tape.call(op, [a, this.#operand(a, b)], [y], {});
    return y;
  }

  /** 1 where a comparison holds, 0 elsewhere. */
  indicator(op: Comparison, a: Value, b: Value | number): Value {
    const truth = this.compare(op, a, b);
    const y = this.tape.like(truth);
    this.tape.call('Cast', [truth], [y], {});
    return y;
  }

  select(condition: Value, yes: Value, no: Value): Value {
    const y = this.tape.like(yes);
    this.tape.call('Select', [condition, yes, no], [y], {});
    return y;
  }

  /** 1 above zero, `alpha` elsewhere. */
  step(x: Value, alpha: number): Value {
    const y = this.tape.like(x);
    this.tape.call('Step', [x], [y], { alpha });
    return y;
  }

  clip(x: Value, clipValueMin: number, clipValueMax: number): Value {
    const y = this.tape.like(x);
    this.tape.call('ClipByValue', [x], [y], { clipValueMin, clipValueMax });
    return y;
  }

  #operand(a: Value, b: Value | number): Value {
    if (typeof b !== 'number') {
      // Computed values are of one shape, whatever views they come as.
      return b.batchDim === undefined || sizeOf(b) !== sizeOf(a) ? b : this.tape.view(b, a.dims);
    }
    let constant = this.#constants.get(b);
    if (constant === undefined) {
      constant = this.tape.prepared('Fill', [], [1], { pattern: patternOf(b, 'float32') });
      this.#constants.set(b, constant);
    }
    return this.tape.view(
      constant,
      a.dims.map(() => 1),
    );
  }
}

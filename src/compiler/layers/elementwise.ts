/** Arithmetic on values of one shape, number by number, as calls of native ops. */
import { patternOf } from '../../backend/kernels/fill';
import { sizeOf, type Tape, type Value } from '../tape';

type Unary =
  | 'Abs'
  | 'Erf'
  | 'Exp'
  | 'Neg'
  | 'Relu6'
  | 'Selu'
  | 'Sigmoid'
  | 'Softplus'
  | 'Sqrt'
  | 'Square'
  | 'Tanh';
type Binary = 'Add' | 'Sub' | 'Multiply' | 'RealDiv' | 'Maximum' | 'Minimum';
type Comparison = 'NotEqual' | 'Greater' | 'GreaterEqual' | 'Less' | 'LessEqual';

/** Writes arithmetic on a tape; a number stands for a tensor full of it. */
export class Elementwise {
  readonly #constants = new Map<number, Value>();

  constructor(readonly tape: Tape) {}

  unary(op: Unary, x: Value): Value {
    const y = this.tape.like(x);
    this.tape.call(op, [x], [y], {});
    return y;
  }

  /** The second may have dimensions of length 1, as weights do in that of the batch. */
  binary(op: Binary, a: Value, b: Value | number): Value {
    const y = this.tape.like(a);
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
    const y = this.tape.like(a, 'bool');
    this.tape.call(op, [a, this.#operand(a, b)], [y], {});
    return y;
  }

  /** 1 where a comparison holds, 0 elsewhere. */
  indicator(op: Comparison, a: Value, b: Value | number): Value {
    const y = this.tape.like(a);
    this.tape.call('Cast', [this.compare(op, a, b)], [y], {});
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

/** Metrics that are one number of the whole batch, no mean over its samples: precision, recall and the R2 score. */
import { patternOf } from '../backend/kernels/fill';
import { Elementwise } from './layers/elementwise';
import type { Metric } from './losses';
import { sizeOf, type Tape, type Value } from './tape';

/** Arithmetic on numbers that the batch has once. */
class Numbers {
  constructor(readonly tape: Tape) {}

  one(): Value {
    return this.tape.prepared('Fill', [], [1], { pattern: patternOf(1, 'float32') });
  }

  over(op: 'Sum' | 'Mean', of: Value): Value {
    const to = this.tape.once([1, 1]);
    const all = this.tape.view(of, [1, sizeOf(of), 1], 1);
    this.tape.call(op, [all], [to], {}, { micro: 'never' });
    return this.tape.view(to, [1]);
  }

  of(op: 'Add' | 'Sub' | 'RealDiv' | 'Maximum', inputs: readonly Value[]): Value {
    const to = this.tape.once([1]);
    this.tape.call(op, inputs, [to], {}, { micro: 'never' });
    return to;
  }

  /** Each sample has the number, so that their mean is that too. */
  ofEach(number: Value): Value {
    const zeros = this.tape.value([]);
    this.tape.call('Fill', [], [zeros], { pattern: 0 });
    return new Elementwise(this.tape).add(zeros, number);
  }
}

/** What is right of what is `chosen`: predictions of 1 (precision), or labels of 1 (recall). */
function share(chosen: 'predictions' | 'labels'): Metric {
  return {
    logits: undefined,
    sparse: false,
    lower(tape, labels, predictions) {
      const e = new Elementwise(tape);
      const numbers = new Numbers(tape);
      const [of, other] = chosen === 'predictions' ? [predictions, labels] : [labels, predictions];
      const ones = e.indicator('Equal', of, 1);
      const right = numbers.over('Sum', e.multiply(ones, e.indicator('Equal', other, 1)));
      const wrong = numbers.over('Sum', e.multiply(ones, e.indicator('Equal', other, 0)));
      // Without any, upstream has 0: so has a quotient by 1.
      const all = numbers.of('Maximum', [numbers.of('Add', [right, wrong]), numbers.one()]);
      return numbers.ofEach(numbers.of('RealDiv', [right, all]));
    },
  };
}

const r2Score: Metric = {
  logits: undefined,
  sparse: false,
  lower(tape, labels, predictions) {
    const e = new Elementwise(tape);
    const numbers = new Numbers(tape);
    const flat = (value: Value): Value => tape.view(value, [sizeOf(value)]);
    const residuals = numbers.over('Sum', e.unary('Square', e.binary('Sub', labels, predictions)));
    const mean = numbers.over('Mean', labels);
    const spread = numbers.over('Sum', e.unary('Square', e.binary('Sub', flat(labels), mean)));
    return numbers.ofEach(numbers.of('Sub', [numbers.one(), numbers.of('RealDiv', [residuals, spread])]));
  },
};

/** By upstream's names. */
export const batchMetrics: Readonly<Record<string, Metric>> = {
  precision: share('predictions'),
  recall: share('labels'),
  r2Score,
};

/** Activations that take several native ops, with their gradients from x: by tf.layers' names. */
import type { Tape, Value } from '../tape';
import { Elementwise } from './elementwise';

/** Writes y = activation(x), and tells how to write the gradient of x from that of y. */
export type Composed = (tape: Tape, x: Value) => { output: Value; backward(dy: Value): Value };

/** Of the scaled exponential linear unit, as TensorFlow.js has them. */
const seluScale = 1.0507009873554805;
const seluScaleAlpha = 1.7580993408473768;

/** An activation from its own rule and that of its derivative. */
function rule(
  apply: (e: Elementwise, x: Value) => Value,
  gradient: (e: Elementwise, dy: Value, x: Value, y: Value) => Value,
): Composed {
  return (tape, x) => {
    const e = new Elementwise(tape);
    const output = apply(e, x);
    return { output, backward: (dy) => gradient(e, tape.view(dy, x.dims), x, output) };
  };
}

/** 1 - x^2 */
function oneMinusSquare(e: Elementwise, x: Value): Value {
  return e.add(e.unary('Neg', e.unary('Square', x)), 1);
}

/** The normal distribution's cumulative function. */
function normalCdf(e: Elementwise, x: Value): Value {
  return e.multiply(e.add(e.unary('Erf', e.multiply(x, Math.SQRT1_2)), 1), 0.5);
}

/** tanh of gelu's approximation. */
function geluTanh(e: Elementwise, x: Value): Value {
  const cube = e.multiply(e.unary('Square', x), x);
  return e.unary('Tanh', e.multiply(e.add(e.multiply(cube, 0.044715), x), Math.sqrt(2 / Math.PI)));
}

export const composed: Readonly<Record<string, Composed>> = {
  relu6: rule(
    (e, x) => e.unary('Relu6', x),
    (e, dy, x) => e.multiply(dy, e.multiply(e.indicator('LessEqual', x, 6), e.step(x, 0))),
  ),
  selu: rule(
    (e, x) => e.unary('Selu', x),
    (e, dy, x) =>
      e.select(
        e.compare('Greater', x, 0),
        e.multiply(dy, seluScale),
        e.multiply(e.multiply(dy, seluScaleAlpha), e.unary('Exp', x)),
      ),
  ),
  softplus: rule(
    (e, x) => e.unary('Softplus', x),
    (e, dy, x) => e.multiply(dy, e.unary('Sigmoid', x)),
  ),
  softsign: rule(
    (e, x) => e.binary('RealDiv', x, e.add(e.unary('Abs', x), 1)),
    (e, dy, x) => e.binary('RealDiv', dy, e.unary('Square', e.add(e.unary('Abs', x), 1))),
  ),
  hardSigmoid: rule(
    (e, x) => e.clip(e.add(e.multiply(x, 0.2), 0.5), 0, 1),
    (e, dy, x) => {
      const y = e.add(e.multiply(x, 0.2), 0.5);
      const inside = e.multiply(e.indicator('GreaterEqual', y, 0), e.indicator('LessEqual', y, 1));
      return e.multiply(e.multiply(dy, inside), 0.2);
    },
  ),
  swish: rule(
    (e, x) => e.multiply(e.unary('Sigmoid', x), x),
    (e, dy, x, y) => {
      // s + y (1 - s)
      const s = e.unary('Sigmoid', x);
      return e.multiply(dy, e.add(e.binary('Sub', s, e.multiply(s, y)), y));
    },
  ),
  mish: rule(
    (e, x) => e.multiply(e.unary('Tanh', e.unary('Softplus', x)), x),
    (e, dy, x) => {
      const t = e.unary('Tanh', e.unary('Softplus', x));
      const slope = e.multiply(e.multiply(oneMinusSquare(e, t), e.unary('Sigmoid', x)), x);
      return e.multiply(dy, e.add(slope, t));
    },
  ),
  gelu: rule(
    (e, x) => e.multiply(normalCdf(e, x), x),
    (e, dy, x) => {
      const density = e.multiply(
        e.unary('Exp', e.multiply(e.unary('Square', x), -0.5)),
        1 / Math.sqrt(2 * Math.PI),
      );
      return e.multiply(dy, e.add(e.multiply(density, x), normalCdf(e, x)));
    },
  ),
  gelu_new: rule(
    (e, x) => e.multiply(e.multiply(e.add(geluTanh(e, x), 1), x), 0.5),
    (e, dy, x) => {
      const t = geluTanh(e, x);
      const inner = e.multiply(
        e.add(e.multiply(e.unary('Square', x), 3 * 0.044715), 1),
        Math.sqrt(2 / Math.PI),
      );
      const slope = e.multiply(e.multiply(oneMinusSquare(e, t), inner), x);
      return e.multiply(e.multiply(dy, e.add(e.add(slope, t), 1)), 0.5);
    },
  ),
};

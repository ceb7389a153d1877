/** The functions of tf.losses as losses of a model: each is one number, the mean over all of the batch. */
import { losses as core } from '@tensorflow/tfjs-core';
import { Elementwise } from './layers/elementwise';
import { epsilon, type Loss, losses, oneHot, samples, sigmoidOfLogits, softmaxOfLogits } from './losses';
import { sizeOf, type Value } from './tape';

/** A loss that numbers of predictions and labels have, with its gradient. */
function composed(
  of: (e: Elementwise, labels: Value, predictions: Value) => { loss: Value; gradient(): Value },
): Loss {
  return {
    target: oneHot,
    terms: (dims) => sizeOf({ dims }),
    lower(tape, { target, output, backward }) {
      const { loss, gradient } = of(new Elementwise(tape), samples(tape, target), samples(tape, output));
      if (backward) {
        const inputs = [gradient(), backward.weights];
        tape.call('Multiply', inputs, [samples(tape, backward.gradient)], {});
      }
      return loss;
    },
  };
}

const huber = composed((e, labels, predictions) => {
  const difference = e.binary('Sub', predictions, labels);
  const error = e.unary('Abs', difference);
  const quadratic = e.binary('Minimum', error, 1);
  const linear = e.binary('Sub', error, quadratic);
  return {
    loss: e.add(e.multiply(e.unary('Square', quadratic), 0.5), linear),
    gradient: () => e.clip(difference, -1, 1),
  };
});

/** Labels are 0 and 1. */
const hinge = composed((e, labels, predictions) => {
  const signs = e.add(e.multiply(labels, 2), -1);
  const margin = e.add(e.unary('Neg', e.multiply(signs, predictions)), 1);
  return {
    loss: e.unary('Relu', margin),
    gradient: () => e.multiply(e.unary('Neg', signs), e.step(margin, 0)),
  };
});

const log = composed((e, labels, predictions) => {
  const yes = e.add(predictions, epsilon);
  const no = e.add(e.unary('Neg', predictions), 1 + epsilon);
  const others = e.add(e.unary('Neg', labels), 1);
  return {
    loss: e.unary(
      'Neg',
      e.add(e.multiply(labels, e.unary('Log', yes)), e.multiply(others, e.unary('Log', no))),
    ),
    gradient: () => e.binary('Sub', e.binary('RealDiv', others, no), e.binary('RealDiv', labels, yes)),
  };
});

/** By the functions. */
export const coreLosses: ReadonlyMap<unknown, Loss> = new Map<unknown, Loss>([
  [core.absoluteDifference, losses['meanAbsoluteError'] as Loss],
  [core.hingeLoss, hinge],
  [core.huberLoss, huber],
  [core.logLoss, log],
  [core.meanSquaredError, losses['meanSquaredError'] as Loss],
  [core.sigmoidCrossEntropy, sigmoidOfLogits],
  [core.softmaxCrossEntropy, softmaxOfLogits],
]);

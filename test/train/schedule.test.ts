import { describe, expect, test } from 'vitest';
import {
  learningRateAt,
  noPlateau,
  plateauAfter,
  type ScheduleName,
  type ScheduleSettings,
} from '../../dist/train/schedule';
import fixture from './learning-rates.json';

/** Two epochs of a rate, then 0.3 of it. */
function settings(schedule: ScheduleName, warmup = 0): ScheduleSettings {
  const { rate: learningRate, epochs } = fixture;
  return { schedule, learningRate, epochs, warmup, scheduleEpochs: 2, scheduleFactor: 0.3 };
}

/** By the rates' names in the fixture. */
const cases: Readonly<Record<keyof typeof fixture.rates, ScheduleSettings>> = {
  step: settings('step'),
  'step after a warm-up': settings('step', 2),
  cosine: settings('cosine'),
  'cosine after a warm-up': settings('cosine', 2),
  'one-cycle': settings('one-cycle'),
};

describe('learning rates of each step', () => {
  test.each(Object.entries(cases))('%s: those of PyTorch', (name, of) => {
    const expected = fixture.rates[name as keyof typeof cases];
    expect(expected).toHaveLength(fixture.epochs * fixture.steps);
    expected.forEach((rate, step) => {
      // Sums and products of a few doubles: PyTorch makes some rates from the one before.
      expect(Math.abs(learningRateAt(of, step / fixture.steps) - rate)).toBeLessThan(1e-14);
    });
  });

  test('constant: always the same, but in the warm-up', () => {
    const of = settings('constant', 1.5);
    const rates = [0, 0.75, 1.4999, 1.5, 5.9].map((epoch) => learningRateAt(of, epoch) / fixture.rate);
    [0, 0.5, 1.4999 / 1.5, 1, 1].forEach((part, i) => {
      expect(rates[i]).toBeCloseTo(part, 12);
    });
  });
});

test('on a plateau of the validation loss the rate falls as that of Keras', () => {
  let plateau = noPlateau;
  const found = fixture.losses.map((loss) => {
    const rate = fixture.rate * plateau.factor;
    plateau = plateauAfter(plateau, loss, settings('plateau'));
    return rate;
  });
  expect(new Set(found).size).toBeGreaterThan(3);
  // Keras keeps the rate in single precision.
  found.forEach((rate, epoch) => {
    expect(Math.abs(rate / (fixture.plateau[epoch] as number) - 1)).toBeLessThan(40 * 2 ** -24);
  });
});

import { expect, test } from 'vitest';
import { classificationReport } from 'tfjs-native/train';
import fixture from './scikit-learn-metrics.json';

const { classes, labels } = fixture;
const report = classificationReport(
  { classes, labels, probabilities: Float32Array.from(fixture.probabilities) },
  Array.from({ length: classes }, (_, c) => `class ${c}`),
);

test('figures agree with scikit-learn', () => {
  expect(report.accuracy).toBe(fixture.accuracy);
  expect(report.loss).toBeCloseTo(fixture.loss, 6);
  for (const k of [2, 3, 5] as const) expect(report.topK[k], `top ${k}`).toBeCloseTo(fixture.topK[k], 12);
  for (const [c, of] of report.classes.entries()) {
    expect(of.support).toBe(fixture.support[c]);
    for (const key of ['precision', 'recall', 'f1'] as const)
      expect(of[key]).toBeCloseTo(fixture[key][c] as number, 12);
  }
  for (const key of ['precision', 'recall', 'f1'] as const) {
    expect(report.macro[key]).toBeCloseTo(fixture.macro[key], 12);
    expect(report.weighted[key]).toBeCloseTo(fixture.weighted[key], 12);
  }
  expect(report.confusion).toEqual(fixture.confusion);
  expect(report.rocAuc).toBeCloseTo(fixture.rocAuc, 12);
  expect(report.calibrationError).toBeCloseTo(fixture.calibrationError, 6);
});

test('the most wrong images are those of the highest probability', () => {
  const confidences = report.mostWrong.map(({ confidence }) => confidence);
  expect(confidences).toHaveLength(10);
  expect([...confidences].sort((a, b) => b - a)).toEqual(confidences);
  for (const { index, label, predicted, confidence } of report.mostWrong) {
    const row = fixture.probabilities.slice(index * classes, (index + 1) * classes);
    expect(labels[index]).toBe(label);
    expect(predicted).not.toBe(label);
    expect(row[predicted]).toBeCloseTo(confidence, 6);
    expect(Math.max(...row)).toBe(row[predicted]);
  }
});

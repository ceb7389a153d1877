/** All figures of a classification, for people. */
import type { ClassificationReport } from '../train/metrics';
import { amount, count, figure, grid } from './format';

/** Classes that a confusion matrix is printed of; of more the pairs that are mistaken most. */
const matrixClasses = 20;
const pairs = 10;

/** Figures of the whole: the first rows of a table. */
export function summaryRows(report: ClassificationReport): [string, string][] {
  const { loss, accuracy, topK, rocAuc, calibrationError, classes } = report;
  const images = classes.reduce((sum, { support }) => sum + support, 0);
  const ks = Object.entries(topK);
  return [
    ['Test accuracy', `${figure(accuracy)}, loss ${figure(loss)} (${amount(images, 'image')})`],
    ...ks.map(([k, value]): [string, string] => [`Top ${k}`, figure(value)]),
    ...(rocAuc === undefined
      ? []
      : [['ROC AUC', `${figure(rocAuc)}, mean of one class against the rest`] as [string, string]]),
    ['Calibration', `expected error ${figure(calibrationError)}`],
  ];
}

/** Precision, recall and F1 of each class and their means. */
export function classTable({ classes, macro, weighted }: ClassificationReport): string {
  const figures = [...classes, { name: 'macro mean', ...macro }, { name: 'weighted mean', ...weighted }];
  return grid([
    ['Class', 'images', 'precision', 'recall', 'F1'],
    ...figures.map((of) => [
      of.name,
      'support' in of ? count(of.support) : '',
      figure(of.precision),
      figure(of.recall),
      figure(of.f1),
    ]),
  ]);
}

/** What is taken for what. */
export function confusionTable({ confusion, classes }: ClassificationReport): string {
  const names = classes.map(({ name }) => name);
  if (names.length <= matrixClasses)
    return grid([['True \\ said', ...names], ...confusion.map((row, c) => [names[c] as string, ...row])]);
  const mistakes = confusion.flatMap((row, c) => row.map((n, said) => ({ n, c, said })));
  const most = mistakes.filter(({ n, c, said }) => n > 0 && c !== said).sort((a, b) => b.n - a.n);
  const rows = most.slice(0, pairs).map(({ n, c, said }) => [names[c] as string, names[said] as string, n]);
  return grid([['True', 'said', 'images'], ...rows]);
}

/** Images that are wrong with the most confidence. */
export function wrongTable({ mostWrong, classes }: ClassificationReport): string {
  const name = (c: number) => classes[c]?.name as string;
  const rows = mostWrong.map((wrong) => [
    wrong.name ?? wrong.index,
    name(wrong.label),
    name(wrong.predicted),
    figure(wrong.confidence),
  ]);
  return grid([['Most wrong image', 'true', 'said', 'probability'], ...rows]);
}

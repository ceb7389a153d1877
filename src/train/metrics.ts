/** Figures of classifications, from probabilities and the true classes. */

/** Of one class. */
export interface ClassFigures {
  readonly name: string;
  /** Images of this class. */
  readonly support: number;
  /** The part of the images said to be of this class that are; 0 where none is said to be. */
  readonly precision: number;
  /** The part of the images of this class that are said to be; 0 where there is none. */
  readonly recall: number;
  /** The harmonic mean of both. */
  readonly f1: number;
}

type Averages = Pick<ClassFigures, 'precision' | 'recall' | 'f1'>;

export interface ClassificationReport {
  /** Mean cross-entropy. */
  readonly loss: number;
  /** Part of the images, 0 to 1, whose class is the most probable one. */
  readonly accuracy: number;
  /** The part whose class is among the so many most probable ones, by that number. */
  readonly topK: Readonly<Record<number, number>>;
  readonly classes: readonly ClassFigures[];
  /** Means over the classes that occur, as truth or as prediction. */
  readonly macro: Averages;
  /** The same, each class counting by its images. */
  readonly weighted: Averages;
  /** [true class][predicted class], images. */
  readonly confusion: readonly (readonly number[])[];
  /** Area under the curve of true over false positives, one class against the rest, mean of the classes that can have one. */
  readonly rocAuc: number | undefined;
  /** Expected calibration error, of 15 bins of confidence (Guo et al., "On calibration of modern neural networks"). */
  readonly calibrationError: number;
  /** The images that are wrong with the most confidence. */
  readonly mostWrong: readonly Wrong[];
}

/** An image that is taken for another class than its own. */
export interface Wrong {
  /** Its place in the data set, from 0. */
  readonly index: number;
  /** Its file, where it is from one. */
  readonly name?: string | undefined;
  readonly label: number;
  readonly predicted: number;
  /** The probability of the predicted class. */
  readonly confidence: number;
}

/** As tf.layers and Keras clip probabilities. */
const smallest = 1e-7;

/** Probabilities of all classes, image after image, and the true classes. */
export interface Classified {
  readonly probabilities: Float32Array;
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** What the images are called. */
  readonly names?: readonly string[] | undefined;
}

/** The most probable class; the first one of several. */
function winner(probabilities: Float32Array, begin: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++)
    if ((probabilities[begin + c] as number) > (probabilities[begin + best] as number)) best = c;
  return best;
}

/** Mean cross-entropy and accuracy. */
export function lossAndAccuracy({ probabilities, labels, classes }: Classified): {
  loss: number;
  accuracy: number;
} {
  const count = labels.length;
  let loss = 0;
  let right = 0;
  for (let i = 0; i < count; i++) {
    const label = labels[i] as number;
    const said = probabilities[i * classes + label] as number;
    // NaN stays.
    loss -= Math.log(Math.max(said, smallest));
    if (winner(probabilities, i * classes, classes) === label) right++;
  }
  return { loss: loss / count, accuracy: right / count };
}

function topK({ probabilities, labels, classes }: Classified, k: number): number {
  const count = labels.length;
  let right = 0;
  for (let i = 0; i < count; i++) {
    const label = labels[i] as number;
    const said = probabilities[i * classes + label] as number;
    let ahead = 0;
    for (let c = 0; c < classes; c++) {
      const other = probabilities[i * classes + c] as number;
      // Of equal ones the later wins, as in scikit-learn.
      if (other > said || (other === said && c > label)) ahead++;
    }
    if (ahead < k) right++;
  }
  return right / count;
}

/** By ranks (Mann and Whitney), equal probabilities counting half. */
function areaUnderCurve(
  { probabilities, labels, classes }: Classified,
  positive: number,
): number | undefined {
  const count = labels.length;
  const scores = Float32Array.from(
    { length: count },
    (_, i) => probabilities[i * classes + positive] as number,
  );
  const order = Uint32Array.from(scores.keys()).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  let positives = 0;
  let ranks = 0;
  for (let i = 0; i < count; ) {
    let end = i + 1;
    while (end < count && scores[order[end] as number] === scores[order[i] as number]) end++;
    const rank = (i + 1 + end) / 2;
    for (; i < end; i++) {
      if (labels[order[i] as number] !== positive) continue;
      positives++;
      ranks += rank;
    }
  }
  const negatives = count - positives;
  if (positives === 0 || negatives === 0) return undefined;
  return (ranks - (positives * (positives + 1)) / 2) / (positives * negatives);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const bins = 15;

function calibrationError({ probabilities, labels, classes }: Classified): number {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (let i = 0; i < labels.length; i++) {
    const predicted = winner(probabilities, i * classes, classes);
    const confidence = probabilities[i * classes + predicted] as number;
    // A bin holds its upper end, not its lower one.
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))];
    if (bin === undefined) continue;
    bin.count++;
    bin.confidence += confidence;
    bin.right += Number(predicted === labels[i]);
  }
  return (
    sums.reduce((error, { confidence, right }) => error + Math.abs(right - confidence), 0) / labels.length
  );
}

function confusionMatrix({ probabilities, labels, classes }: Classified): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const row = matrix[labels[i] as number] as number[];
    const predicted = winner(probabilities, i * classes, classes);
    row[predicted] = (row[predicted] as number) + 1;
  }
  return matrix;
}

function mostWrong({ probabilities, labels, classes, names }: Classified, most: number): Wrong[] {
  const wrong: Wrong[] = [];
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    const predicted = winner(probabilities, i * classes, classes);
    const confidence = probabilities[i * classes + predicted] as number;
    if (predicted !== label) wrong.push({ index: i, name: names?.[i], label, predicted, confidence });
  }
  return wrong.sort((a, b) => b.confidence - a.confidence || a.index - b.index).slice(0, most);
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

function figuresOfClass(confusion: readonly number[][], c: number, name: string): ClassFigures {
  const right = confusion[c]?.[c] as number;
  const support = (confusion[c] as number[]).reduce((sum, n) => sum + n, 0);
  const said = confusion.reduce((sum, row) => sum + (row[c] as number), 0);
  return {
    name,
    support,
    precision: ratio(right, said),
    recall: ratio(right, support),
    f1: ratio(2 * right, said + support),
  };
}

/**
 * All figures of a classification.
 * @param names of the classes
 * @param wrong how many of the most wrong images are told of
 */
export function classificationReport(
  classified: Classified,
  names: readonly string[],
  wrong = 10,
): ClassificationReport {
  const { classes, labels } = classified;
  const confusion = confusionMatrix(classified);
  const figures = names.map((name, c) => figuresOfClass(confusion, c, name));
  const said = (c: number) => confusion.some((row) => (row[c] as number) > 0);
  const present = figures.filter(({ support }, c) => support > 0 || said(c));
  const average = (weight: (of: ClassFigures) => number): Averages => {
    const total = present.reduce((sum, of) => sum + weight(of), 0);
    const of = (key: keyof Averages) =>
      present.reduce((sum, figure) => sum + weight(figure) * figure[key], 0) / total;
    return { precision: of('precision'), recall: of('recall'), f1: of('f1') };
  };
  const areas = Array.from({ length: classes }, (_, c) => areaUnderCurve(classified, c));
  const known = areas.filter((area): area is number => area !== undefined);
  const ks = [2, 3, 5].filter((k) => k < classes);
  return {
    ...lossAndAccuracy(classified),
    topK: Object.fromEntries(ks.map((k) => [k, topK(classified, k)])),
    classes: figures,
    macro: average(() => 1),
    weighted: average(({ support }) => support / labels.length),
    confusion,
    rocAuc: known.length > 0 ? mean(known) : undefined,
    calibrationError: calibrationError(classified),
    mostWrong: mostWrong(classified, wrong),
  };
}

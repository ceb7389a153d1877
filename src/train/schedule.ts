/** Learning rates over time. */

export const scheduleNames = ['constant', 'step', 'cosine', 'one-cycle', 'plateau'] as const;
export type ScheduleName = (typeof scheduleNames)[number];

/** What a learning rate depends on. */
export interface ScheduleSettings {
  readonly schedule: ScheduleName;
  /** The highest rate. */
  readonly learningRate: number;
  readonly epochs: number;
  readonly warmup: number;
  readonly scheduleEpochs: number;
  readonly scheduleFactor: number;
}

const cosine = (from: number, to: number, progress: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * progress))) / 2;

/** Smith, "Super-convergence"; the numbers are those of PyTorch's OneCycleLR. */
function oneCycle(highest: number, progress: number): number {
  const rising = 0.3;
  const first = highest / 25;
  if (progress < rising) return cosine(first, highest, progress / rising);
  return cosine(highest, first / 1e4, (progress - rising) / (1 - rising));
}

/**
 * The learning rate of a step, but for what a plateau has taken off.
 * @param epoch from 0, with a fraction: 1.5 is in the middle of the second epoch
 */
export function learningRateAt(settings: ScheduleSettings, epoch: number): number {
  const { schedule, learningRate, epochs, warmup, scheduleEpochs, scheduleFactor } = settings;
  if (schedule === 'one-cycle') return oneCycle(learningRate, epoch / epochs);
  if (epoch < warmup) return (learningRate * epoch) / warmup;
  switch (schedule) {
    case 'step':
      return learningRate * scheduleFactor ** Math.floor((epoch - warmup) / scheduleEpochs);
    case 'cosine':
      return cosine(learningRate, 0, Math.min(1, (epoch - warmup) / (epochs - warmup)));
    default:
      return learningRate;
  }
}

/** What is remembered of validation losses: plain numbers, which are kept in checkpoints. */
export interface Patience {
  readonly best: number | undefined;
  /** Epochs since. */
  readonly waited: number;
}

/** Before the first epoch. */
export const noPatience: Patience = { best: undefined, waited: 0 };

/** What a plateau knows: `factor` is what it has multiplied the learning rate by. */
export interface Plateau extends Patience {
  readonly factor: number;
}

/** Before the first epoch. */
export const noPlateau: Plateau = { ...noPatience, factor: 1 };

/** After an epoch, as Keras' ReduceLROnPlateau with `min_delta=0`. */
export function plateauAfter(
  { factor, ...patience }: Plateau,
  loss: number,
  { schedule, scheduleEpochs, scheduleFactor }: ScheduleSettings,
): Plateau {
  const after = patienceAfter(patience, loss);
  return schedule === 'plateau' && after.waited >= scheduleEpochs
    ? { ...after, waited: 0, factor: factor * scheduleFactor }
    : { ...after, factor };
}

/** After an epoch. */
export function patienceAfter({ best, waited }: Patience, loss: number): Patience {
  return best === undefined || loss < best ? { best: loss, waited: 0 } : { best, waited: waited + 1 };
}

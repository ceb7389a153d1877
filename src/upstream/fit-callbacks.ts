/** The callbacks of a fit: who they are, what they are told, and what may be left out because nobody listens. */
import { nextFrame, type Scalar, scalar } from '@tensorflow/tfjs-core';
import { CallbackList, CustomCallback, EarlyStopping, History } from '@tensorflow/tfjs-layers';

type Callback = CallbackList['callbacks'][number];
/** What callbacks are told: numbers, for some of them scalars. */
export type Logs = Record<string, number | Scalar>;

const base = Object.getPrototypeOf(History.prototype) as Callback;

/** Upstream's class of what users give as plain objects; the fields that are used here. */
interface Custom {
  readonly batchBegin?: unknown;
  readonly batchEnd?: unknown;
  readonly yield?: unknown;
  readonly yieldEvery: unknown;
  readonly nextFrameFunc: unknown;
  readonly nowFunc?: unknown;
}

/** Whether a callback must see each batch when it is done, and not only the epochs. */
function wantsBatches(callback: Callback): boolean {
  const { onBatchBegin, onBatchEnd } = callback;
  if (onBatchBegin === base.onBatchBegin && onBatchEnd === base.onBatchEnd) return false;
  const { prototype } = CustomCallback;
  if (onBatchBegin !== prototype.onBatchBegin || onBatchEnd !== prototype.onBatchEnd) return true;
  const custom = callback as unknown as Custom;
  // What it yields to otherwise, the event loop, gets its turn in any case.
  const yields =
    custom.yieldEvery === 'batch' || custom.nextFrameFunc !== nextFrame || custom.nowFunc != null;
  return custom.batchBegin != null || custom.batchEnd != null || custom.yield != null || yields;
}

/** Whether a callback takes numbers where upstream hands out scalars. */
function takesNumbers(callback: Callback): boolean {
  // Not those of classes derived from them, which may read what they are told.
  return [CustomCallback, EarlyStopping, History].some(
    ({ prototype }) => Object.getPrototypeOf(callback) === prototype,
  );
}

function disposeLogs(logs: Logs): void {
  for (const value of Object.values(logs)) if (typeof value !== 'number') value.dispose();
}

/** Makes scalars of the named values. */
function toScalars(logs: Logs, labels: readonly string[]): void {
  for (const label of labels) {
    const value = logs[label];
    if (typeof value === 'number') logs[label] = scalar(value);
  }
}

/** The callbacks of one fit, and the averages of the epoch. */
export class FitCallbacks {
  readonly #list: CallbackList;
  readonly #scalars: boolean;
  readonly #sums = new Map<string, number>();
  #seen = 0;
  /** Whether a callback has to be asked before, and told after, each batch. */
  readonly wantBatches: boolean;

  /**
   * @param list as upstream made it; its first callback is upstream's BaseLogger, whose averages are made here
   * @param labels of the values of a step
   */
  constructor(
    list: CallbackList,
    readonly labels: readonly string[],
  ) {
    const [, ...callbacks] = list.callbacks;
    this.#list = new CallbackList(callbacks);
    this.#scalars = !callbacks.every(takesNumbers);
    this.wantBatches = callbacks.some(wantsBatches);
  }

  trainBegin(): Promise<void> {
    return this.#list.onTrainBegin();
  }

  trainEnd(): Promise<void> {
    return this.#list.onTrainEnd();
  }

  epochBegin(epoch: number): Promise<void> {
    this.#sums.clear();
    this.#seen = 0;
    return this.#list.onEpochBegin(epoch);
  }

  async batchBegin(batch: number, logs: Logs): Promise<void> {
    if (this.wantBatches) await this.#list.onBatchBegin(batch, logs);
  }

  /**
   * @param logs what `batchBegin` was given
   * @param size samples of the batch
   * @param values of the step, one for each label
   */
  async batchEnd(batch: number, logs: Logs, size: number, values: readonly number[]): Promise<void> {
    this.#seen += size;
    this.labels.forEach((label, i) => {
      this.#sums.set(label, (this.#sums.get(label) ?? 0) + (values[i] as number) * size);
    });
    if (!this.wantBatches) return;
    Object.assign(logs, { batch, size });
    this.labels.forEach((label, i) => {
      logs[label] = values[i] as number;
    });
    if (this.#scalars) toScalars(logs, this.labels);
    try {
      await this.#list.onBatchEnd(batch, logs);
    } finally {
      disposeLogs(logs);
    }
  }

  /** @param logs validation's values, to which the averages are added */
  async epochEnd(epoch: number, logs: Logs): Promise<void> {
    for (const [label, sum] of this.#sums) logs[label] = sum / this.#seen;
    if (this.#scalars) toScalars(logs, Object.keys(logs));
    try {
      await this.#list.onEpochEnd(epoch, logs);
    } catch (error) {
      // Else they are the history's, which comes last.
      disposeLogs(logs);
      throw error;
    }
  }
}

/** Ends upstream's own loop. */
const captured = Symbol('captured');

/**
 * The callbacks that one of upstream's loops would have: those of the user, of `tf.registerCallbackConstructor` and
 * the history. The loop checks its arguments, makes the list, and is ended by the list's first event.
 * @throws what upstream throws when an argument is wrong
 */
export async function callbacksOf(start: () => Promise<unknown>): Promise<CallbackList> {
  const lists: CallbackList[] = [];
  const { prototype } = CallbackList;
  const { onTrainBegin } = prototype;
  let started: Promise<unknown>;
  prototype.onTrainBegin = function () {
    lists.push(this);
    throw captured;
  };
  try {
    // Nothing else runs meanwhile: upstream's loops await nothing before that event.
    started = start();
  } finally {
    prototype.onTrainBegin = onTrainBegin;
  }
  await started.catch((error: unknown) => {
    if (error !== captured) throw error;
  });
  return lists[0] as CallbackList;
}

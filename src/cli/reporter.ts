/** What `tfjs-native train` prints while it runs and at the end. */
import type { SingleBar } from 'cli-progress';
import type { DownloadProgress } from '../data/download';
import type { StartEvent, StepEvent, TrainEvent } from '../train/events';
import type { TrainResult } from '../train/session';
import { amount, count, duration, figure, runtime, table } from './format';

/** Tells of each file that is downloaded, at its beginning and each tenth of it. */
export function downloadNotice(tell: (text: string) => void): (progress: DownloadProgress) => void {
  let told = '';
  return ({ file, received, total }) => {
    const tenth = total === undefined ? 0 : Math.floor((10 * received) / total);
    const text = `Downloading ${file}: ${total === undefined ? '' : `${10 * tenth} % of `}${count((total ?? received) / 1e6)} MB`;
    const key = `${file} ${tenth}`;
    if (key === told) return;
    told = key;
    tell(text);
  };
}

export interface Reporter {
  readonly onEvent: (event: TrainEvent) => void;
  /** A line for people, on standard error. */
  notice(text: string): void;
  done(result: TrainResult, seconds: number): void;
  /** Cleans up, whether or not it is done. */
  end(): void;
}

/** One JSON object a line for machines. */
export class JsonReporter implements Reporter {
  readonly onEvent = (event: TrainEvent) => {
    if (event.event === 'epoch') console.log(JSON.stringify(event));
    else if (event.event === 'warning') this.notice(`warning: ${event.message}`);
    else if (event.event === 'download') this.#download(event);
  };

  readonly #download = downloadNotice((text) => this.notice(text));

  notice(text: string): void {
    console.error(text);
  }

  done(result: TrainResult, seconds: number): void {
    const { folder, backend, isa, threads, tensorflow, test, stopped, steps } = result;
    const model = folder ?? null;
    const outcome = stopped ? { stopped, steps } : { test };
    console.log(
      JSON.stringify({ event: 'done', model, backend, isa, threads, tensorflow, ...outcome, seconds }),
    );
  }

  end(): void {}
}

/** Lines for people, and a progress bar where standard error is a terminal. */
export class TextReporter implements Reporter {
  #start: StartEvent | undefined;
  #step: StepEvent | undefined;
  #epochBegan = 0;
  #stepsBefore = 0;
  /** By a training that this one goes on with: in all, and in the epoch that is under way. */
  #stepsDone = 0;
  #imagesDone = 0;
  #trainingBegan = 0;
  #bar: SingleBar | undefined;
  readonly #download = downloadNotice((text) => this.notice(text));

  readonly onEvent = (event: TrainEvent) => {
    switch (event.event) {
      case 'start': {
        this.#start = event;
        this.#trainingBegan = this.#epochBegan = performance.now();
        const held = `${count(event.validationImages)} held out for validation`;
        const length = `${amount(event.epochs, 'epoch')} of ${amount(event.steps, 'step')}`;
        console.log(`Training ${event.model} on ${amount(event.images, 'image')}, ${held}, ${length}`);
        if (event.epoch > 0 || event.step > 0)
          console.log(`Going on in epoch ${event.epoch + 1} after step ${event.step}`);
        this.#stepsBefore = event.epoch * event.steps;
        this.#stepsDone = this.#stepsBefore + event.step;
        this.#imagesDone = event.imagesDone;
        break;
      }
      case 'step':
        this.#step = event;
        this.#showStep(event);
        break;
      case 'epoch': {
        this.end();
        const { images, epochs, steps } = this.#start as StartEvent;
        const trained = `loss ${figure(event.loss)}, accuracy ${figure(event.accuracy)}`;
        const validated = `validation loss ${figure(event.valLoss)}, accuracy ${figure(event.valAccuracy)}`;
        const time = `${duration(event.seconds)}, ${count((images - this.#imagesDone) / event.seconds)} images/s`;
        console.log(`Epoch ${event.epoch}/${epochs}: ${trained}, ${validated} (${time})`);
        this.#stepsBefore += steps;
        this.#imagesDone = 0;
        this.#epochBegan = performance.now();
        break;
      }
      case 'best':
        console.log(`The model is that of epoch ${event.epoch}, whose validation loss is the lowest`);
        break;
      case 'download':
        this.#download(event);
        break;
      case 'warning':
        this.notice(`warning: ${event.message}`);
    }
  };

  notice(text: string): void {
    this.end();
    console.error(text);
  }

  done(result: TrainResult, seconds: number): void {
    const { folder, test, stopped } = result;
    const at = this.#step
      ? `in epoch ${this.#step.epoch} after step ${this.#step.step}`
      : 'before the first step';
    const rows: [string, string][] = [
      test === undefined
        ? ['Stopped', at]
        : ['Test accuracy', `${figure(test.accuracy)}, loss ${figure(test.loss)}`],
      ['Time', duration(seconds)],
      ['Backend', runtime(result)],
      ['Model', folder === undefined ? 'nothing to save' : `saved in ${folder}`],
    ];
    console.log(table(rows));
    if (stopped && folder !== undefined) console.log(`It can be tested: tfjs-native evaluate ${folder}`);
  }

  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #showStep({ epoch, step, images, loss, accuracy }: StepEvent): void {
    const { epochs, steps } = this.#start as StartEvent;
    if (!process.stderr.isTTY) return;
    const now = performance.now();
    const done = this.#stepsBefore + step;
    const left = ((epochs * steps - done) * (now - this.#trainingBegan)) / (done - this.#stepsDone) / 1000;
    const payload = {
      epoch: `${epoch}/${epochs}`,
      loss: figure(loss),
      accuracy: figure(accuracy),
      speed: count(((images - this.#imagesDone) / (now - this.#epochBegan)) * 1000),
      left: duration(left),
    };
    if (this.#bar === undefined) {
      const { SingleBar } = require('cli-progress') as typeof import('cli-progress');
      this.#bar = new SingleBar({
        format:
          'Epoch {epoch} [{bar}] {value}/{total} loss {loss} accuracy {accuracy} {speed} images/s ETA {left}',
        barsize: 16,
        clearOnComplete: true,
      });
      this.#bar.start(steps, step, payload);
    } else {
      this.#bar.update(step, payload);
    }
  }
}

/** `tfjs-native train` */
import { loadMnist } from '../data/mnist';
import { JsonReporter, TextReporter } from './reporter';
import { applyRuntime, type RuntimeOptions } from './runtime';
import { stopOnRequest } from './stop';

export interface TrainCommandOptions extends RuntimeOptions {
  readonly data?: string;
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
}

export async function train(model: string, options: TrainCommandOptions): Promise<void> {
  applyRuntime(options);
  const reporter = options.json ? new JsonReporter() : new TextReporter();
  const signal = stopOnRequest(() =>
    reporter.notice('Stopping after this step, then saving. A second signal exits at once.'),
  );
  // The data is read while TensorFlow.js is loaded.
  const pending = loadMnist(options);
  const trainer = require('../train') as typeof import('../train');
  const { withoutGpu } = (require('../info') as typeof import('../info')).info().tensorflow ?? {};
  if (withoutGpu) reporter.notice(`warning: on the CPU: ${withoutGpu}`);
  const { epochs, batch, lr, seed, out } = options;
  try {
    const result = await trainer.train({
      model,
      data: await pending,
      epochs,
      batch,
      learningRate: lr,
      seed,
      out,
      signal,
      onEvent: reporter.onEvent,
    });
    reporter.end();
    reporter.done(result, performance.now() / 1000);
    if (signal.aborted) process.exitCode = signal.reason as number;
  } finally {
    reporter.end();
  }
}

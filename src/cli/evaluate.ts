/** `tfjs-native evaluate` */
import { amount, duration, figure, runtime, table } from './format';
import { applyRuntime, type RuntimeOptions } from './runtime';

export interface EvaluateOptions extends RuntimeOptions {
  readonly data?: string;
  readonly json?: boolean;
}

export async function evaluate(folder: string, options: EvaluateOptions): Promise<void> {
  applyRuntime(options);
  const { info } = require('../index') as typeof import('../index');
  const { evaluateModel } = require('../train') as typeof import('../train');
  const test = await evaluateModel(folder, options.data);
  const running = info();
  const { backend, isa, threads, tensorflow } = running;
  const seconds = performance.now() / 1000;
  if (options.json) {
    console.log(JSON.stringify({ model: folder, backend, isa, threads, tensorflow, test, seconds }));
    return;
  }
  const count = test.classes.reduce((sum, { support }) => sum + support, 0);
  const rows = [
    ['Test accuracy', `${figure(test.accuracy)}, loss ${figure(test.loss)} (${amount(count, 'image')})`],
    ['Time', duration(seconds)],
    ['Backend', runtime(running)],
  ] as const;
  console.log(table(rows));
}

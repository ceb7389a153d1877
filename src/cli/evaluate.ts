/** `tfjs-native evaluate` */
import { loadMnistSet } from '../data/mnist';
import { amount, duration, figure, runtime, table } from './format';
import { applyRuntime, type RuntimeOptions } from './runtime';

export interface EvaluateOptions extends RuntimeOptions {
  readonly data?: string;
  readonly json?: boolean;
}

export async function evaluate(folder: string, options: EvaluateOptions): Promise<void> {
  applyRuntime(options);
  // The data is read while TensorFlow.js is loaded.
  const pending = loadMnistSet('test', options);
  const { info } = require('../index') as typeof import('../index');
  const { evaluateModel } = require('../train') as typeof import('../train');
  const data = await pending;
  const test = await evaluateModel(folder, data);
  const running = info();
  const { backend, isa, threads, tensorflow } = running;
  const seconds = performance.now() / 1000;
  if (options.json) {
    console.log(JSON.stringify({ model: folder, backend, isa, threads, tensorflow, test, seconds }));
    return;
  }
  const rows = [
    ['Test accuracy', `${figure(test.accuracy)}, loss ${figure(test.loss)} (${amount(data.count, 'image')})`],
    ['Time', duration(seconds)],
    ['Backend', runtime(running)],
  ] as const;
  console.log(table(rows));
}

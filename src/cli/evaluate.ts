/** `tfjs-native evaluate` */
import { duration, runtime, table } from './format';
import { classTable, confusionTable, summaryRows, wrongTable } from './report';
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
  const rows = [...summaryRows(test), ['Time', duration(seconds)], ['Backend', runtime(running)]] as const;
  console.log(
    `${table(rows as readonly [string, string][])}\n\n${classTable(test)}\n\n${confusionTable(test)}`,
  );
  if (test.mostWrong.length > 0) console.log(`\n${wrongTable(test)}`);
}

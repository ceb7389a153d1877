/** `tfjs-native info` */
import { computing, table } from './format';
import { applyRuntime, type RuntimeOptions } from './runtime';

export interface InfoOptions extends RuntimeOptions {
  readonly json?: boolean;
}

export function info(options: InfoOptions): void {
  applyRuntime(options);
  const found = (require('../index') as typeof import('../index')).info();
  if (options.json) {
    console.log(JSON.stringify(found));
    return;
  }
  const { versions, isas, tensorflow, ...facts } = found;
  const rows = Object.entries({
    ...versions,
    ...facts,
    isas: isas.join(', '),
    ...(tensorflow && {
      tensorflow: computing(tensorflow),
      ...(tensorflow.withoutGpu && { 'without GPU': tensorflow.withoutGpu }),
    }),
  });
  console.log(table(rows.map(([name, value]) => [name, String(value)])));
}

/** `tfjs-native finetune` */
import type { BeforeAndAfter } from '../train/finetune';
import { duration, figure, grid, runtime, table } from './format';
import { beginTraining } from './begin';
import type { RuntimeOptions } from './runtime';
import { settingsOf } from './settings';

export interface FinetuneCommandOptions extends RuntimeOptions, Readonly<Record<string, unknown>> {
  readonly data: string;
  readonly oldData?: string;
  readonly out?: string;
  readonly freeze?: string;
  readonly newHead?: boolean;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** A number of layers, or their names. */
const frozen = (text: string): number | string[] =>
  /^\d+$/.test(text) ? Number(text) : text.split(',').map((name) => name.trim());

function figures({ before, after }: BeforeAndAfter): string[] {
  const change = before && after && after.accuracy - before.accuracy;
  return [
    before ? figure(before.accuracy) : '-',
    after ? figure(after.accuracy) : '-',
    change === undefined ? '-' : `${change < 0 ? '' : '+'}${figure(change)}`,
  ];
}

export async function finetune(folder: string, options: FinetuneCommandOptions): Promise<void> {
  const { reporter, signal } = beginTraining(options);
  const trainer = require('../train') as typeof import('../train');
  const { data, oldData, out, freeze, newHead, resume } = options;
  try {
    const result = await trainer.finetune(folder, {
      ...settingsOf(options),
      data,
      ...(oldData !== undefined && { oldData }),
      ...(out !== undefined && { out }),
      ...(freeze !== undefined && { freeze: frozen(freeze) }),
      ...(newHead && { newHead }),
      ...(resume && { resume }),
      signal,
      onEvent: reporter.onEvent,
    });
    reporter.end();
    const seconds = performance.now() / 1000;
    const { newTest, oldTest, frozen: kept, folder: saved, stopped, steps, backend, isa, threads } = result;
    if (options.json) {
      const outcome = { stopped, steps, newTest, oldTest, frozen: kept, newHead: result.newHead };
      console.log(
        JSON.stringify({ event: 'done', model: saved ?? null, backend, isa, threads, ...outcome, seconds }),
      );
    } else {
      const rows: [string, string[]][] = [['new test images', figures(newTest)]];
      if (oldTest) rows.push([`old test images${result.newHead ? ', old head' : ''}`, figures(oldTest)]);
      console.log(
        grid([['Accuracy on', 'before', 'after', 'change'], ...rows.map(([name, row]) => [name, ...row])]),
      );
      console.log(
        table([
          ['Head', result.newHead ? 'new, for these classes' : 'the same classes'],
          ['Frozen', kept.length > 0 ? kept.join(', ') : 'nothing'],
          ['Time', duration(seconds)],
          ['Backend', runtime(result)],
          ['Model', saved === undefined ? 'nothing to save' : `saved in ${saved}`],
        ]),
      );
    }
    if (signal.aborted) process.exitCode = signal.reason as number;
  } finally {
    reporter.end();
  }
}

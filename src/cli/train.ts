/** `tfjs-native train` */
import type { DownloadProgress } from '../data/download';
import { squareOf } from '../data/names';
import { startLoading } from '../data/sources';
import type { ModelName } from '../models/names';
import { defaultModel } from '../train/options';
import { recipes } from '../train/recipes';
import { repeated } from '../train/repeat';
import { beginTraining } from './begin';
import type { RuntimeOptions } from './runtime';
import { settingsOf } from './settings';

export interface TrainCommandOptions extends RuntimeOptions, Readonly<Record<string, unknown>> {
  readonly data?: string;
  readonly out?: string;
  readonly resume?: boolean;
  readonly from?: string;
  readonly json?: boolean;
}

export async function train(model: string | undefined, options: TrainCommandOptions): Promise<void> {
  const { reporter, signal } = beginTraining(options);
  const { data, out, resume } = options;
  const before = options.from === undefined ? {} : repeated(options.from, data);
  const settings = settingsOf(options);
  // The data is read while TensorFlow.js is loaded.
  const source =
    data ?? (before.data as string | undefined) ?? recipes[(model ?? defaultModel) as ModelName].data;
  if (!resume) {
    const { imageSize, color } = { ...before, ...settings };
    const size = squareOf(imageSize);
    const onProgress = (progress: DownloadProgress) => reporter.onEvent({ event: 'download', ...progress });
    startLoading(source, { size, color, onProgress });
  }
  const trainer = require('../train') as typeof import('../train');
  const { withoutGpu } = (require('../info') as typeof import('../info')).info().tensorflow ?? {};
  if (withoutGpu) reporter.notice(`warning: on the CPU: ${withoutGpu}`);
  try {
    const result = await trainer.train({
      ...before,
      ...settings,
      ...(model !== undefined && { model }),
      ...(data !== undefined && { data }),
      ...(out !== undefined && { out }),
      ...(resume && { resume }),
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

/** Training anew what was trained before. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeError } from '../errors';
import { reasonOf } from '../io/reasons';
import type { TrainOptions } from './options';
import type { RunConfig } from './run-config';

/**
 * The options of a run, but for where it was saved, and for data of the user's own, which have to be named again.
 * @param folder of the run, which holds `run.json`
 * @param given the data that is named again
 * @throws TfjsNativeError DATA_FILE
 */
export function repeated(folder: string, given?: string): TrainOptions {
  const file = join(folder, 'run.json');
  try {
    const { model, settings, data } = JSON.parse(readFileSync(file, 'utf8')) as RunConfig;
    if (model === 'finetuned') throw new Error('it was fine-tuned, which takes the command finetune');
    if (data.name === undefined && given === undefined)
      throw new Error('it was trained on data of its own, which has to be named again: --data');
    return { ...settings, model, data: given ?? data.name };
  } catch (error) {
    throw nativeError('DATA_FILE', file, `cannot be repeated (${reasonOf(error)})`);
  }
}

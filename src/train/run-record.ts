/** `run.json`: what was trained how and with what outcome, enough to repeat it, without paths or names of machines. */
import { info } from '../info';
import type { Evaluation } from './evaluate';
import type { RunConfig } from './run-config';

/** How a run ended; nothing of one that goes on or was killed. */
export interface Outcome {
  /** On the test images; undefined if it was stopped. */
  readonly test: Evaluation | undefined;
  readonly steps: number;
  readonly bestEpoch: number | undefined;
  readonly seconds: number;
}

/** The text of the file. */
export function runRecord(config: RunConfig, outcome?: Outcome): string {
  const { versions, backend, isa, threads, tensorflow } = info();
  const record = { ...config, outcome, versions, backend, isa, threads, tensorflow };
  return `${JSON.stringify(record, undefined, 2)}\n`;
}

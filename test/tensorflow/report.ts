/** What parity tests found, a line of JSON each, for `npm run parity` to make a report of. */
import { appendFileSync } from 'node:fs';

export interface Finding {
  /** An op's or a model's name. */
  readonly subject: string;
  /** What was compared, such as `value` or `gradient of x`. */
  readonly what: string;
  /** The two sides, such as `native, tensorflow`. */
  readonly sides: string;
  /** The largest difference of a number, and what rounding may make of it. */
  readonly difference: number;
  readonly bound: number;
}

export function record(finding: Finding): void {
  const file = process.env['PARITY_FINDINGS'];
  if (file) appendFileSync(file, `${JSON.stringify(finding)}\n`);
}

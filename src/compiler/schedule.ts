/** Fourth pass: cuts the calls of a step into segments that run micro-batch by micro-batch, or on the whole batch. */
import type { Call, Tape } from './tape';

/** Calls that run in the same way, one after the other. */
export interface Segment {
  readonly micro: boolean;
  /** Whether it waits until the loss has been found finite. */
  readonly closing?: boolean;
  readonly calls: Call[];
}

/** The segments of a program's calls, in their order; those of preparations come first, of closings last. */
export function schedule({
  preparations,
  calls,
  closings,
}: Pick<Tape, 'preparations' | 'calls' | 'closings'>): Segment[] {
  const firstOfStream = new Map<number, boolean>();
  const segments: Segment[] = [];
  // What may run anywhere before the first call that may not, goes with it.
  let micro = (calls.find((call) => call.micro !== 'where')?.micro ?? 'never') === 'always';
  for (const call of calls) {
    if (call.micro !== 'where') micro = call.micro === 'always';
    if (call.random !== undefined) {
      // A mask is drawn again for the gradient, in the same parts.
      const first = firstOfStream.get(call.random);
      if (first === undefined) firstOfStream.set(call.random, micro);
      else micro = first;
    }
    const last = segments.at(-1);
    if (last?.micro === micro) last.calls.push(call);
    else segments.push({ micro, calls: [call] });
  }
  if (preparations.length > 0) segments.unshift({ micro: false, calls: preparations });
  if (closings.length > 0) segments.push({ micro: false, closing: true, calls: closings });
  return segments;
}

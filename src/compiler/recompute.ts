/**
 * Pass after the scheduling: what is quickly computed again is not kept for a later segment that reads it, where it
 * would come through memory, but made there anew in cache.
 */
import type { Program } from './lower';
import type { Segment } from './schedule';
import type { Call, Memory, Value } from './tape';

/** The output of a call under another memory, of the same form as `value`. */
function moved(value: Value, memory: Memory): Value {
  return { ...value, memory };
}

/** Whether a call reads what lies in this memory. */
function readsFrom({ inputs }: Call, memory: Memory): boolean {
  return inputs.some((value) => value?.memory === memory);
}

/** Puts a copy of a call before the first that reads its output, and lets all of the segment read the copy's. */
function insert({ calls }: Segment, call: Call): void {
  const [output] = call.outputs as [Value];
  const { bytes, perSample } = output.memory;
  const memory: Memory = { bytes, perSample };
  const first = calls.findIndex((reader) => readsFrom(reader, output.memory));
  for (const [i, reader] of calls.entries()) {
    if (!readsFrom(reader, output.memory)) continue;
    const inputs = reader.inputs.map((value) =>
      value?.memory === output.memory ? moved(value, memory) : value,
    );
    calls[i] = { ...reader, inputs };
  }
  calls.splice(first, 0, { ...call, outputs: [moved(output, memory)] });
}

/** Copies calls that are marked as `cheap` into the segments that read what they compute, where all are micro. */
export function recompute({ products, results }: Program, segments: readonly Segment[]): readonly Segment[] {
  const kept = new Set([...products.values()].flatMap(({ x, dy }) => [x.memory, dy.memory]));
  for (const { value } of results) kept.add(value.memory);
  for (const from of segments) {
    if (!from.micro) continue;
    for (const call of from.calls.filter(({ cheap }) => cheap)) {
      const { memory } = call.outputs[0] as Value;
      if (kept.has(memory)) continue;
      const readers = segments.filter(
        (segment) => segment !== from && segment.calls.some((reader) => readsFrom(reader, memory)),
      );
      if (readers.every(({ micro }) => micro)) for (const reader of readers) insert(reader, call);
    }
  }
  return segments;
}

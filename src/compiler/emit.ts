/** Last pass: the numbers that native/plan/decode.cc reads. */
import { dtypeCodes } from '../backend/storage';
import { addon } from '../binding';
import { nativeError } from '../errors';
import { addonFile } from '../binding';
import { gatheringSegment, type Program } from './lower';
import type { Layout } from './memory';
import type { Segment } from './schedule';
import type { Call, Memory, Place, Value } from './tape';

const places: Readonly<Record<Place, number>> = { scratch: 0, arena: 1, slice: 2, thread: 3, external: 4 };
const opIndex = new Map(addon.ops.map((op, index) => [op.name, { index, params: op.params }]));

/** The index of an op and its parameters, in the order in which the addon reads them. */
export function encodeOp(
  name: string,
  params: Readonly<Record<string, number>>,
): { op: number; values: number[] } {
  const spec = opIndex.get(name);
  if (spec === undefined) throw nativeError('ADDON_MISMATCH', addonFile, name);
  return { op: spec.index, values: spec.params.map((param) => params[param] as number) };
}

/** Encodes a program whose values have their places. */
export function emit(program: Program, segments: readonly Segment[], layout: Layout): Float64Array {
  const out: number[] = [];
  const values: Value[] = [];
  const indexOf = new Map<Value, number>();
  const index = (value: Value | undefined): number => {
    if (value === undefined) return -1;
    let at = indexOf.get(value);
    if (at === undefined) {
      at = values.push(value) - 1;
      indexOf.set(value, at);
    }
    return at;
  };
  const list = <T>(items: readonly T[], write: (item: T) => void): void => {
    out.push(items.length);
    items.forEach(write);
  };

  list(program.inputs, ({ kind, value, scale }) => out.push(kind === 'data' ? 0 : 1, index(value), scale));
  const writeCall = (call: Call): void => {
    const { op, values: params } = encodeOp(call.op, call.params);
    out.push(op, Number(call.random !== undefined));
    list(call.inputs, (value) => out.push(index(value)));
    list(call.outputs, (value) => out.push(index(value)));
    list(params, (param) => out.push(param));
  };
  list(program.tape.threadPreparations, writeCall);
  list(segments, ({ micro, closing, calls }) => {
    out.push(Number(micro), Number(closing ?? false));
    list(calls, writeCall);
  });
  out.push(gatheringSegment(program));
  list(program.results, ({ value, weights, to, scale }) => out.push(index(value), index(weights), to, scale));
  out.push(program.resultCount);
  // Frozen weights do not change, but their penalties count.
  const counting = program.tape.parameters
    .map((parameter, i) => ({ parameter, at: layout.weightOffsets[i] as number }))
    .filter(({ parameter: { gradient, l1, l2 } }) => program.tape.training && (gradient || l1 || l2));
  list(counting, ({ parameter: { value, gradients, l1, l2 }, at }) => {
    out.push(at, value.memory.bytes / 4, l1, l2);
    list(gradients, (gradient) => {
      const product = program.products.get(gradient);
      const { place = 'arena', offset = 0 } = product ? {} : gradient.memory;
      out.push(places[place], offset, index(product?.x), index(product?.dy));
    });
  });
  list(program.outputs, (value) => out.push(index(value)));

  const head = [
    layout.microRows,
    layout.scratchBytes,
    layout.threadBytes,
    layout.slices,
    layout.sliceBytes,
    layout.sliceOffset,
    layout.weightsOffset,
    values.length,
  ];
  for (const { memory, dtype, dims, batchDim } of values) {
    const { place, offset } = placed(memory);
    const rows = batchDim === undefined ? 0 : (dims[batchDim] as number);
    head.push(dtypeCodes[dtype], places[place], offset, rows, batchDim ?? 0, dims.length, ...dims);
  }
  return Float64Array.from([...head, ...out]);
}

function placed({ place, offset }: Memory): { place: Place; offset: number } {
  return { place: place as Place, offset: offset as number };
}

/** Fifth pass: gives every value its place in memory, so that what is not in use at the same time shares it. */
import { gatheringSegment, type Program } from './lower';
import type { Segment } from './schedule';
import type { Call, Memory, Parameter, Place, Tape, Value } from './tape';

/** Sizes in bytes, offsets in the arena. */
export interface Layout {
  /** Samples in a micro-batch, at most. */
  readonly microRows: number;
  /** What a micro-batch needs on the thread that runs it. */
  readonly scratchBytes: number;
  /** What each thread keeps for a step. */
  readonly threadBytes: number;
  /** Private gradients of micro-batches: so many slices of so many bytes. */
  readonly slices: number;
  readonly sliceBytes: number;
  readonly sliceOffset: number;
  readonly weightsOffset: number;
  readonly weightsBytes: number;
  /** In floats, from the weights' start: trained weights come first. */
  readonly weightOffsets: readonly number[];
  /** Floats of all trained weights, with the gaps between them. */
  readonly trainedLength: number;
  /** Where memory for the optimizer's slots may begin. */
  readonly arenaBytes: number;
}

/** More slices would cost more to add up than they gain. */
const maxSlices = 16;
/** What a micro-batch may fill of a core's second-level cache: not all of it is in use at once. */
const microBytes = 1024 * 1024;
const maxMicroRows = 8;

const alignment = 64;
const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

interface Life {
  readonly memory: Memory;
  readonly bytes: number;
  begin: number;
  end: number;
}

/** Offsets for lives, such that no two that overlap in time do in memory: largest first, each as low as it can be. */
function pack(lives: readonly Life[]): number {
  const placed: { life: Life; offset: number }[] = [];
  let total = 0;
  for (const life of lives.toSorted((a, b) => b.bytes - a.bytes)) {
    const others = placed
      .filter(({ life: other }) => other.begin <= life.end && life.begin <= other.end)
      .toSorted((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const other of others) {
      if (offset + life.bytes <= other.offset) break;
      offset = Math.max(offset, other.offset + other.life.bytes);
    }
    life.memory.offset = offset;
    placed.push({ life, offset });
    total = Math.max(total, offset + life.bytes);
  }
  return total;
}

/** Memory that stays as it is from step to step, or that all of a step needs. */
function lastingMemory({
  parameters,
  states,
  preparations,
  threadPreparations,
}: Tape): Set<Memory | undefined> {
  const weights = parameters.flatMap(({ value, gradients }) =>
    [value, ...gradients].map(({ memory }) => memory),
  );
  const prepared = [...preparations, ...threadPreparations].flatMap(({ outputs }) =>
    outputs.map((output) => output?.memory),
  );
  return new Set([...weights, ...prepared, ...states.map(({ value }) => value.memory)]);
}

/** Where each other value is written first and read last: calls are counted through, segments are their ranges. */
function livesOf(program: Program, segments: readonly Segment[]) {
  const lasting = lastingMemory(program.tape);
  const uses = new Map<Memory, { first: number; last: number; segments: Set<Segment | undefined> }>();
  const use = (value: Value | undefined, at: number, segment: Segment | undefined): void => {
    if (value === undefined || lasting.has(value.memory)) return;
    const known = uses.get(value.memory);
    if (known === undefined) uses.set(value.memory, { first: at, last: at, segments: new Set([segment]) });
    else {
      known.first = Math.min(known.first, at);
      known.last = Math.max(known.last, at);
      known.segments.add(segment);
    }
  };
  const ranges = new Map<Segment, { begin: number; end: number }>();
  let at = 0;
  for (const segment of segments) {
    const begin = at;
    for (const call of segment.calls) {
      for (const value of [...call.inputs, ...call.outputs]) use(value, at, segment);
      at++;
    }
    ranges.set(segment, { begin, end: at - 1 });
  }
  // Inputs are gathered first of all; results are added up when all is done.
  const gathering = segments[gatheringSegment(program)] as Segment;
  for (const { value } of program.inputs) use(value, ranges.get(gathering)?.begin as number, gathering);
  for (const output of program.outputs) use(output, at, undefined);
  for (const { value, weights } of program.results) {
    use(value, at, undefined);
    use(weights, at, undefined);
  }
  for (const { x, dy } of program.products.values()) {
    use(x, at, undefined);
    use(dy, at, undefined);
  }
  return { uses, ranges };
}

function placeParameters(parameters: readonly Parameter[]) {
  let at = 0;
  const offsets = new Map<Parameter, number>();
  let trainedLength = 0;
  for (const trained of [true, false]) {
    for (const parameter of parameters) {
      if ((parameter.gradient !== undefined) !== trained) continue;
      offsets.set(parameter, at / 4);
      at += align(parameter.value.memory.bytes);
    }
    if (trained) trainedLength = at / 4;
  }
  return {
    offsets: parameters.map((parameter) => offsets.get(parameter) as number),
    bytes: at,
    trainedLength,
  };
}

/** Places the outputs of preparations one after the other, from `offset` on; returns where they end. */
function placePrepared(preparations: readonly Call[], place: Place, offset: number): number {
  let at = offset;
  for (const { memory } of preparations.flatMap(({ outputs }) => outputs as Value[])) {
    memory.place = place;
    memory.offset = at;
    at += align(memory.bytes);
  }
  return at;
}

/**
 * Places all values of a program.
 * @param batch the largest batch that it will run
 */
export function placeValues(program: Program, segments: readonly Segment[], batch: number): Layout {
  const { parameters } = program.tape;
  const { uses, ranges } = livesOf(program, segments);
  const local: Life[] = [];
  const shared: Life[] = [];
  for (const [memory, { first, last, segments: where }] of uses) {
    const [only] = where;
    if (where.size === 1 && only?.micro) {
      memory.place = 'scratch';
      local.push({ memory, bytes: memory.bytes, begin: first, end: last });
    } else {
      memory.place = 'arena';
      const rows = memory.perSample ? batch : 1;
      const life = { memory, bytes: align(memory.bytes * rows), begin: first, end: last };
      // Micro-batches are not in step with each other.
      for (const segment of where) {
        if (!segment?.micro) continue;
        const { begin, end } = ranges.get(segment) as { begin: number; end: number };
        life.begin = Math.min(life.begin, begin);
        life.end = Math.max(life.end, end);
      }
      shared.push(life);
    }
  }
  const one = pack(local);
  const microRows = Math.max(1, Math.min(maxMicroRows, Math.floor(microBytes / Math.max(one, 1))));
  const scratchBytes = pack(local.map((life) => ({ ...life, bytes: align(life.bytes * microRows) })));

  const { training } = program.tape;
  const weights = placeParameters(parameters);
  let offset = 0;
  const weightsOffset = offset;
  for (const [i, { value }] of parameters.entries()) {
    value.memory.place = training ? 'arena' : 'external';
    value.memory.offset = training ? weightsOffset + (weights.offsets[i] as number) * 4 : i;
  }
  if (training) offset += weights.bytes;
  for (const { value } of program.tape.states) {
    value.memory.place = 'arena';
    value.memory.offset = offset;
    offset += align(value.memory.bytes * batch);
  }
  offset = placePrepared(program.tape.preparations, 'arena', offset);
  const threadBytes = placePrepared(program.tape.threadPreparations, 'thread', 0);

  const inMicro = new Set(
    segments
      .filter(({ micro }) => micro)
      .flatMap(({ calls }) => calls.flatMap(({ outputs }) => outputs.map((o) => o?.memory))),
  );
  const sliceOffset = offset;
  for (const sliced of [true, false]) {
    for (const gradient of parameters.flatMap(({ gradients }) => gradients)) {
      if (program.products.has(gradient)) continue;
      if (inMicro.has(gradient.memory) !== sliced) continue;
      gradient.memory.place = sliced ? 'slice' : 'arena';
      gradient.memory.offset = offset;
      offset += align(gradient.memory.bytes);
    }
    if (sliced) offset = sliceOffset + (offset - sliceOffset) * maxSlices;
  }
  const sliceBytes = sliceBytesOf(parameters);
  const arenaStart = offset;
  offset += pack(shared);
  for (const { memory } of shared) memory.offset = arenaStart + (memory.offset as number);
  return {
    microRows,
    scratchBytes,
    threadBytes,
    slices: maxSlices,
    sliceBytes,
    sliceOffset,
    weightsOffset,
    weightsBytes: weights.bytes,
    weightOffsets: weights.offsets,
    trainedLength: weights.trainedLength,
    arenaBytes: align(offset),
  };
}

function sliceBytesOf(parameters: readonly Parameter[]): number {
  let bytes = 0;
  for (const { memory } of parameters.flatMap(({ gradients }) => gradients))
    if (memory.place === 'slice') bytes += align(memory.bytes);
  return bytes;
}

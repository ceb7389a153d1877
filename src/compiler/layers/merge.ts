/** Layers of several inputs: Add, Average, Multiply, Maximum, Minimum and Concatenate. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { mostInputs, sizeOf, type Tape, type Value } from '../tape';
import { perAxis } from './axes';
import { Elementwise, sumTo } from './elementwise';
import type { LayerRule, Lowered } from './rule';

function refuseMany(layer: Layer): string | undefined {
  const length = layer.inboundNodes[0]?.inputTensors.length ?? 0;
  return length > mostInputs ? `it has ${length} inputs, more than ${mostInputs}` : undefined;
}

/** The inputs with as many dimensions as the output: those that are missing come behind the batch's. */
function ofRank(tape: Tape, inputs: readonly Value[], rank: number): Value[] {
  return inputs.map((input) => {
    const [samples, ...others] = input.dims as [number, ...number[]];
    const missing = Array.from({ length: rank - others.length }, () => 1);
    return missing.length > 0 ? tape.view(input, [samples, ...missing, ...others]) : input;
  });
}

function alike(inputs: readonly Value[]): boolean {
  return inputs.every(({ dims }) => dims.join() === inputs[0]?.dims.join());
}

/** What the gradient of op(a, b) is multiplied by for those of a and b; undefined where that is 1. */
type Factors = (
  e: Elementwise,
  a: Value,
  b: Value,
) => readonly [ofA: () => Value, ofB: () => Value] | undefined;

/** Writes op(op(a, b), c) and so on, of values that may be broadcast to each other. */
function fold(
  tape: Tape,
  op: 'Add' | 'Multiply' | 'Maximum' | 'Minimum',
  factorsOf: Factors,
  inputs: readonly Value[],
  wanted: readonly boolean[],
): Lowered {
  const e = new Elementwise(tape);
  const rank = Math.max(...inputs.map(({ dims }) => dims.length)) - 1;
  const parts = ofRank(tape, inputs, rank);
  const results = [parts[0] as Value];
  for (const part of parts.slice(1)) results.push(e.binary(op, results.at(-1) as Value, part));
  return {
    output: results.at(-1) as Value,
    backward(dy) {
      const gradients: (Value | undefined)[] = inputs.map(() => undefined);
      const give = (i: number, gradient: Value): void => {
        const { dims } = parts[i] as Value;
        gradients[i] = tape.view(sumTo(tape, gradient, dims), (inputs[i] as Value).dims);
      };
      let dresult = dy;
      for (let i = inputs.length - 1; i > 0; i--) {
        const a = results[i - 1] as Value;
        const factors = factorsOf(e, a, parts[i] as Value);
        if (wanted[i]) give(i, factors ? e.multiply(dresult, factors[1]()) : dresult);
        if (!wanted.slice(0, i).includes(true)) return gradients;
        dresult = sumTo(tape, factors ? e.multiply(dresult, factors[0]()) : dresult, a.dims);
      }
      give(0, dresult);
      return gradients;
    },
  };
}

/** The sum of all inputs. */
function sumOf(tape: Tape, inputs: readonly Value[], wanted: readonly boolean[]): Lowered {
  if (!alike(inputs)) return fold(tape, 'Add', () => undefined, inputs, wanted);
  const output = tape.like(inputs[0] as Value);
  tape.call('AddN', inputs, [output], {});
  return { output, backward: (dy) => inputs.map((_, i) => (wanted[i] ? dy : undefined)) };
}

export const add: LayerRule = {
  probe: () => layers.add(),
  refuse: refuseMany,
  lower: (_, inputs, tape, wanted) => sumOf(tape, inputs, wanted),
};

export const average: LayerRule = {
  probe: () => layers.average(),
  refuse: refuseMany,
  lower(_, inputs, tape, wanted) {
    const e = new Elementwise(tape);
    const { output, backward } = sumOf(tape, inputs, wanted);
    return {
      output: e.multiply(output, 1 / inputs.length),
      backward: (dy) => backward(e.multiply(dy, 1 / inputs.length)),
    };
  },
};

/** A layer that puts its inputs together one after the other. */
function folding(probe: () => Layer, op: 'Multiply' | 'Maximum' | 'Minimum', factorsOf: Factors): LayerRule {
  return {
    probe,
    refuse: refuseMany,
    lower: (_, inputs, tape, wanted) => fold(tape, op, factorsOf, inputs, wanted),
  };
}

export const multiply = folding(
  () => layers.multiply(),
  'Multiply',
  (_, a, b) => [() => b, () => a],
);
// Of equal numbers the first gets the gradient, as upstream has it.
export const maximum = folding(
  () => layers.maximum(),
  'Maximum',
  (e, a, b) => [() => e.indicator('GreaterEqual', a, b), () => e.indicator('Less', a, b)],
);
export const minimum = folding(
  () => layers.minimum(),
  'Minimum',
  (e, a, b) => [() => e.indicator('LessEqual', a, b), () => e.indicator('Greater', a, b)],
);

/** Puts values one behind the other along a dimension, of which 0 is the batch's. */
export function join(
  tape: Tape,
  inputs: readonly Value[],
  dimension: number,
  wanted: readonly boolean[],
): Lowered {
  const [first] = inputs as [Value];
  const outer = sizeOf({ dims: first.dims.slice(1, dimension) });
  const widthOf = ({ dims }: Value): number => sizeOf({ dims: dims.slice(dimension) });
  const rows = (value: Value): Value => tape.view(value, [outer, widthOf(value)]);
  const length = inputs.reduce((sum, { dims }) => sum + (dims[dimension] as number), 0);
  const output = tape.value(first.dims.with(dimension, length).slice(1));
  tape.call('Concat', inputs.map(rows), [rows(output)], {});
  const begins = inputs.map((_, i) => inputs.slice(0, i).reduce((sum, input) => sum + widthOf(input), 0));
  return {
    output,
    backward: (dy) =>
      inputs.map((input, i) => {
        if (!wanted[i]) return undefined;
        const dx = tape.value(input.dims.slice(1));
        tape.call('Slice', [rows(dy)], [rows(dx)], perAxis('begin', [0, begins[i] as number]));
        return dx;
      }),
  };
}

export const concatenate: LayerRule = {
  probe: () => layers.concatenate(),
  refuse(layer) {
    const { axis } = layer as unknown as { axis: number };
    if (axis === 0) return 'its axis is that of the batch';
    // Upstream takes any negative one for the last.
    return axis < -1 ? `its axis is ${axis}` : refuseMany(layer);
  },
  lower({ layers: [layer], shape }, inputs, tape, wanted) {
    const { axis } = layer as unknown as { axis: number };
    return join(tape, inputs, axis < 0 ? shape.length : axis, wanted);
  },
};

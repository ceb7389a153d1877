/** Layers of several inputs: Add, Average, Multiply, Maximum, Minimum and Concatenate. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { mostInputs, sizeOf, type Tape, type Value } from '../tape';
import { perAxis } from './axes';
import { Elementwise } from './elementwise';
import type { LayerRule, Lowered } from './rule';

function inputShapes(layer: Layer): readonly (readonly (number | null)[])[] {
  return layer.inboundNodes[0]?.inputTensors.map(({ shape }) => shape) ?? [];
}

function refuseMany(layer: Layer): string | undefined {
  const { length } = inputShapes(layer);
  return length > mostInputs ? `it has ${length} inputs, more than ${mostInputs}` : undefined;
}

function refuseShapes(layer: Layer): string | undefined {
  const shapes = inputShapes(layer).map((shape) => shape.join());
  if (shapes.some((shape) => shape !== shapes[0])) return 'its inputs have different shapes';
  return refuseMany(layer);
}

export const add: LayerRule = {
  probe: () => layers.add(),
  refuse: refuseShapes,
  lower({ shape }, inputs, tape) {
    const output = tape.value(shape);
    tape.call('AddN', inputs, [output], {});
    return { output, backward: (dy) => inputs.map(() => dy) };
  },
};

export const average: LayerRule = {
  probe: () => layers.average(),
  refuse: refuseShapes,
  lower({ shape }, inputs, tape, wanted) {
    const e = new Elementwise(tape);
    const sum = tape.value(shape);
    tape.call('AddN', inputs, [sum], {});
    return {
      output: e.multiply(sum, 1 / inputs.length),
      backward(dy) {
        const dx = e.multiply(dy, 1 / inputs.length);
        return wanted.map((each) => (each ? dx : undefined));
      },
    };
  },
};

/**
 * A layer that puts its inputs together one after the other.
 * @param factorOf writes what the gradient of op(a, b) is multiplied by for those of a and b
 */
function folding(
  probe: () => Layer,
  op: 'Multiply' | 'Maximum' | 'Minimum',
  factorOf: (e: Elementwise, a: Value, b: Value) => readonly [ofA: () => Value, ofB: () => Value],
): LayerRule {
  return {
    probe,
    refuse: refuseShapes,
    lower(_, inputs, tape, wanted) {
      const e = new Elementwise(tape);
      const results = [inputs[0] as Value];
      for (const input of inputs.slice(1)) results.push(e.binary(op, results.at(-1) as Value, input));
      return {
        output: results.at(-1) as Value,
        backward(dy) {
          const gradients: (Value | undefined)[] = inputs.map(() => undefined);
          let dresult = dy;
          for (let i = inputs.length - 1; i > 0; i--) {
            const [ofA, ofB] = factorOf(e, results[i - 1] as Value, inputs[i] as Value);
            if (wanted[i]) gradients[i] = e.multiply(dresult, ofB());
            if (!wanted.slice(0, i).includes(true)) return gradients;
            dresult = e.multiply(dresult, ofA());
          }
          gradients[0] = dresult;
          return gradients;
        },
      };
    },
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

/** Add and Concatenate. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Value } from '../tape';
import type { LayerRule } from './rule';

/** A call takes no more tensors than native/plan binds at once. */
const mostInputs = 16;

function inputShapes(layer: Layer): readonly (readonly (number | null)[])[] {
  return layer.inboundNodes[0]?.inputTensors.map(({ shape }) => shape) ?? [];
}

function refuseMany(layer: Layer): string | undefined {
  const { length } = inputShapes(layer);
  return length > mostInputs ? `it has ${length} inputs, more than ${mostInputs}` : undefined;
}

export const add: LayerRule = {
  probe: () => layers.add(),
  refuse(layer) {
    const shapes = inputShapes(layer).map((shape) => shape.join());
    if (shapes.some((shape) => shape !== shapes[0])) return 'its inputs have different shapes';
    return refuseMany(layer);
  },
  lower({ shape }, inputs, tape) {
    const output = tape.value(shape);
    tape.call('AddN', inputs, [output], {});
    return { output, backward: (dy) => inputs.map(() => dy) };
  },
};

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
    const dimension = axis < 0 ? axis + shape.length + 1 : axis;
    const outer = shape.slice(0, dimension - 1).reduce((a, b) => a * b, 1);
    const widthOf = ({ dims }: Value): number => dims.slice(dimension).reduce((a, b) => a * b, 1);
    const rows = (value: Value): Value => tape.view(value, [outer, widthOf(value)]);
    const output = tape.value(shape);
    tape.call('Concat', inputs.map(rows), [rows(output)], {});
    const begins = inputs.map((_, i) => inputs.slice(0, i).reduce((sum, input) => sum + widthOf(input), 0));
    return {
      output,
      backward: (dy) =>
        inputs.map((input, i) => {
          if (!wanted[i]) return undefined;
          const dx = tape.value(input.dims.slice(1));
          const others = { begin2: 0, begin3: 0, begin4: 0, begin5: 0, begin6: 0, begin7: 0 };
          const begin = { begin0: 0, begin1: begins[i] as number, ...others };
          tape.call('Slice', [rows(dy)], [rows(dx)], begin);
          return dx;
        }),
    };
  },
};

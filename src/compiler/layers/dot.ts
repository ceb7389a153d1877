/** Dot: products of two inputs over an axis of each, of normalised ones perhaps. */
import { backend } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { sizeOf, type Tape, type Value } from '../tape';
import { Elementwise } from './elementwise';
import type { LayerRule } from './rule';

interface Dot {
  readonly axes: number | readonly [number, number];
  readonly normalize: boolean;
}

/** The axis of each input, counted with the batch. */
function axesOf(layer: Layer, ranks: readonly number[]): [number, number] {
  const { axes } = layer as unknown as Dot;
  const each = typeof axes === 'number' ? [axes, axes] : axes;
  return each.map((axis, i) => (axis < 0 ? axis + (ranks[i] as number) : axis)) as [number, number];
}

/** Writes x / max(|x|, root of epsilon), of norms over an axis, and tells how to go back. */
function normalised(tape: Tape, x: Value, axis: number): { output: Value; backward(dy: Value): Value } {
  const e = new Elementwise(tape);
  const outer = sizeOf({ dims: x.dims.slice(0, axis) });
  const length = x.dims[axis] as number;
  const inner = sizeOf({ dims: x.dims.slice(axis + 1) });
  const box = (value: Value): Value => tape.view(value, [outer, length, inner]);
  const sum = (value: Value): Value => {
    const to = tape.like({ dims: [outer, inner] });
    tape.call('Sum', [box(value)], [to], {});
    return tape.view(to, [outer, 1, inner]);
  };
  const squares = sum(e.unary('Square', x));
  const epsilon = backend().epsilon();
  const norm = e.unary('Sqrt', e.binary('Maximum', squares, epsilon));
  const output = tape.view(e.binary('RealDiv', box(x), norm), x.dims);
  return {
    output,
    backward(dy) {
      // A norm that was too small is a constant.
      const along = e.multiply(sum(e.multiply(dy, output)), e.indicator('GreaterEqual', squares, epsilon));
      const across = e.binary('Sub', box(dy), e.multiply(box(output), along));
      return tape.view(e.binary('RealDiv', across, norm), x.dims);
    },
  };
}

export const dot: LayerRule = {
  probe: () => layers.dot({ axes: 1 }),
  refuse(layer) {
    const ranks = layer.inboundNodes[0]?.inputTensors.map(({ rank }) => rank) ?? [];
    const axes = axesOf(layer, ranks);
    return axes.some((axis) => axis < 1) ? `its axes are [${axes}], with that of the batch` : undefined;
  },
  lower({ layers: [layer], shape }, inputs, tape, wanted) {
    const axes = axesOf(
      layer as Layer,
      inputs.map(({ dims }) => dims.length),
    );
    const { normalize } = layer as unknown as Dot;
    const normals = inputs.map((input, i) =>
      normalize ? normalised(tape, input, axes[i] as number) : { output: input, backward: (dy: Value) => dy },
    );
    // [1, rows, columns] each; a vector is one column.
    const matrices = normals.map(({ output }) =>
      output.dims.length === 2 ? tape.view(output, [1, output.dims[1] as number, 1]) : output,
    ) as [Value, Value];
    const [x, y] = matrices;
    const [transposeX, transposeY] = [Number(axes[0] === 1), Number(axes[1] === 2)];
    const result = tape.value([x.dims[1 + transposeX] as number, y.dims[2 - transposeY] as number]);
    const product = (a: Value, b: Value, to: Value, transposeA: number, transposeB: number): void =>
      tape.call('BatchMatMul', [a, b], [to], { transposeA, transposeB });
    product(x, y, result, transposeX, transposeY);
    return {
      output: tape.view(result, [1, ...shape]),
      backward(dy) {
        const dz = tape.view(dy, result.dims);
        const [dx, dyOther] = matrices.map((value, i) => (wanted[i] ? tape.like(value) : undefined));
        if (dx && transposeX) product(y, dz, dx, transposeY, 1);
        else if (dx) product(dz, y, dx, 0, 1 - transposeY);
        if (dyOther && transposeY) product(dz, x, dyOther, 1, transposeX);
        else if (dyOther) product(x, dz, dyOther, 1 - transposeX, 0);
        return [dx, dyOther].map(
          (gradient, i) => gradient && normals[i]?.backward(tape.view(gradient, (inputs[i] as Value).dims)),
        );
      },
    };
  },
};

/** Masking: steps that are `maskValue` in all features become zero, and do not count behind it. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { sizeOf, type Tape, type Value } from '../tape';
import { Elementwise } from './elementwise';
import type { LayerRule } from './rule';

/** [rows, 1]: 1 where one of the last dimension's numbers is another one. */
function countingRows(layer: Layer, input: Value, tape: Tape): Value {
  const { maskValue } = layer as unknown as { maskValue: number };
  const columns = input.dims.at(-1) as number;
  const rows = sizeOf(input) / columns;
  const different = new Elementwise(tape).compare('NotEqual', input, maskValue);
  const any = tape.like({ dims: [rows] }, 'bool');
  tape.call('Any', [tape.view(different, [rows, columns, 1])], [tape.view(any, [rows, 1])], {});
  const counts = tape.like({ dims: [rows, 1] });
  tape.call('Cast', [tape.view(any, [rows, 1])], [counts], {});
  return counts;
}

export const masking: LayerRule = {
  probe: () => layers.masking(),
  lower({ layers: [layer] }, [input], tape, [wanted]) {
    const x = input as Value;
    const e = new Elementwise(tape);
    const counts = countingRows(layer as Layer, x, tape);
    const rows = (value: Value): Value => tape.view(value, [sizeOf(counts), x.dims.at(-1) as number]);
    const masked = (value: Value): Value => tape.view(e.multiply(rows(value), counts), x.dims);
    return {
      output: masked(x),
      mask: tape.view(counts, x.dims.slice(0, -1)),
      backward: (dy) => [wanted ? masked(dy) : undefined],
    };
  },
};

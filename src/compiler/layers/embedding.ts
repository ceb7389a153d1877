/** Embedding: rows of a weight, looked up by whole numbers. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { type Parameter, sizeOf, type Tape, type Value } from '../tape';
import { Elementwise } from './elementwise';
import type { LayerRule } from './rule';
import { optionalWeight, refuseRegularizers } from './weights';

/** The numbers of all samples in one dimension, as whole numbers. */
function wholeNumbers(tape: Tape, input: Value): Value {
  if (input.dtype === 'int32') return input;
  const whole = tape.like(input, 'int32');
  tape.call('Cast', [input], [whole], {});
  return whole;
}

export const embedding: LayerRule = {
  probe: () => layers.embedding({ inputDim: 1, outputDim: 1 }),
  refuse: (layer) => refuseRegularizers(layer, ['embeddings']),
  lower({ layers: [layer], shape }, [input], tape) {
    const embeddings = optionalWeight(layer as Layer, 'embeddings', tape) as Parameter;
    const [words, width] = embeddings.value.dims as [number, number];
    const ids = wholeNumbers(tape, input as Value);
    const count = sizeOf(ids);
    const output = tape.value(shape);
    tape.call(
      'GatherV2',
      [tape.view(embeddings.value, [1, 1, words, width]), tape.view(ids, [1, count], 1)],
      [tape.view(output, [1, 1, count, width], 2)],
      {},
    );
    const { maskZero } = layer as unknown as { maskZero?: boolean };
    return {
      output,
      ...(maskZero && { mask: new Elementwise(tape).indicator('NotEqual', input as Value, 0) }),
      backward(dy) {
        if (embeddings.gradient) {
          const rows = [tape.view(dy, [count, width]), tape.view(ids, [count])];
          tape.gradientCall('UnsortedSegmentSum', rows, [embeddings.gradient], {}, 'never');
        }
        return [undefined];
      },
    };
  },
};

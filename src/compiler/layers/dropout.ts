/** Dropout. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Value } from '../tape';
import type { LayerRule } from './rule';

interface DropoutLayer {
  readonly rate: number;
  readonly noiseShape: readonly number[] | null | undefined;
  readonly seed: number | null | undefined;
}

export const dropout: LayerRule = {
  probe: () => layers.dropout({ rate: 0.5 }),
  refuse(layer) {
    const { noiseShape, seed } = layer as unknown as DropoutLayer;
    if (noiseShape != null) return 'it has a noiseShape';
    return seed == null ? undefined : 'it has a seed, whose numbers are upstream’s';
  },
  lower({ layers: [layer], shape }, [input], tape) {
    const x = input as Value;
    const { rate } = layer as Layer & DropoutLayer;
    if (rate <= 0 || rate >= 1) return { output: x, backward: (dy) => [dy] };
    const random = tape.stream();
    const drop = (from: Value): Value => {
      const to = tape.value(shape);
      // Key and counters are those of the step.
      const philox = { key0: 0, key1: 0, counter0: 0, counter1: 0, counter2: 0, counter3: random };
      const params = {
        ...philox,
        dropBelow: Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1),
        scale: 1 / (1 - rate),
      };
      tape.call('Dropout', [from], [to], params, { random });
      return to;
    };
    // The gradient goes through the same mask.
    return { output: drop(x), backward: (dy) => [drop(dy)] };
  },
};

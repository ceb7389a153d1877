/** Dropout. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Tape, Value } from '../tape';
import type { LayerRule } from './rule';

interface DropoutLayer {
  readonly rate: number;
  readonly noiseShape: readonly number[] | null | undefined;
  readonly seed: number | null | undefined;
}

/** Parameters of an op that draws: key and counters are those of the step, the last counter that of its stream. */
export function philox(counter3: number) {
  return { key0: 0, key1: 0, counter0: 0, counter1: 0, counter2: 0, counter3 };
}

/** Writes `from` with some numbers dropped, each with probability `rate`, and the others times `scale`. */
export function drop(tape: Tape, from: Value, rate: number, scale: number, random = tape.stream()): Value {
  const to = tape.value(from.dims.slice(1));
  const dropBelow = Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1);
  tape.call('Dropout', [from], [to], { ...philox(random), dropBelow, scale }, { random });
  return to;
}

export const dropout: LayerRule = {
  probe: () => layers.dropout({ rate: 0.5 }),
  refuse(layer) {
    const { noiseShape, seed } = layer as unknown as DropoutLayer;
    if (noiseShape != null) return 'it has a noiseShape';
    return seed == null ? undefined : 'it has a seed, whose numbers are upstream’s';
  },
  lower({ layers: [layer] }, [input], tape) {
    const x = input as Value;
    const { rate } = layer as Layer & DropoutLayer;
    if (!tape.training || rate <= 0 || rate >= 1) return { output: x, backward: (dy) => [dy] };
    const random = tape.stream();
    const scale = 1 / (1 - rate);
    // The gradient goes through the same mask.
    return {
      output: drop(tape, x, rate, scale, random),
      backward: (dy) => [drop(tape, dy, rate, scale, random)],
    };
  },
};

/** GaussianNoise, GaussianDropout, AlphaDropout and SpatialDropout1D, with numbers drawn anew in each step. */
import { layers } from '@tensorflow/tfjs-layers';
import { patternOf } from '../../backend/kernels/fill';
import type { Tape, Value } from '../tape';
import { drop, philox } from './dropout';
import { Elementwise } from './elementwise';
import type { LayerRule } from './rule';

/** Of AlphaDropout: what its dropped numbers become, as upstream has it with the other sign. */
const alphaPrime = -1.6732632423543772 * 1.0507009873554805;

/** Writes normal numbers of a sample's shape. */
function normal(tape: Tape, shape: readonly number[], mean: number, stdDev: number): Value {
  const drawn = tape.value(shape);
  const random = tape.stream();
  tape.call('RandomStandardNormal', [], [drawn], { ...philox(random), mean, stdDev }, { random });
  return drawn;
}

/** Writes `scale` for what is kept, 0 for what is dropped with probability `rate`. */
export function mask(tape: Tape, shape: readonly number[], rate: number, scale: number): Value {
  const ones = tape.value(shape);
  tape.call('Fill', [], [ones], { pattern: patternOf(1, 'float32') });
  return drop(tape, ones, rate, scale);
}

export const gaussianNoise: LayerRule = {
  probe: () => layers.gaussianNoise({ stddev: 1 }),
  lower({ layers: [layer], shape }, [input], tape) {
    const { stddev } = layer as unknown as { stddev: number };
    if (!tape.training) return { output: input as Value, backward: (dy) => [dy] };
    const output = new Elementwise(tape).add(input as Value, normal(tape, shape, 0, stddev));
    return { output, backward: (dy) => [dy] };
  },
};

/** A layer that multiplies its input by random factors. */
function factors(
  probe: LayerRule['probe'],
  draw: (tape: Tape, shape: readonly number[], rate: number) => Value,
): Pick<LayerRule, 'probe' | 'lower'> {
  return {
    probe,
    lower({ layers: [layer], shape }, [input], tape) {
      const { rate } = layer as unknown as { rate: number };
      if (!tape.training || rate <= 0 || rate >= 1) return { output: input as Value, backward: (dy) => [dy] };
      const e = new Elementwise(tape);
      const drawn = draw(tape, shape, rate);
      return { output: e.multiply(input as Value, drawn), backward: (dy) => [e.multiply(dy, drawn)] };
    },
  };
}

export const gaussianDropout: LayerRule = factors(
  () => layers.gaussianDropout({ rate: 0.5 }),
  (tape, shape, rate) => normal(tape, shape, 1, Math.sqrt(rate / (1 - rate))),
);

export const spatialDropout1d: LayerRule = {
  ...factors(
    () => layers.spatialDropout1d({ rate: 0.5 }),
    (tape, [, channels], rate) => mask(tape, [1, channels as number], rate, 1 / (1 - rate)),
  ),
  refuse(layer) {
    const { seed } = layer as unknown as { seed?: number | null };
    return seed == null ? undefined : 'it has a seed, whose numbers are upstream’s';
  },
};

export const alphaDropout: LayerRule = {
  probe: () => layers.alphaDropout({ rate: 0.5 }),
  refuse(layer) {
    const { noiseShape } = layer as unknown as { noiseShape?: readonly number[] };
    return noiseShape ? 'it has a noiseShape' : undefined;
  },
  lower({ layers: [layer], shape }, [input], tape) {
    const { rate } = layer as unknown as { rate: number };
    const x = input as Value;
    if (!tape.training || rate <= 0 || rate >= 1) return { output: x, backward: (dy) => [dy] };
    const e = new Elementwise(tape);
    const kept = mask(tape, shape, rate, 1);
    const a = ((1 - rate) * (1 + rate * alphaPrime ** 2)) ** -0.5;
    const b = -a * alphaPrime * rate;
    const dropped = e.multiply(e.add(kept, -1), alphaPrime);
    return {
      output: e.add(e.multiply(e.add(e.multiply(x, kept), dropped), a), b),
      backward: (dy) => [e.multiply(e.multiply(dy, kept), a)],
    };
  },
};

/** LeakyReLU, PReLU and ThresholdedReLU. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { type Parameter, sizeOf, type Tape, type Value } from '../tape';
import { Elementwise, sumTo } from './elementwise';
import type { LayerRule } from './rule';
import { optionalWeight, refuseRegularizers } from './weights';

export const leakyReLU: LayerRule = {
  probe: () => layers.leakyReLU(),
  lower({ layers: [layer], shape }, [input], tape, [wanted]) {
    const { alpha } = layer as unknown as { alpha: number };
    const x = input as Value;
    const e = new Elementwise(tape);
    const output = tape.value(shape);
    tape.call('LeakyRelu', [x], [output], { alpha });
    return { output, backward: (dy) => [wanted ? e.multiply(dy, e.step(x, alpha)) : undefined] };
  },
};

export const thresholdedReLU: LayerRule = {
  probe: () => layers.thresholdedReLU(),
  lower({ layers: [layer] }, [input], tape, [wanted]) {
    const { theta } = layer as unknown as { theta: number };
    const e = new Elementwise(tape);
    const above = e.indicator('Greater', input as Value, theta);
    const output = e.multiply(input as Value, above);
    return { output, backward: (dy) => [wanted ? e.multiply(dy, above) : undefined] };
  },
};

/** Writes the gradient of a weight whose dimensions of length 1 stand for all of x's: sums over those and the batch. */
function sumInto(tape: Tape, { variable }: Parameter, gradient: Value, from: Value): void {
  const sum = sumTo(tape, from, [from.dims[0] as number, ...(variable.shape as number[])]);
  const columns = sizeOf(sum) / (sum.dims[0] as number);
  const rows = tape.view(sum, [1, sum.dims[0] as number, columns], 1);
  tape.call('Sum', [rows], [tape.view(gradient, [1, columns])], {});
}

export const pReLU: LayerRule = {
  probe: () => layers.prelu(),
  refuse: (layer) => refuseRegularizers(layer, ['alpha']),
  lower({ layers: [layer], shape }, [input], tape, [wanted]) {
    const x = input as Value;
    const e = new Elementwise(tape);
    const alpha = optionalWeight(layer as Layer, 'alpha', tape) as Parameter;
    const slopes = tape.view(alpha.value, [1, ...alpha.value.dims]);
    const output = tape.value(shape);
    tape.call('Prelu', [x, slopes], [output], {});
    return {
      output,
      backward(dy) {
        if (alpha.gradient) {
          sumInto(tape, alpha, alpha.gradient, e.multiply(dy, e.binary('Minimum', x, 0)));
        }
        if (!wanted) return [undefined];
        return [e.select(e.compare('Greater', x, 0), dy, e.multiply(dy, slopes))];
      },
    };
  },
};

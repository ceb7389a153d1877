/** LeakyReLU, PReLU and ThresholdedReLU. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { type Parameter, sizeOf, type Tape, type Value } from '../tape';
import { Elementwise } from './elementwise';
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
  let sum = from;
  for (const [i, length] of variable.shape.entries()) {
    const dims = sum.dims.slice();
    if (length !== 1 || dims[i + 1] === 1) continue;
    const [outer, inner] = [sizeOf({ dims: dims.slice(1, i + 1) }), sizeOf({ dims: dims.slice(i + 2) })];
    const next = tape.value(dims.map((each, k) => (k === i + 1 ? 1 : each)).slice(1));
    const rows = tape.view(sum, [outer, dims[i + 1] as number, inner]);
    tape.call('Sum', [rows], [tape.view(next, [outer, inner])], {});
    sum = next;
  }
  const columns = sizeOf(sum);
  tape.call('Sum', [tape.view(sum, [1, 1, columns], 1)], [tape.view(gradient, [1, columns])], {});
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

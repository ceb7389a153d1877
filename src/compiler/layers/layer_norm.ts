/** LayerNormalization: each sample by itself, over some of its dimensions. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { sizeOf, type Value } from '../tape';
import { fromTheFront, toTheEnd } from './axes';
import type { LayerRule } from './rule';
import { optionalWeight, refuseRegularizers } from './weights';

interface LayerNormalization {
  /** Counted with the batch; a list once the layer is built. */
  readonly axis: number | readonly number[];
  readonly epsilon: number;
}

export const layerNormalization: LayerRule = {
  probe: () => layers.layerNormalization(),
  refuse(layer) {
    const { axis } = layer as unknown as LayerNormalization;
    if ([axis].flat().includes(0)) return `its axes [${axis}] have that of the batch`;
    return refuseRegularizers(layer, ['gamma', 'beta']);
  },
  lower({ layers: [layer] }, [input], tape, [wanted]) {
    const { axis, epsilon } = layer as Layer & LayerNormalization;
    const gamma = optionalWeight(layer as Layer, 'gamma', tape);
    const beta = optionalWeight(layer as Layer, 'beta', tape);
    const { dims } = input as Value;
    const axes = fromTheFront(axis, dims.length);
    const { forth, back } = toTheEnd(tape, dims.length, axes);
    const moved = forth(input as Value);
    const columns = sizeOf({ dims: axes.map((each) => dims[each] as number) });
    const rows = sizeOf(moved) / columns;
    const matrix = (value: Value): Value => tape.view(value, [rows, columns]);
    const row = (value: Value | undefined): Value | undefined => value && tape.view(value, [columns]);
    // A number each row.
    const number = (): Value => tape.like({ dims: [rows] });
    const [mean, inverse, y] = [number(), number(), tape.like(moved)];
    const x = matrix(moved);
    const params = { varianceEpsilon: epsilon };
    tape.call('LayerNorm', [x, row(gamma?.value), row(beta?.value)], [matrix(y), mean, inverse], params);
    return {
      output: back(y),
      backward(dy) {
        const dx = wanted ? tape.like(moved) : undefined;
        const gradients = [dx && matrix(dx), row(gamma?.gradient), row(beta?.gradient)];
        if (gradients.some((gradient) => gradient !== undefined))
          tape.call('LayerNormGrad', [matrix(forth(dy)), x, mean, inverse, row(gamma?.value)], gradients, {});
        return [dx && back(dx)];
      },
    };
  },
};

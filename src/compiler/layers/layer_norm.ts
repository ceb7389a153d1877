/** LayerNormalization: each sample by itself, over its last dimensions. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { sizeOf, type Value } from '../tape';
import type { LayerRule } from './rule';
import { optionalWeight, refuseRegularizers } from './weights';

interface LayerNormalization {
  /** Counted from the front, with the batch. */
  readonly axis: readonly number[];
  readonly epsilon: number;
}

export const layerNormalization: LayerRule = {
  probe: () => layers.layerNormalization(),
  refuse(layer) {
    const { axis } = layer as unknown as LayerNormalization;
    const rank = layer.inboundNodes[0]?.inputTensors[0]?.rank as number;
    if (axis.length === rank || axis.some((dimension, i) => dimension !== rank - axis.length + i))
      return `its axes are [${axis}], not the last ones`;
    return refuseRegularizers(layer, ['gamma', 'beta']);
  },
  lower({ layers: [layer], shape }, [input], tape, [wanted]) {
    const { axis, epsilon } = layer as Layer & LayerNormalization;
    const gamma = optionalWeight(layer as Layer, 'gamma', tape);
    const beta = optionalWeight(layer as Layer, 'beta', tape);
    const columns = sizeOf({ dims: shape.slice(shape.length - axis.length) });
    const rows = sizeOf(input as Value) / columns;
    const matrix = (value: Value): Value => tape.view(value, [rows, columns]);
    const row = (value: Value | undefined): Value | undefined => value && tape.view(value, [columns]);
    // A number each row.
    const number = (): Value => tape.view(tape.value([rows]), [rows]);
    const [mean, inverse, output] = [number(), number(), tape.value(shape)];
    const x = matrix(input as Value);
    const params = { varianceEpsilon: epsilon };
    tape.call('LayerNorm', [x, row(gamma?.value), row(beta?.value)], [matrix(output), mean, inverse], params);
    return {
      output,
      backward(dy) {
        const dx = wanted ? tape.value(shape) : undefined;
        const gradients = [dx && matrix(dx), row(gamma?.gradient), row(beta?.gradient)];
        if (gradients.some((gradient) => gradient !== undefined))
          tape.call('LayerNormGrad', [matrix(dy), x, mean, inverse, row(gamma?.value)], gradients, {});
        return [dx];
      },
    };
  },
};

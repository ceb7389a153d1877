/** Rescaling. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Value } from '../tape';
import { Elementwise } from './elementwise';
import type { LayerRule } from './rule';

export const rescaling: LayerRule = {
  probe: () => layers.rescaling({ scale: 1 }),
  lower({ layers: [layer] }, [input], tape, [wanted]) {
    const { scale, offset } = layer as unknown as { scale: number; offset: number };
    const e = new Elementwise(tape);
    return {
      output: e.add(e.multiply(input as Value, scale), offset),
      backward: (dy) => [wanted ? e.multiply(dy, scale) : undefined],
    };
  },
};

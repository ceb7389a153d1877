/** Flatten and Reshape: the same values under another shape. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Value } from '../tape';
import { refuseChannelsFirst } from './image';
import type { LayerRule } from './rule';

const reshapes: Pick<LayerRule, 'reshapes' | 'lower'> = {
  reshapes: true,
  lower({ shape }, [input], tape) {
    const x = input as Value;
    return { output: tape.view(x, [tape.samples, ...shape]), backward: (dy) => [tape.view(dy, x.dims)] };
  },
};

export const flatten: LayerRule = {
  ...reshapes,
  probe: () => layers.flatten(),
  refuse: refuseChannelsFirst,
};
export const reshape: LayerRule = { ...reshapes, probe: () => layers.reshape({ targetShape: [1] }) };

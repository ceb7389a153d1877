/** UpSampling2D. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Value } from '../tape';
import { refuseChannelsFirst } from './image';
import type { LayerRule } from './rule';

const params = { alignCorners: 0, halfPixelCenters: 0 };

export const upSampling2d: LayerRule = {
  probe: () => layers.upSampling2d({}),
  refuse: refuseChannelsFirst,
  lower({ layers: [layer], shape }, [input], tape, [wanted]) {
    const x = input as Value;
    const { interpolation } = layer as unknown as { interpolation: 'nearest' | 'bilinear' };
    const op = interpolation === 'nearest' ? 'ResizeNearestNeighbor' : 'ResizeBilinear';
    const output = tape.value(shape);
    tape.call(op, [x], [output], params);
    return {
      output,
      backward(dy) {
        if (!wanted) return [undefined];
        const dx = tape.value(x.dims.slice(1));
        tape.call(`${op}Grad`, [dy], [dx], params);
        return [dx];
      },
    };
  },
};

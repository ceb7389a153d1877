/** Max- and average-pooling that stands alone. */
import { backend_util } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Value } from '../tape';
import type { LayerRule } from './rule';

interface Pooling2D {
  readonly poolSize: [number, number];
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
  readonly dataFormat: string;
}

function pooling(probe: () => Layer, op: 'MaxPool' | 'AvgPool'): LayerRule {
  return {
    probe,
    refuse: (layer) =>
      (layer as unknown as Pooling2D).dataFormat === 'channelsFirst' ? 'its channels come first' : undefined,
    lower({ layers: [layer], shape }, [input], tape, [wanted]) {
      const x = input as Value;
      const { poolSize, strides, padding } = layer as unknown as Pooling2D;
      const info = backend_util.computePool2DInfo(
        x.dims as [number, number, number, number],
        poolSize,
        strides,
        1,
        padding,
      );
      const params = {
        windowHeight: poolSize[0],
        windowWidth: poolSize[1],
        strideHeight: info.strideHeight,
        strideWidth: info.strideWidth,
        padTop: info.padInfo.top,
        padLeft: info.padInfo.left,
      };
      const output = tape.value(shape);
      tape.call(op, [x], [output], params);
      return {
        output,
        backward(dy) {
          if (!wanted) return [undefined];
          const dx = tape.value(x.dims.slice(1));
          if (op === 'MaxPool') tape.call('MaxPoolGrad', [dy, x], [dx], params);
          else tape.call('AvgPoolGrad', [dy], [dx], params);
          return [dx];
        },
      };
    },
  };
}

export const maxPooling2d = pooling(() => layers.maxPooling2d({}), 'MaxPool');
export const averagePooling2d = pooling(() => layers.averagePooling2d({}), 'AvgPool');

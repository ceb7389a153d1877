/** Max- and average-pooling that stands alone. */
import { backend_util } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Value } from '../tape';
import { asImage, refuseChannelsFirst } from './image';
import type { LayerRule } from './rule';

/** Sizes are lists of one number in 1D. */
interface Pooling {
  readonly poolSize: readonly [number, number?];
  readonly strides: readonly [number, number?];
  readonly padding: 'same' | 'valid';
}

function pooling(probe: () => Layer, op: 'MaxPool' | 'AvgPool'): LayerRule {
  return {
    probe,
    refuse: refuseChannelsFirst,
    lower({ layers: [layer], shape }, [input], tape, [wanted]) {
      const x = asImage(input as Value, tape);
      const { poolSize, strides, padding } = layer as unknown as Pooling;
      const [windowHeight, windowWidth = 1] = poolSize;
      const info = backend_util.computePool2DInfo(
        x.dims as [number, number, number, number],
        [windowHeight, windowWidth],
        [strides[0], strides[1] ?? 1],
        1,
        padding,
      );
      const params = {
        windowHeight,
        windowWidth,
        strideHeight: info.strideHeight,
        strideWidth: info.strideWidth,
        padTop: info.padInfo.top,
        padLeft: info.padInfo.left,
      };
      const output = tape.value(shape);
      tape.call(op, [x], [asImage(output, tape)], params);
      return {
        output,
        backward(dy) {
          if (!wanted) return [undefined];
          const dx = tape.value((input as Value).dims.slice(1));
          const [from, to] = [asImage(dy, tape), asImage(dx, tape)];
          if (op === 'MaxPool') tape.call('MaxPoolGrad', [from, x], [to], params);
          else tape.call('AvgPoolGrad', [from], [to], params);
          return [dx];
        },
      };
    },
  };
}

export const maxPooling1d = pooling(() => layers.maxPooling1d({}), 'MaxPool');
export const maxPooling2d = pooling(() => layers.maxPooling2d({}), 'MaxPool');
export const averagePooling1d = pooling(() => layers.averagePooling1d({}), 'AvgPool');
export const averagePooling2d = pooling(() => layers.averagePooling2d({}), 'AvgPool');

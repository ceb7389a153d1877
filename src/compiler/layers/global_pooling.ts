/** Pooling over all of an image or a sequence. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { sizeOf, type Tape, type Value } from '../tape';
import { refuseChannelsFirst } from './image';
import type { LayerRule } from './rule';

/** Writes the gradient of `x` [1, cells, channels] from that of its result. */
type Backward = (tape: Tape, dy: Value, x: Value, y: Value, dx: Value) => void;

const mean: Backward = (tape, dy, x, _, dx) => {
  const [samples, cells, channels] = x.dims as [number, number, number];
  const window = { windowHeight: cells, windowWidth: 1, strideHeight: 1, strideWidth: 1 };
  const params = { ...window, padTop: 0, padLeft: 0 };
  const [from, to] = [tape.view(dy, [samples, 1, 1, channels]), tape.view(dx, [samples, cells, 1, channels])];
  tape.call('AvgPoolGrad', [from], [to], params);
};

/** Unlike max-pooling in windows, all that are equal to the largest get the gradient. */
const max: Backward = (tape, dy, x, y, dx) => {
  const [samples, cells, channels] = x.dims as [number, number, number];
  const largest = tape.value([cells, channels], 'bool');
  const ones = tape.value([cells, channels]);
  tape.call('Equal', [x, tape.view(y, [samples, 1, channels])], [largest], {});
  tape.call('Cast', [largest], [ones], {});
  tape.call('Multiply', [ones, tape.view(dy, [samples, 1, channels])], [dx], {});
};

function globalPooling(probe: () => Layer, op: 'Mean' | 'Max', backward: Backward): LayerRule {
  return {
    probe,
    refuse: refuseChannelsFirst,
    lower({ shape: [channels] }, [input], tape, [wanted]) {
      const { dims } = input as Value;
      const cells = sizeOf({ dims: dims.slice(1, -1) });
      const flat = (value: Value): Value => tape.view(value, [tape.samples, cells, channels as number]);
      const x = flat(input as Value);
      const output = tape.value([channels as number]);
      tape.call(op, [x], [output], {});
      return {
        output,
        backward(dy) {
          if (!wanted) return [undefined];
          const dx = tape.value(dims.slice(1));
          backward(tape, dy, x, output, flat(dx));
          return [dx];
        },
      };
    },
  };
}

export const globalAveragePooling1d = globalPooling(() => layers.globalAveragePooling1d(), 'Mean', mean);
export const globalAveragePooling2d = globalPooling(() => layers.globalAveragePooling2d({}), 'Mean', mean);
export const globalMaxPooling1d = globalPooling(() => layers.globalMaxPooling1d(), 'Max', max);
export const globalMaxPooling2d = globalPooling(() => layers.globalMaxPooling2d({}), 'Max', max);

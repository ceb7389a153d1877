/** ZeroPadding2D and Cropping2D: each is the other's gradient. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Tape, Value } from '../tape';
import { perAxis } from './axes';
import { refuseChannelsFirst } from './image';
import type { LayerRule } from './rule';

/** What comes before and after the rows, and the columns. */
type Margins = readonly [readonly [number, number], readonly [number, number]];

function pad(tape: Tape, from: Value, to: Value, [[top], [left]]: Margins): void {
  tape.call('PadV2', [from], [to], { ...perAxis('before', [0, top, left]), pattern: 0 });
}

function crop(tape: Tape, from: Value, to: Value, [[top], [left]]: Margins): void {
  tape.call('Slice', [from], [to], perAxis('begin', [0, top, left]));
}

function margins(
  probe: () => Layer,
  field: 'padding' | 'cropping',
  forward: typeof pad,
  back: typeof pad,
): LayerRule {
  return {
    probe,
    refuse: refuseChannelsFirst,
    lower({ layers: [layer], shape }, [input], tape, [wanted]) {
      const x = input as Value;
      const around = (layer as unknown as Record<typeof field, Margins>)[field];
      const output = tape.value(shape);
      forward(tape, x, output, around);
      return {
        output,
        backward(dy) {
          if (!wanted) return [undefined];
          const dx = tape.value(x.dims.slice(1));
          back(tape, dy, dx, around);
          return [dx];
        },
      };
    },
  };
}

export const zeroPadding2d = margins(() => layers.zeroPadding2d(), 'padding', pad, crop);
export const cropping2d = margins(
  () =>
    layers.cropping2D({
      cropping: [
        [0, 0],
        [0, 0],
      ],
    }),
  'cropping',
  crop,
  pad,
);

/** Permute and RepeatVector. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Value } from '../tape';
import { perAxis } from './axes';
import type { LayerRule } from './rule';

export const permute: LayerRule = {
  probe: () => layers.permute({ dims: [1] }),
  lower({ layers: [layer], shape }, [input], tape, [wanted]) {
    const order = [0, ...(layer as unknown as { dims: readonly number[] }).dims];
    const output = tape.value(shape);
    tape.call('Transpose', [input as Value], [output], perAxis('perm', order));
    return {
      output,
      backward(dy) {
        if (!wanted) return [undefined];
        const dx = tape.value((input as Value).dims.slice(1));
        tape.call(
          'Transpose',
          [dy],
          [dx],
          perAxis(
            'perm',
            order.map((_, i) => order.indexOf(i)),
          ),
        );
        return [dx];
      },
    };
  },
};

export const repeatVector: LayerRule = {
  probe: () => layers.repeatVector({ n: 1 }),
  lower({ shape }, [input], tape, [wanted]) {
    const x = input as Value;
    const width = x.dims[1] as number;
    const output = tape.value(shape);
    tape.call('Tile', [tape.view(x, [1, 1, width])], [output], {});
    return {
      output,
      backward(dy) {
        if (!wanted) return [undefined];
        const dx = tape.value([width]);
        tape.call('Sum', [dy], [dx], {});
        return [dx];
      },
    };
  },
};

/** Permute and RepeatVector. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Value } from '../tape';
import type { LayerRule } from './rule';

/** The parameters of a transposition. */
function permutation(order: readonly number[]) {
  const at = (i: number): number => order[i] ?? 0;
  return {
    perm0: at(0),
    perm1: at(1),
    perm2: at(2),
    perm3: at(3),
    perm4: at(4),
    perm5: at(5),
    perm6: at(6),
    perm7: at(7),
  };
}

export const permute: LayerRule = {
  probe: () => layers.permute({ dims: [1] }),
  lower({ layers: [layer], shape }, [input], tape, [wanted]) {
    const order = [0, ...(layer as unknown as { dims: readonly number[] }).dims];
    const output = tape.value(shape);
    tape.call('Transpose', [input as Value], [output], permutation(order));
    return {
      output,
      backward(dy) {
        if (!wanted) return [undefined];
        const dx = tape.value((input as Value).dims.slice(1));
        tape.call('Transpose', [dy], [dx], permutation(order.map((_, i) => order.indexOf(i))));
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

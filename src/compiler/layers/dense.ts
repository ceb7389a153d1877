/** Dense. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { type Micro, sizeOf, smallWeights, type Value } from '../tape';
import { activate, activationOf, fusedActivation } from './activation';
import { perAxis } from './axes';
import type { LayerRule } from './rule';
import { biasGradient, refuseWeights, weightsOf } from './weights';

/** So many columns, or fewer, are a narrow matrix. */
const narrowUnits = 32;

/** From so many columns on, the product has whole vectors of them on every instruction set. */
const leastSparseUnits = 32;

const transposition = perAxis('perm', [1, 0]);

export const dense: LayerRule = {
  probe: () => layers.dense({ units: 1 }),
  refuse: refuseWeights,
  activation: activationOf,
  lower({ layers: [layer], activation, shape }, [input], tape, [wanted]) {
    const { kernel, bias } = weightsOf(layer as Layer, tape);
    const [depth, units] = kernel.value.dims as [number, number];
    const rows = sizeOf(input as Value) / depth;
    const x = tape.view(input as Value, [rows, depth]);
    const matrix = (value: Value): Value => tape.view(value, [rows, units]);
    const micro: Micro = kernel.value.memory.bytes <= smallWeights ? 'where' : 'never';
    // Of a narrow matrix, few rows of x use a vector's lanes only when it is transposed.
    const narrow = micro === 'where' && units <= narrowUnits;
    const weights = narrow
      ? tape.prepared('Transpose', [kernel.value], [units, depth], transposition)
      : kernel.value;
    const code = fusedActivation(activation);
    const z = tape.value(shape);
    // Pixels are often zero, as are words that a text does not have.
    const sparse = x.memory.given && micro === 'never' && units >= leastSparseUnits;
    tape.call(
      sparse ? 'FusedSparseMatMul' : '_FusedMatMul',
      [x, weights, bias?.value, undefined],
      [matrix(z)],
      { transposeA: 0, transposeB: Number(narrow), activation: code ?? 0, leakyreluAlpha: 0 },
      { micro },
    );
    const output = code === undefined ? activate(tape, activation, z) : z;
    return {
      output,
      backward(dy) {
        const dz = matrix(biasGradient(tape, activation, dy, output, bias?.gradient));
        if (kernel.gradient) {
          const params = { transposeA: 1, transposeB: 0 };
          tape.gradientCall('BatchMatMul', [x, dz], [kernel.gradient], params, 'never');
        }
        if (!wanted) return [undefined];
        const dx = tape.value((input as Value).dims.slice(1));
        const params = { transposeA: 0, transposeB: Number(!narrow) };
        tape.call('BatchMatMul', [dz, weights], [tape.view(dx, [rows, depth])], params, { micro });
        return [dx];
      },
    };
  },
};

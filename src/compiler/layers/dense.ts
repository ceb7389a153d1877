/** Dense. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { type Micro, sizeOf, smallWeights, type Value } from '../tape';
import { activate, activationOf, fusedActivation } from './activation';
import type { LayerRule } from './rule';
import { biasGradient, refuseWeights, weightsOf } from './weights';

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
    const code = fusedActivation(activation);
    const z = tape.value(shape);
    tape.call(
      '_FusedMatMul',
      [x, kernel.value, bias?.value, undefined],
      [matrix(z)],
      { transposeA: 0, transposeB: 0, activation: code ?? 0, leakyreluAlpha: 0 },
      { micro },
    );
    const output = code === undefined ? activate(tape, activation, z) : z;
    return {
      output,
      backward(dy) {
        const dz = matrix(biasGradient(tape, activation, dy, output, bias?.gradient));
        if (kernel.gradient) {
          const params = { transposeA: 1, transposeB: 0 };
          tape.gradientCall('BatchMatMul', [x, dz], [kernel.gradient], params, micro);
        }
        if (!wanted) return [undefined];
        const dx = tape.value((input as Value).dims.slice(1));
        const params = { transposeA: 0, transposeB: 1 };
        tape.call('BatchMatMul', [dz, kernel.value], [tape.view(dx, [rows, depth])], params, { micro });
        return [dx];
      },
    };
  },
};

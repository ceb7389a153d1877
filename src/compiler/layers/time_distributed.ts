/** TimeDistributed: a layer on each step of a sequence, whose steps are samples to it. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Value } from '../tape';
import { isAltered } from '../trace';
import type { LayerRule } from './rule';

/** Classes that treat samples alike, and draw no numbers that steps would share. */
const each = new Set([
  'Activation',
  'AveragePooling1D',
  'AveragePooling2D',
  'Conv1D',
  'Conv2D',
  'Conv2DTranspose',
  'Cropping2D',
  'Dense',
  'DepthwiseConv2D',
  'Dropout',
  'ELU',
  'Flatten',
  'GlobalAveragePooling1D',
  'GlobalAveragePooling2D',
  'GlobalMaxPooling1D',
  'GlobalMaxPooling2D',
  'LayerNormalization',
  'LeakyReLU',
  'MaxPooling1D',
  'MaxPooling2D',
  'Permute',
  'ReLU',
  'Rescaling',
  'Reshape',
  'SeparableConv2D',
  'UpSampling2D',
  'ZeroPadding2D',
]);

/** The rule, from those of other layers. */
export function timeDistributed(ruleOf: (layer: Layer) => LayerRule): LayerRule {
  const inner = (layer: Layer): Layer => (layer as unknown as { layer: Layer }).layer;
  return {
    probe: () => layers.timeDistributed({ layer: layers.dense({ units: 1 }) }) as Layer,
    refuse(layer) {
      const { name } = inner(layer);
      const className = inner(layer).getClassName();
      if (!each.has(className) || isAltered(inner(layer))) return `it is over ${name} (${className})`;
      ruleOf(inner(layer));
      return undefined;
    },
    lower({ layers: [layer], shape }, [input], tape, wanted) {
      const of = inner(layer as Layer);
      const rule = ruleOf(of);
      const x = input as Value;
      const steps = x.dims[1] as number;
      const step = {
        layers: [of],
        rule,
        inputs: [],
        shape: shape.slice(1),
        activation: rule.activation?.(of) ?? 'linear',
        pool: false,
      };
      const { output, backward } = tape.withSamples(steps, () =>
        rule.lower(step, [tape.view(x, x.dims.slice(1))], tape, wanted),
      );
      return {
        output: tape.view(output, [1, ...shape]),
        backward(dy) {
          const [dx] = tape.withSamples(steps, () => backward(tape.view(dy, dy.dims.slice(1))));
          return [dx && tape.view(dx, x.dims)];
        },
      };
    },
  };
}

import * as tf from 'tfjs-native';
import { afterAll, describe, expect, it } from 'vitest';

interface Net {
  name: string;
  inputShape: number[];
  layers(): tf.layers.Layer[];
}

const { conv2d, dense, flatten } = tf.layers;
const nets: readonly Net[] = [
  {
    name: 'convolutions with relu, without activation and without bias',
    inputShape: [9, 8, 3],
    layers: () => [
      conv2d({ filters: 7, kernelSize: 3, activation: 'relu', padding: 'same' }),
      conv2d({ filters: 5, kernelSize: [2, 3], strides: 2 }),
      conv2d({ filters: 6, kernelSize: 2, activation: 'relu', useBias: false }),
      conv2d({ filters: 4, kernelSize: 1, activation: 'sigmoid' }),
      flatten(),
      dense({ units: 3 }),
    ],
  },
  {
    name: 'dense layers',
    inputShape: [11],
    layers: () => [
      dense({ units: 19, activation: 'relu' }),
      dense({ units: 8, activation: 'relu', useBias: false }),
      dense({ units: 5, activation: 'tanh' }),
      dense({ units: 4 }),
    ],
  },
];

function wave(shape: number[], phase: number): tf.Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length }, (_, i) => Math.sin(0.7 * i + phase)),
    shape,
  );
}

/** The output, the gradients of all weights, and those of the input, with the weights of `wave`. */
async function everything(backend: string, net: Net): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const input = tf.input({ shape: net.inputShape });
  let output = input;
  for (const layer of net.layers()) output = layer.apply(output) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: output });
  model.setWeights(model.getWeights().map((weight, i) => wave(weight.shape, i)));
  const x = wave([4, ...net.inputShape], 0.5);
  const loss = (v: tf.Tensor) =>
    tf.sum(tf.square(model.apply(v, { training: true }) as tf.Tensor)) as tf.Scalar;
  const { value, grads } = tf.variableGrads(() => loss(x));
  return [value, ...Object.values(grads), tf.grad(loss)(x)].map((t) => t.dataSync() as Float32Array);
}

describe('fused ops under a gradient', () => {
  afterAll(async () => {
    await tf.setBackend('native');
  });

  it.each(nets)('$name: values and gradients as on cpu', async (net) => {
    const [native, cpu] = [await everything('native', net), await everything('cpu', net)];
    expect(native.length).toBe(cpu.length);
    for (const [n, values] of cpu.entries()) {
      // Sums of at most a few hundred terms, which rounding moves by less than 1e-5 of the largest.
      const scale = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      for (const [i, value] of values.entries()) {
        expect(Math.abs((native[n]?.[i] as number) - value)).toBeLessThanOrEqual(1e-5 * scale);
      }
    }
  });

  it('the second derivative through a fused layer is as on cpu', async () => {
    const second = async (backend: string) => {
      await tf.setBackend(backend);
      const filter = wave([3, 3, 2, 4], 1) as tf.Tensor4D;
      const bias = wave([4], 2) as tf.Tensor1D;
      const f = (x: tf.Tensor) =>
        tf.sum(
          tf.pow(
            tf.fused.conv2d({
              x: x as tf.Tensor4D,
              filter,
              strides: 1,
              pad: 'same',
              bias,
              activation: 'relu',
            }),
            3,
          ),
        ) as tf.Scalar;
      const slope = (x: tf.Tensor) => tf.sum(tf.square(tf.grad(f)(x))) as tf.Scalar;
      return tf
        .grad(slope)(wave([1, 5, 5, 2], 0))
        .dataSync() as Float32Array;
    };
    const [native, cpu] = [await second('native'), await second('cpu')];
    const scale = cpu.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    expect(scale).toBeGreaterThan(0);
    for (const [i, value] of cpu.entries()) {
      expect(Math.abs((native[i] as number) - value)).toBeLessThanOrEqual(1e-5 * scale);
    }
  });

  it('leaves no tensor behind', async () => {
    await tf.setBackend('native');
    const model = tf.sequential({
      layers: [
        conv2d({ filters: 3, kernelSize: 3, activation: 'relu', inputShape: [6, 6, 1] }),
        flatten(),
        dense({ units: 2, activation: 'relu' }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const [x, y] = [tf.zeros([2, 6, 6, 1]), tf.zeros([2, 2])];
    await model.trainOnBatch(x, y);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) await model.trainOnBatch(x, y);
    expect(tf.memory().numTensors).toBe(before);
  });
});

import { describe, expect, test } from 'vitest';
import { buildModel, mnistCnn, modelNames } from 'tfjs-native/models';

function weights(seed: number): number[][] {
  const model = mnistCnn({ seed });
  const values = model.getWeights().map((weight) => [...weight.dataSync()]);
  model.optimizer.dispose();
  model.dispose();
  return values;
}

describe('mnistCnn', () => {
  test('has the layers and shapes that it promises', () => {
    const model = mnistCnn();
    expect(model.layers.map((layer) => [layer.getClassName(), layer.outputShape])).toEqual([
      ['Conv2D', [null, 26, 26, 32]],
      ['MaxPooling2D', [null, 13, 13, 32]],
      ['Conv2D', [null, 11, 11, 64]],
      ['MaxPooling2D', [null, 5, 5, 64]],
      ['Flatten', [null, 1600]],
      ['Dense', [null, 10]],
    ]);
    expect(model.countParams()).toBe(34_826);
    expect(model.inputs[0]?.shape).toEqual([null, 28, 28, 1]);
    expect(model.loss).toBe('sparseCategoricalCrossentropy');
    expect(model.optimizer.getClassName()).toBe('Adam');
    expect(model.optimizer.getConfig()).toMatchObject({ learningRate: 0.001, beta1: 0.9, beta2: 0.999 });
    model.optimizer.dispose();
    model.dispose();
  });

  test('takes the learning rate', () => {
    const model = mnistCnn({ learningRate: 0.02 });
    expect(model.optimizer.getConfig()).toMatchObject({ learningRate: 0.02 });
    model.optimizer.dispose();
    model.dispose();
  });

  test('has the same weights for the same seed, and others for another', () => {
    Math.random();
    const first = weights(3);
    expect(weights(3)).toEqual(first);
    const other = weights(4);
    for (const kernel of [0, 2, 4]) expect(other[kernel]).not.toEqual(first[kernel]);
  });

  test('begins as Glorot and Bengio have it: uniform within the limit, biases zero', () => {
    const [conv1, bias1, conv2, bias2, dense, bias3] = weights(1);
    for (const bias of [bias1, bias2, bias3]) expect(new Set(bias)).toEqual(new Set([0]));
    for (const [kernel, fanIn, fanOut] of [
      [conv1, 9, 9 * 32],
      [conv2, 9 * 32, 9 * 64],
      [dense, 1600, 10],
    ] as const) {
      const limit = Math.sqrt(6 / (fanIn + fanOut));
      const values = kernel as number[];
      const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(limit);
      // Six standard deviations of the variance of a uniform sample.
      expect(Math.abs(variance / (limit ** 2 / 3) - 1)).toBeLessThan(6 * Math.sqrt(0.8 / values.length));
    }
  });
});

test('models are made by name', () => {
  expect(modelNames).toContain('mnist-cnn');
  const model = buildModel('mnist-cnn', { seed: 1 });
  expect(model.name).toBe('mnist-cnn');
  model.optimizer.dispose();
  model.dispose();
  expect(() => buildModel('resnet')).toThrow(
    'model is "resnet"; expected one of: mnist-cnn, mnist-cnn-onehot,',
  );
});

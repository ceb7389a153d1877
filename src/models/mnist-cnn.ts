/** The small convolutional network for MNIST. */
import { train } from '@tensorflow/tfjs-core';
import { initializers, layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { initializerSeed } from '../data/random';

/** What every named model takes. */
export interface ModelOptions {
  /** Seeds the initial weights: whole number from 0 to 2^53 - 1. Default 1. */
  readonly seed?: number;
  /** Adam's learning rate. Default 0.001. */
  readonly learningRate?: number;
}

/**
 * Two convolutions of 3 x 3 with 32 and 64 filters, each with relu and a max-pooling of 2, then a dense softmax:
 * [batch, 28, 28, 1] in, the probabilities of ten classes out. Compiled with Adam, sparse categorical
 * cross-entropy and accuracy.
 */
export function mnistCnn({ seed = 1, learningRate = 1e-3 }: ModelOptions = {}): Sequential {
  const kernelInitializer = (index: number) =>
    initializers.glorotUniform({ seed: initializerSeed(seed, index) });
  const conv = (index: number, filters: number) =>
    ({
      name: `conv${index}`,
      filters,
      kernelSize: 3,
      activation: 'relu',
      kernelInitializer: kernelInitializer(index),
    }) as const;
  const model = sequential({
    name: 'mnist-cnn',
    layers: [
      layers.conv2d({ ...conv(1, 32), inputShape: [28, 28, 1] }),
      layers.maxPooling2d({ name: 'pool1', poolSize: 2 }),
      layers.conv2d(conv(2, 64)),
      layers.maxPooling2d({ name: 'pool2', poolSize: 2 }),
      layers.flatten({ name: 'flatten' }),
      layers.dense({
        name: 'dense',
        units: 10,
        activation: 'softmax',
        kernelInitializer: kernelInitializer(3),
      }),
    ],
  });
  model.compile({
    optimizer: train.adam(learningRate),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
}

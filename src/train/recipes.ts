/** The recipes by name: which data, and the options that differ from the defaults. */
import type { DataName } from '../data/names';
import type { ModelName } from '../models/names';
import type { Settings } from './options';

export interface Recipe {
  readonly description: string;
  readonly data: DataName;
  readonly options: Settings;
}

/** How each named model is trained. */
export const recipes: Readonly<Record<ModelName, Recipe>> = {
  'mnist-cnn': {
    description: 'two convolutions, sparse labels',
    data: 'mnist',
    options: {},
  },
  'mnist-cnn-onehot': {
    description: 'the same with one-hot labels',
    data: 'mnist',
    options: { labels: 'onehot' },
  },
  'mnist-cnn-dense128': {
    description: 'with a dense layer of 128, early stopping',
    data: 'mnist',
    options: { epochs: 10, validationSplit: 0.2, earlyStopping: 3, schedule: 'cosine', dropout: 0.3 },
  },
  'mnist-cnn-augmented': {
    description: 'split 8:1:1, images turned and zoomed at random',
    data: 'mnist',
    options: {
      epochs: 15,
      split: '8:1:1',
      schedule: 'cosine',
      dropout: 0.3,
      augmentation: { rotationRange: 10, zoomRange: 0.1 },
    },
  },
  'mnist-mlp': {
    description: 'a dense layer of 128',
    data: 'mnist',
    options: { schedule: 'one-cycle', learningRate: 0.005 },
  },
  'mnist-best': {
    description: 'the most accurate: batch norm, augmentation, one cycle',
    data: 'mnist',
    options: {
      epochs: 15,
      batch: 128,
      labels: 'onehot',
      labelSmoothing: 0.05,
      batchNorm: true,
      dropout: 0.15,
      learningRate: 0.004,
      schedule: 'one-cycle',
      validationSplit: 0.05,
      augmentation: { rotationRange: 10, zoomRange: 0.1, widthShiftRange: 0.08, heightShiftRange: 0.08 },
    },
  },
  'fashion-cnn': {
    description: 'Fashion-MNIST: batch norm, dropout, mirrored images',
    data: 'fashion-mnist',
    options: {
      epochs: 10,
      batch: 64,
      batchNorm: true,
      dropout: 0.3,
      schedule: 'cosine',
      augmentation: { horizontalFlip: true },
    },
  },
  'cifar10-cnn': {
    description: 'CIFAR-10: six convolutions, mirrored and shifted images',
    data: 'cifar10',
    options: {
      epochs: 20,
      batch: 64,
      batchNorm: true,
      dropout: 0.3,
      schedule: 'cosine',
      normalize: 'standard',
      augmentation: { horizontalFlip: true, widthShiftRange: 0.1, heightShiftRange: 0.1 },
    },
  },
};

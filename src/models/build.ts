/** Makes models by name. */
import {
  layers,
  type LayersModel,
  initializers,
  regularizers,
  type Sequential,
  sequential,
} from '@tensorflow/tfjs-layers';
import { initializerSeed } from '../data/random';
import { type Compiled, compileModel } from './compile';
import { type Architecture, architectures, checkModelName } from './names';

/** What every named model takes. */
export interface ModelOptions extends Compiled {
  /** Seeds the initial weights: whole number from 0 to 2^53 - 1. Default 1. */
  readonly seed?: number;
  /** [height, width, channels] of an image. Default [28, 28, 1]. */
  readonly inputShape?: readonly [number, number, number];
  /** Default 10. */
  readonly classes?: number;
  /** Penalties of the weights' absolute values and squares in the loss, as Keras' L1 and L2. Default 0. */
  readonly l1?: number;
  readonly l2?: number;
  /** The part of the values that is dropped before each dense layer, from 0 to below 1. Default 0. */
  readonly dropout?: number;
  /**
   * Batch normalisation before the relu of each layer with weights but the last. Behind a pooling where one follows:
   * relu changes nothing about which value is the largest, and there are only a quarter as many. Default false.
   */
  readonly batchNorm?: boolean;
}

/** An uncompiled model. */
function network(name: string, architecture: Architecture, options: ModelOptions): Sequential {
  const { seed = 1, inputShape = [28, 28, 1], classes = 10, dropout = 0, batchNorm = false } = options;
  const { l1 = 0, l2 = 0 } = options;
  const model = sequential({ name });
  let weighted = 0;
  let input: { inputShape?: [number, number, number] } = { inputShape: [...inputShape] };
  const first = () => {
    const given = input;
    input = {};
    return given;
  };
  const kernel = () => ({
    kernelInitializer: initializers.glorotUniform({ seed: initializerSeed(seed, ++weighted) }),
    ...((l1 > 0 || l2 > 0) && { kernelRegularizer: regularizers.l1l2({ l1, l2 }) }),
  });
  /** The activation of a layer with weights, before or behind its normalisation. */
  const plain = batchNorm ? { useBias: false } : { activation: 'relu' as const };
  const normalize = (layer: string) => {
    if (!batchNorm) return;
    model.add(layers.batchNormalization({ name: `${layer}_norm`, momentum: 0.9 }));
    model.add(layers.activation({ name: `${layer}_relu`, activation: 'relu' }));
  };
  const drop = (layer: string) => {
    if (dropout > 0) model.add(layers.dropout({ name: `${layer}_dropout`, rate: dropout }));
  };

  let convolutions = 0;
  architecture.blocks.forEach(({ filters, padding = 'valid' }, b) => {
    filters.forEach((count, f) => {
      const layer = `conv${++convolutions}`;
      const config = {
        name: layer,
        filters: count,
        kernelSize: 3,
        padding,
        ...plain,
        ...kernel(),
        ...first(),
      };
      model.add(layers.conv2d(config));
      if (f === filters.length - 1) model.add(layers.maxPooling2d({ name: `pool${b + 1}`, poolSize: 2 }));
      normalize(layer);
    });
  });
  model.add(layers.flatten({ name: 'flatten', ...first() }));
  architecture.dense.forEach((units, d) => {
    const layer = `dense${d + 1}`;
    drop(layer);
    model.add(layers.dense({ name: layer, units, ...plain, ...kernel() }));
    normalize(layer);
  });
  drop('dense');
  model.add(layers.dense({ name: 'dense', units: classes, activation: 'softmax', ...kernel() }));
  return model;
}

/**
 * Makes a new, compiled model: [batch, height, width, channels] in, the probabilities of the classes out.
 * @param name one of `modelNames`
 * @throws TfjsNativeError INVALID_ARGUMENT, listing the names, if there is no such model
 */
export function buildModel(name: string, options: ModelOptions = {}): LayersModel {
  checkModelName(name);
  const model = network(name, architectures[name], options);
  compileModel(model, options);
  return model;
}

/**
 * The small convolutional network for MNIST: two convolutions of 3 x 3 with 32 and 64 filters, each with relu and a
 * max-pooling of 2, then a dense softmax: [batch, 28, 28, 1] in, the probabilities of ten classes out. Compiled with
 * Adam, sparse categorical cross-entropy and accuracy.
 */
export function mnistCnn(options: ModelOptions = {}): Sequential {
  return buildModel('mnist-cnn', options) as Sequential;
}

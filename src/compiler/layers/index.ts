/** The layers that can be compiled, by the names of their classes. */
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { isAltered, nameOf, Uncompilable } from '../trace';
import { activation, elu, relu, softmax } from './activation';
import { leakyReLU, pReLU, thresholdedReLU } from './advanced_activation';
import { batchNormalization } from './batch_norm';
import { conv1d } from './conv1d';
import { conv2d } from './conv2d';
import { conv2dTranspose } from './conv2d_transpose';
import { dense } from './dense';
import { depthwiseConv2d, separableConv2d } from './depthwise_conv2d';
import { dot } from './dot';
import { dropout } from './dropout';
import { embedding } from './embedding';
import {
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalMaxPooling1d,
  globalMaxPooling2d,
} from './global_pooling';
import { layerNormalization } from './layer_norm';
import { masking } from './masking';
import { add, average, concatenate, maximum, minimum, multiply } from './merge';
import { alphaDropout, gaussianDropout, gaussianNoise, spatialDropout1d } from './noise';
import { averagePooling1d, averagePooling2d, maxPooling1d, maxPooling2d } from './pooling';
import { cropping2d, zeroPadding2d } from './padding';
import { permute, repeatVector } from './rearrange';
import { flatten, reshape } from './reshape';
import { bidirectional, gru, lstm, rnn, simpleRNN } from './recurrent';
import { rescaling } from './rescaling';
import { upSampling2d } from './resize';
import type { LayerRule } from './rule';
import { timeDistributed } from './time_distributed';

export const rules: Readonly<Record<string, LayerRule>> = {
  Activation: activation,
  Add: add,
  AlphaDropout: alphaDropout,
  Average: average,
  AveragePooling1D: averagePooling1d,
  AveragePooling2D: averagePooling2d,
  BatchNormalization: batchNormalization,
  Bidirectional: bidirectional,
  Concatenate: concatenate,
  Conv1D: conv1d,
  Conv2D: conv2d,
  Conv2DTranspose: conv2dTranspose,
  Cropping2D: cropping2d,
  Dense: dense,
  DepthwiseConv2D: depthwiseConv2d,
  Dot: dot,
  Dropout: dropout,
  ELU: elu,
  Embedding: embedding,
  Flatten: flatten,
  GaussianDropout: gaussianDropout,
  GaussianNoise: gaussianNoise,
  GRU: gru,
  GlobalAveragePooling1D: globalAveragePooling1d,
  GlobalAveragePooling2D: globalAveragePooling2d,
  GlobalMaxPooling1D: globalMaxPooling1d,
  GlobalMaxPooling2D: globalMaxPooling2d,
  LSTM: lstm,
  LayerNormalization: layerNormalization,
  LeakyReLU: leakyReLU,
  Masking: masking,
  MaxPooling1D: maxPooling1d,
  MaxPooling2D: maxPooling2d,
  Maximum: maximum,
  Minimum: minimum,
  Multiply: multiply,
  PReLU: pReLU,
  Permute: permute,
  ReLU: relu,
  RNN: rnn,
  RepeatVector: repeatVector,
  Rescaling: rescaling,
  Reshape: reshape,
  SeparableConv2D: separableConv2d,
  Softmax: softmax,
  SimpleRNN: simpleRNN,
  SpatialDropout1D: spatialDropout1d,
  ThresholdedReLU: thresholdedReLU,
  TimeDistributed: timeDistributed(ruleOf),
  UpSampling2D: upSampling2d,
  ZeroPadding2D: zeroPadding2d,
};

const constructors = new Map<string, unknown>();

/**
 * The rule of a layer.
 * @throws Uncompilable if there is none: also for classes of the user's own that go by a known name, and for layers
 *   with a method replaced or a hook set
 */
export function ruleOf(layer: Layer): LayerRule {
  const name = layer.getClassName();
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule === undefined) throw new Uncompilable(nameOf(layer), 'there is no compiled form of this class');
  if (!constructors.has(name)) constructors.set(name, rule.probe().constructor);
  if (constructors.get(name) !== layer.constructor || isAltered(layer)) {
    throw new Uncompilable(nameOf(layer), 'what it computes is the program’s own');
  }
  const reason = rule.refuse?.(layer);
  if (reason !== undefined) throw new Uncompilable(nameOf(layer), reason);
  return rule;
}

/** How models of images are trained: optimizer, loss, metric. */
import { type Optimizer, train } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { clipGradients, type GradientClipping } from '../compiler/clipping';
import type { LabelFormat } from '../data/names';
import type { OptimizerName } from './names';

export interface Compiled extends GradientClipping {
  /** Default `adam`. */
  readonly optimizer?: OptimizerName;
  /** Above 0. Default 0.001. */
  readonly learningRate?: number;
  /** Of `sgd` (with Nesterov's look ahead) and `rmsprop`, from 0 to below 1. Default 0. */
  readonly momentum?: number;
  /** Default `sparse`. */
  readonly labels?: LabelFormat;
}

type Make = (learningRate: number, momentum: number) => Optimizer;

const makers: Record<NonNullable<Compiled['optimizer']>, Make> = {
  adam: (rate) => train.adam(rate),
  sgd: (rate, momentum) => (momentum > 0 ? train.momentum(rate, momentum, true) : train.sgd(rate)),
  rmsprop: (rate, momentum) => train.rmsprop(rate, 0.9, momentum),
  adagrad: (rate) => train.adagrad(rate),
  adadelta: (rate) => train.adadelta(rate),
};

const losses = { sparse: 'sparseCategoricalCrossentropy', onehot: 'categoricalCrossentropy' } as const;

/** Compiles a model of class probabilities with a new optimizer, cross-entropy and accuracy. */
export function compileModel(model: LayersModel, options: Compiled = {}): void {
  const {
    learningRate = 1e-3,
    momentum = 0,
    labels = 'sparse',
    clipValue,
    clipNorm,
    globalClipNorm,
  } = options;
  const optimizer = makers[options.optimizer ?? 'adam'](learningRate, momentum);
  clipGradients(optimizer, { clipValue, clipNorm, globalClipNorm });
  model.compile({ optimizer, loss: losses[labels], metrics: ['accuracy'] });
}

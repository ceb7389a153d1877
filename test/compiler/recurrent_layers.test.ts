/** Compiled training of recurrent layers against eager training. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, vi } from 'vitest';
import { agrees } from './agreement';
import { dense, type Net, normal } from './nets';

const { layers } = tf;

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const labels = { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], target: [1], classes: 5 };
const softmax = () => dense(5, { activation: 'softmax' });
const init = () => ({
  kernelInitializer: normal(),
  recurrentInitializer: normal(),
  biasInitializer: normal(),
});
type Wrapped = Parameters<typeof layers.bidirectional>[0];
const both = (layer: tf.RNN, mergeMode?: Wrapped['mergeMode']) =>
  layers.bidirectional({ layer, mergeMode } as Wrapped);

const nets: Readonly<Record<string, Net>> = {
  'LSTM with the usual activations': {
    ...labels,
    input: [7, 3],
    layers: () => [layers.lstm({ units: 9, recurrentActivation: 'sigmoid', ...init() }), softmax()],
  },
  'LSTMs behind each other, one backwards': {
    ...labels,
    input: [6, 4],
    layers: () => [
      layers.lstm({ units: 5, returnSequences: true, ...init() }),
      layers.activation({ activation: 'tanh' }),
      layers.lstm({ units: 4, returnSequences: true, goBackwards: true, activation: 'softsign', ...init() }),
      layers.lstm({ units: 17, useBias: false, activation: 'elu', ...init() }),
      softmax(),
    ],
  },
  'LSTM with a unit forget bias, constraints and regularizers': {
    ...labels,
    input: [5, 6],
    layers: () => [
      layers.lstm({
        units: 6,
        kernelInitializer: normal(),
        recurrentInitializer: normal(),
        unitForgetBias: true,
        kernelConstraint: 'unitNorm',
        recurrentConstraint: tf.constraints.maxNorm({ maxValue: 0.5 }),
        kernelRegularizer: 'l1l2',
        implementation: 2,
      }),
      softmax(),
    ],
  },
  GRUs: {
    ...labels,
    input: [6, 5],
    layers: () => [
      layers.gru({ units: 8, returnSequences: true, ...init() }),
      layers.gru({ units: 7, recurrentActivation: 'sigmoid', goBackwards: true, useBias: false, ...init() }),
      softmax(),
    ],
  },
  SimpleRNNs: {
    ...labels,
    input: [6, 5],
    layers: () => [
      layers.simpleRNN({ units: 8, returnSequences: true, ...init() }),
      layers.simpleRNN({ units: 3, returnSequences: true, activation: 'relu', goBackwards: true, ...init() }),
      layers.simpleRNN({ units: 17, activation: 'linear', ...init() }),
      softmax(),
    ],
  },
  'RNN over a cell': {
    ...labels,
    input: [6, 5],
    layers: () => [
      layers.rnn({ cell: layers.gruCell({ units: 6, ...init() }), returnSequences: true }) as tf.RNN,
      layers.rnn({ cell: layers.lstmCell({ units: 4, activation: 'sigmoid', ...init() }) }) as tf.RNN,
      softmax(),
    ],
  },
  'Bidirectional, in sequences': {
    ...labels,
    input: [6, 5],
    layers: () => [
      both(layers.lstm({ units: 4, returnSequences: true, ...init() }) as tf.RNN),
      both(layers.gru({ units: 5, returnSequences: true, ...init() }) as tf.RNN, 'ave'),
      both(layers.simpleRNN({ units: 3, returnSequences: true, ...init() }) as tf.RNN, 'mul'),
      both(layers.lstm({ units: 3, ...init() }) as tf.RNN, 'sum'),
      softmax(),
    ],
  },
};

for (const [name, net] of Object.entries(nets)) describe(name, () => agrees(net));

/** Models that are no plain chain of layers, compiled against eagerly. */
import * as tf from 'tfjs-native';
import { beforeEach, expect, it, vi } from 'vitest';
import { data } from '../upstream/fit-like-cpu';
import { agreeAsGraphs, bits, type Graph, labels, numbers, on, rows, type Symbolic } from './graph';
import { conv, dense, distance, reseed, valuesOf } from './nets';

const { layers } = tf;

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const graphs: Readonly<Record<string, Graph>> = {
  'an output that forty layers read': {
    model() {
      const x = numbers(4);
      const read = on(dense(3, { activation: 'tanh' }), x);
      let sum = on(dense(2), read);
      for (let i = 0; i < 39; i++) sum = on(layers.average(), [sum, on(dense(2), read)]);
      return tf.model({ inputs: x, outputs: sum });
    },
    x: () => data([rows, 4], 1),
    y: () => data([rows, 2], 2),
    args: { loss: 'meanSquaredError' },
  },
  'two inputs that never meet, and two outputs': {
    model() {
      const [a, b] = [numbers(4), numbers(3)];
      const left = on(dense(3, { activation: 'softmax' }), on(dense(6, { activation: 'relu' }), a));
      const right = on(dense(2), on(dense(5, { activation: 'tanh' }), b));
      return tf.model({ inputs: [a, b], outputs: [left, right] });
    },
    x: () => [data([rows, 4], 1), data([rows, 3], 2)],
    y: () => [labels(3), data([rows, 2], 3)],
    args: { loss: ['sparseCategoricalCrossentropy', 'meanSquaredError'], metrics: ['accuracy'] },
  },
  'merges of values that are broadcast to each other': {
    model() {
      const [x, row, one] = [
        tf.input({ shape: [4, 5, 3] }),
        tf.input({ shape: [3] }),
        tf.input({ shape: [1, 5, 1] }),
      ];
      const tanh = { activation: 'tanh' } as const;
      const [a, b, c] = [on(dense(3, tanh), x), on(dense(3, tanh), row), on(dense(1, tanh), one)];
      const sum = on(layers.add(), [b, a, c]);
      const product = on(layers.multiply(), [c, b, a]);
      const mean = on(layers.average(), [c, product, b]);
      const joined = on(
        layers.activation({ activation: 'tanh' }),
        on(layers.concatenate(), [sum, product, mean]),
      );
      return tf.model({ inputs: [x, row, one], outputs: on(dense(2), on(layers.flatten(), joined)) });
    },
    x: () => [data([rows, 4, 5, 3], 1), data([rows, 3], 2), data([rows, 1, 5, 1], 4)],
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
  },
  'a value that is used twice': {
    model() {
      const x = tf.input({ shape: [8, 8, 2] });
      const trunk = on(conv(6, { padding: 'same' }), x);
      const pooled = on(layers.flatten(), on(layers.maxPooling2d({ poolSize: 2 }), trunk));
      const averaged = on(layers.flatten(), on(layers.averagePooling2d({ poolSize: 4 }), trunk));
      return tf.model({
        inputs: x,
        outputs: [on(dense(3, { activation: 'softmax' }), pooled), on(dense(2), averaged)],
      });
    },
    x: () => data([rows, 8, 8, 2], 1),
    y: () => [labels(3), data([rows, 2], 3)],
    args: { loss: ['sparseCategoricalCrossentropy', 'meanSquaredError'] },
  },
  'a dense layer that is used twice': {
    model() {
      const x = numbers(6);
      const shared = dense(6, { activation: 'tanh' });
      return tf.model({ inputs: x, outputs: on(dense(2), on(shared, on(shared, x))) });
    },
    x: () => data([rows, 6], 1),
    y: () => data([rows, 2], 3),
    // Upstream's type has the functions of metrics, its list only names.
    args: { loss: 'meanSquaredError', metrics: [tf.metrics.meanAbsoluteError, 'mape'] as never },
  },
  'a convolution that is used for two inputs': {
    model() {
      const [a, b] = [tf.input({ shape: [6, 6, 2] }), tf.input({ shape: [6, 6, 2] })];
      const shared = conv(4, { kernelRegularizer: tf.regularizers.l2({ l2: 0.05 }) });
      const [left, right] = [a, b].map((each) => on(dense(2), on(layers.flatten(), on(shared, each))));
      return tf.model({ inputs: [a, b], outputs: [left as Symbolic, right as Symbolic] });
    },
    x: () => [data([rows, 6, 6, 2], 1), data([rows, 6, 6, 2], 2)],
    y: () => [data([rows, 2], 3), data([rows, 2], 4)],
    args: { loss: 'meanSquaredError' },
  },
  'twins: a model that is used for two inputs, with weights large and small': {
    model() {
      const image = tf.input({ shape: [12, 12, 1] });
      const trunk = [
        conv(8),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.flatten(),
        dense(200, { activation: 'tanh' }),
        layers.batchNormalization(),
        dense(4, { activation: 'tanh' }),
      ].reduce((x, layer) => on(layer, x), image);
      const twin = tf.model({ inputs: image, outputs: trunk });
      const [a, b] = [tf.input({ shape: [12, 12, 1] }), tf.input({ shape: [12, 12, 1] })];
      const both = on(layers.average(), [on(twin, a), on(twin, b)]);
      return tf.model({ inputs: [a, b], outputs: on(dense(1, { activation: 'sigmoid' }), both) });
    },
    x: () => [1, 2].map((seed) => tf.mul(data([rows, 12, 12, 1], seed), 0.3)),
    y: () => bits(1),
    args: { loss: 'binaryCrossentropy', metrics: ['accuracy'] },
  },
  'a dense layer with large weights that is used twice': {
    model() {
      const x = numbers(200);
      const shared = dense(200, {
        activation: 'tanh',
        kernelConstraint: tf.constraints.maxNorm({ maxValue: 1.5 }),
      });
      return tf.model({ inputs: x, outputs: on(dense(2), on(shared, on(shared, x))) });
    },
    // A step along the gradient of larger data would overshoot.
    x: () => tf.mul(data([rows, 200], 1), 0.05),
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
  },
  'an output that another one is made of': {
    model() {
      const x = numbers(6);
      const inner = on(dense(4, { activation: 'sigmoid' }), on(dense(5, { activation: 'relu' }), x));
      return tf.model({ inputs: x, outputs: [inner, on(dense(3, { activation: 'softmax' }), inner)] });
    },
    x: () => data([rows, 6], 1),
    y: () => [bits(4), labels(3)],
    args: { loss: ['binaryCrossentropy', 'sparseCategoricalCrossentropy'], metrics: ['accuracy'] },
  },
  'a frozen layer with a penalty': {
    model() {
      const frozen = dense(5, { kernelRegularizer: tf.regularizers.l2({ l2: 0.5 }), trainable: false });
      return tf.sequential({ layers: [layers.inputLayer({ inputShape: [6] }), dense(6), frozen, dense(2)] });
    },
    x: () => data([rows, 6], 1),
    y: () => data([rows, 2], 3),
    args: { loss: 'meanSquaredError' },
  },
  'a softmax with accuracies of bits': {
    model: () =>
      tf.sequential({ layers: [layers.inputLayer({ inputShape: [6] }), dense(4), layers.softmax()] }),
    x: () => data([rows, 6], 1),
    y: () => tf.oneHot(tf.squeeze(labels(4)).toInt(), 4).toFloat(),
    args: { loss: 'categoricalCrossentropy', metrics: ['binaryAccuracy', 'categoricalAccuracy'] },
  },
  'a loss for each output by name': {
    model() {
      const x = numbers(6);
      const trunk = on(dense(5, { activation: 'relu' }), x);
      const outputs = [
        on(dense(3, { activation: 'softmax', name: 'kind' }), trunk),
        on(dense(1, { activation: 'sigmoid', name: 'yes' }), trunk),
      ];
      return tf.model({ inputs: x, outputs });
    },
    x: () => data([rows, 6], 1),
    y: () => [labels(3), bits(1)],
    args: {
      loss: { yes: 'binaryCrossentropy', kind: 'sparseCategoricalCrossentropy' },
      // Upstream takes several metrics of an output, its type one.
      metrics: { yes: ['accuracy', 'binaryAccuracy'], kind: 'acc' } as never,
    },
  },
  'skips around batch normalisation': {
    model() {
      const x = tf.input({ shape: [8, 8, 3] });
      const norm = () => layers.batchNormalization({ momentum: 0.9 });
      const linear = { padding: 'same', activation: 'linear', useBias: false } as const;
      let y = on(layers.reLU(), on(norm(), on(conv(6, linear), x)));
      for (const strides of [1, 2]) {
        const first = on(layers.reLU(), on(norm(), on(conv(6, { ...linear, strides }), y)));
        const second = on(norm(), on(conv(6, linear), first));
        const skip = strides === 1 ? y : on(conv(6, { ...linear, strides, kernelSize: 1 }), y);
        y = on(layers.reLU(), on(layers.add(), [second, skip, second]));
      }
      const pooled = on(layers.globalAveragePooling2d({}), y);
      return tf.model({ inputs: x, outputs: on(dense(3, { activation: 'softmax' }), pooled) });
    },
    x: () => data([rows, 8, 8, 3], 1),
    y: () => labels(3),
    args: { loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] },
  },
  'down, up, and side by side': {
    model() {
      const x = tf.input({ shape: [8, 8, 1] });
      const wide = on(conv(5, { padding: 'same' }), x);
      const low = on(conv(4, { padding: 'same' }), on(layers.maxPooling2d({ poolSize: 2 }), wide));
      const high = on(layers.upSampling2d({}), low);
      const both = on(layers.concatenate(), [high, wide, x]);
      const tall = on(layers.concatenate({ axis: 1 }), [both, both]);
      const middle = on(layers.concatenate({ axis: 2 }), [tall, tall]);
      return tf.model({
        inputs: x,
        outputs: on(conv(1, { strides: 2, padding: 'same', activation: 'sigmoid' }), middle),
      });
    },
    x: () => data([rows, 8, 8, 1], 1),
    y: () => tf.cast(tf.greater(data([rows, 8, 8, 1], 5), 0), 'float32'),
    args: { loss: 'binaryCrossentropy', metrics: ['accuracy'] },
  },
};

agreeAsGraphs(graphs);

// Upstream has no gradient of these.
it.each(['maximum', 'minimum'] as const)(
  '%s of values that are broadcast trains as of repeated ones',
  async (op) => {
    async function train(repeated: boolean) {
      reseed();
      const [x, row] = [tf.input({ shape: [4, 3] }), tf.input({ shape: [1, 3] })];
      const [a, b] = [on(dense(3), x), on(dense(3), row)];
      const other = repeated ? on(layers.concatenate({ axis: 1 }), [b, b, b, b]) : b;
      const ends = on(layers.flatten(), on(layers[op](), [other, a]));
      const model = tf.model({ inputs: [x, row], outputs: on(dense(2), ends) });
      model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
      expect(tf.explain(model)).not.toMatch(/^Trains op by op/);
      for (let step = 0; step < 5; step++)
        await model.trainOnBatch([data([rows, 4, 3], 1), data([rows, 1, 3], 2)], data([rows, 2], 3));
      return valuesOf(model.getWeights());
    }
    const [broadcast, repeated] = [await train(false), await train(true)];
    for (const [i, weight] of broadcast.entries()) {
      const [difference, size] = distance(weight, repeated[i] as Float32Array);
      expect(difference).toBeLessThanOrEqual(1e-5 * Math.max(0.1, size));
    }
  },
);

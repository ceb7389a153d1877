// The seed CNN as a GraphModel: the nodes that tensorflowjs_converter makes of the Keras model, with random weights.
const base64 = (text) => Buffer.from(text).toString('base64');
const list = (numbers) => ({ list: { i: numbers.map(String) } });
const type = { type: 'DT_FLOAT' };
const format = { data_format: { s: base64('NHWC') }, padding: { s: base64('VALID') }, T: type };
const fused = (...ops) => ({ fused_ops: { list: { s: ops.map(base64) } }, num_args: { i: '1' } });

const weights = [
  { name: 'conv1/kernel', shape: [3, 3, 1, 32] },
  { name: 'conv1/bias', shape: [32] },
  { name: 'conv2/kernel', shape: [3, 3, 32, 64] },
  { name: 'conv2/bias', shape: [64] },
  { name: 'flatten/shape', shape: [2], values: Int32Array.of(-1, 1600) },
  { name: 'dense/kernel', shape: [1600, 10] },
  { name: 'dense/bias', shape: [10] },
];

const conv = (name, input) => ({
  name,
  op: '_FusedConv2D',
  input: [input, `${name}/kernel`, `${name}/bias`],
  attr: {
    strides: list([1, 1, 1, 1]),
    dilations: list([1, 1, 1, 1]),
    ...format,
    ...fused('BiasAdd', 'Relu'),
  },
});
const pool = (name, input) => ({
  name,
  op: 'MaxPool',
  input: [input],
  attr: { ksize: list([1, 2, 2, 1]), strides: list([1, 2, 2, 1]), ...format },
});

const nodes = [
  {
    name: 'x',
    op: 'Placeholder',
    attr: { dtype: type, shape: { shape: { dim: [-1, 28, 28, 1].map((size) => ({ size: String(size) })) } } },
  },
  ...weights.map(({ name, values }) => ({
    name,
    op: 'Const',
    attr: { dtype: values ? { type: 'DT_INT32' } : type },
  })),
  conv('conv1', 'x'),
  pool('pool1', 'conv1'),
  conv('conv2', 'pool1'),
  pool('pool2', 'conv2'),
  { name: 'flatten', op: 'Reshape', input: ['pool2', 'flatten/shape'], attr: { T: type } },
  {
    name: 'dense',
    op: '_FusedMatMul',
    input: ['flatten', 'dense/kernel', 'dense/bias'],
    attr: { transpose_a: { b: false }, transpose_b: { b: false }, T: type, ...fused('BiasAdd') },
  },
  { name: 'softmax', op: 'Softmax', input: ['dense'], attr: { T: type } },
];

/** Loads it with a TensorFlow.js package. */
exports.load = (tf) => {
  const parts = weights.map(({ shape, values }) => {
    const length = shape.reduce((a, b) => a * b);
    const numbers = values ?? Float32Array.from({ length }, () => (Math.random() - 0.5) / 8);
    return Buffer.from(numbers.buffer);
  });
  const data = Buffer.concat(parts);
  return tf.loadGraphModel({
    load: async () => ({
      modelTopology: { node: nodes, versions: {} },
      weightSpecs: weights.map(({ name, shape, values }) => ({
        name,
        shape,
        dtype: values ? 'int32' : 'float32',
      })),
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.length),
    }),
  });
};

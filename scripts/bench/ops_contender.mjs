// Ours in the comparison of single ops: answers each line {"case":i,"count":n} on stdin with the milliseconds of
// n eager calls of case i, as ops_cases.mjs numbers them.
import { createInterface } from 'node:readline';
import * as tf from 'tfjs-native';
import { cases } from './ops_cases.mjs';

const run = (name, inputs, attrs) => tf.engine().runKernel(name, inputs, attrs);

const makers = {
  conv({ batch, in: [h, w, c], out, kernel, stride, pad, pass }) {
    const x = tf.randomNormal([batch, h, w, c]);
    const filter = tf.randomNormal([kernel, kernel, c, out]);
    const dy = tf.onesLike(tf.conv2d(x, filter, stride, pad));
    const attrs = { strides: [stride, stride], pad, dataFormat: 'NHWC', dimRoundingMode: undefined };
    if (pass === 'forward') return () => tf.conv2d(x, filter, stride, pad);
    if (pass === 'input')
      return () => run('Conv2DBackpropInput', { dy, filter }, { ...attrs, inputShape: x.shape });
    return () => run('Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape: filter.shape });
  },
  depthwise({ batch, in: [h, w, c], kernel, stride, pad, pass }) {
    const x = tf.randomNormal([batch, h, w, c]);
    const filter = tf.randomNormal([kernel, kernel, c, 1]);
    const dy = tf.onesLike(tf.depthwiseConv2d(x, filter, stride, pad));
    const attrs = { strides: [stride, stride], pad, dilations: [1, 1], dimRoundingMode: undefined };
    if (pass === 'forward') return () => tf.depthwiseConv2d(x, filter, stride, pad);
    if (pass === 'input') {
      return () =>
        run('DepthwiseConv2dNativeBackpropInput', { dy, filter }, { ...attrs, inputShape: x.shape });
    }
    return () =>
      run('DepthwiseConv2dNativeBackpropFilter', { x, dy }, { ...attrs, filterShape: filter.shape });
  },
  matmul({ m, k, n, transposeA = false, transposeB = false }) {
    const a = tf.randomNormal(transposeA ? [k, m] : [m, k]);
    const b = tf.randomNormal(transposeB ? [n, k] : [k, n]);
    return () => tf.matMul(a, b, transposeA, transposeB);
  },
  maxpool: (layer) => pool('MaxPool', layer),
  avgpool: (layer) => pool('AvgPool', layer),
  relu: ({ shape }) => unary(shape, tf.relu),
  sigmoid: ({ shape }) => unary(shape, tf.sigmoid),
  tanh: ({ shape }) => unary(shape, tf.tanh),
  exp: ({ shape }) => unary(shape, tf.exp),
  softmax: ({ shape }) => unary(shape, tf.softmax),
  softmaxGrad({ shape }) {
    const y = tf.softmax(tf.randomNormal(shape));
    const dy = tf.randomNormal(shape);
    return () => run('SoftmaxGrad', { dy, y });
  },
  logSoftmax: ({ shape }) => unary(shape, tf.logSoftmax),
  // The loss and its gradient.
  softmaxCrossEntropyTraining({ shape: [rows, classes] }) {
    const x = tf.randomNormal([rows, classes]);
    const labels = tf.oneHot(tf.randomUniform([rows], 0, classes, 'int32'), classes).cast('float32');
    const gradient = tf.grad((logits) => tf.losses.softmaxCrossEntropy(labels, logits));
    return () => gradient(x);
  },
  batchnorm({ shape }) {
    const [zeros, ones] = [tf.zeros(shape.slice(-1)), tf.ones(shape.slice(-1))];
    return unary(shape, (x) => tf.batchNorm(x, zeros, ones, zeros, ones));
  },
  batchnormTraining({ shape }) {
    const layer = tf.layers.batchNormalization({});
    return unary(shape, (x) => layer.apply(x, { training: true }));
  },
  batchnormTrainingBothWays({ shape }) {
    const layer = tf.layers.batchNormalization({});
    const dy = tf.randomNormal(shape);
    const gradient = tf.grad((x) => layer.apply(x, { training: true }));
    return unary(shape, (x) => gradient(x, dy));
  },
  transpose: ({ shape }) => unary(shape, tf.transpose),
  sum: ({ shape }) => unary(shape, (x) => tf.sum(x, 1)),
  mean: ({ shape }) => unary(shape, (x) => tf.mean(x, 1)),
  adam: ({ shape }) => optimizer(shape, tf.train.adam(1e-3)),
  momentum: ({ shape }) => optimizer(shape, tf.train.momentum(1e-3, 0.9)),
  sumRows: ({ shape }) => unary(shape, (x) => tf.sum(x, 0)),
  add: ({ shape }) => binary(shape, shape, tf.add),
  multiply: ({ shape }) => binary(shape, shape, tf.mul),
  gather({ shape, count }) {
    const x = tf.randomNormal(shape);
    const indices = tf.randomUniform([count], 0, shape[0], 'int32');
    return () => tf.gather(x, indices);
  },
  oneHot({ shape, depth }) {
    const indices = tf.randomUniform(shape, 0, depth, 'int32');
    return () => tf.oneHot(indices, depth, 1, 0, 'float32');
  },
  randomNormal:
    ({ shape }) =>
    () =>
      tf.randomNormal(shape),
  dropout: ({ shape }) => unary(shape, (x) => tf.dropout(x, 0.5)),
  // Half-pixel centers, which is what PyTorch does.
  resizeBilinear: ({ shape, size }) => unary(shape, (x) => tf.image.resizeBilinear(x, size, false, true)),
  biasAdd: ({ shape }) => binary(shape, shape.slice(1), tf.add),
};

function pool(name, { batch, in: [h, w, c], kernel, stride, pass }) {
  const x = tf.randomNormal([batch, h, w, c]);
  const attrs = {
    filterSize: [kernel, kernel],
    strides: [stride, stride],
    pad: 'valid',
    dimRoundingMode: undefined,
  };
  const y = run(name, { x }, attrs);
  const dy = tf.randomNormal(y.shape);
  if (pass === 'forward') return () => run(name, { x }, attrs);
  if (name === 'AvgPool') return () => run('AvgPoolGrad', { dy, input: x }, attrs);
  return () => run('MaxPoolGrad', { dy, input: x, output: y }, attrs);
}

function optimizer(shape, rule) {
  const variable = tf.variable(tf.randomNormal(shape));
  const gradients = { [variable.name]: tf.randomNormal(shape) };
  return () => rule.applyGradients(gradients);
}

function unary(shape, op) {
  const x = tf.randomNormal(shape);
  return () => op(x);
}

function binary(shapeA, shapeB, op) {
  const a = tf.randomNormal(shapeA);
  const b = tf.randomNormal(shapeB);
  return () => op(a, b);
}

let current = -1;
let call;
tf.engine().startScope();
console.log(JSON.stringify({ ready: `tfjs-native ${tf.version['tfjs-native']}`, info: tf.info() }));
for await (const line of createInterface({ input: process.stdin })) {
  const { case: index, count } = JSON.parse(line);
  if (index !== current) {
    tf.engine().endScope();
    tf.engine().startScope();
    call = makers[cases[index].kind](cases[index]);
    current = index;
  }
  const ms = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    const y = call();
    ms.push(performance.now() - start);
    tf.dispose(y);
  }
  console.log(JSON.stringify({ ms }));
}
process.exit(0);

// Prints how far 3x3 convolutions of 64 channels and their gradients are from sums in double: the root mean square and
// the largest error, as parts of the result's root mean square.
const tf = require('tfjs-native');

const [batch, size, channels, filters] = [2, 19, 64, 48];
let state = 12345;
/** Uniform between -1 and 1 (Park and Miller's generator). */
const random = () => {
  state = (state * 48271) % 2147483647;
  return (state / 2147483647) * 2 - 1;
};
const values = (n) => Float32Array.from({ length: n }, random);
const [x, w, dy] = [
  values(batch * size * size * channels),
  values(9 * channels * filters),
  values(batch * size * size * filters),
];
const xShape = [batch, size, size, channels];
const wShape = [3, 3, channels, filters];
const yShape = [batch, size, size, filters];

const y = new Float64Array(dy.length);
const dx = new Float64Array(x.length);
const dw = new Float64Array(w.length);
for (let n = 0; n < batch; n++) {
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < size; i++) {
      for (let t = 0; t < 9; t++) {
        const [row, column] = [j + Math.floor(t / 3) - 1, i + (t % 3) - 1];
        if (row < 0 || row >= size || column < 0 || column >= size) continue;
        const from = ((n * size + row) * size + column) * channels;
        const to = ((n * size + j) * size + i) * filters;
        for (let c = 0; c < channels; c++) {
          const weights = (t * channels + c) * filters;
          for (let k = 0; k < filters; k++) {
            y[to + k] += x[from + c] * w[weights + k];
            dx[from + c] += dy[to + k] * w[weights + k];
            dw[weights + k] += x[from + c] * dy[to + k];
          }
        }
      }
    }
  }
}

function errors(result, exact) {
  const got = result.dataSync();
  let [squares, sum, largest] = [0, 0, 0];
  for (const [i, value] of exact.entries()) {
    const error = Math.abs(got[i] - value);
    squares += value ** 2;
    sum += error ** 2;
    largest = Math.max(largest, error);
  }
  const scale = Math.sqrt(squares / exact.length);
  return { rms: Math.sqrt(sum / exact.length) / scale, largest: largest / scale };
}

const run = (name, inputs, attrs) =>
  tf.engine().runKernel(name, inputs, { strides: 1, pad: 'same', dataFormat: 'NHWC', ...attrs });
const [tx, tw, tdy] = [tf.tensor(x, xShape), tf.tensor(w, wShape), tf.tensor(dy, yShape)];
console.log(
  JSON.stringify({
    forward: errors(run('Conv2D', { x: tx, filter: tw }, { dilations: 1 }), y),
    input: errors(run('Conv2DBackpropInput', { dy: tdy, filter: tw }, { inputShape: xShape }), dx),
    filter: errors(run('Conv2DBackpropFilter', { x: tx, dy: tdy }, { filterShape: wShape }), dw),
  }),
);

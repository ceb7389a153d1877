// Prints the milliseconds from the start of this process to the end of the first training step.
//   node startup.cjs PACKAGE PROJECT
const { createRequire } = require('node:module');
const { join, resolve } = require('node:path');
const { build } = require('./models.cjs');

const [name, project] = process.argv.slice(2);
const tf = createRequire(join(resolve(project), 'package.json'))(name);
const model = build(tf, 'cnn');
const x = tf.tensor4d(
  Float32Array.from({ length: 32 * 784 }, (_, i) => (i % 17) / 17),
  [32, 28, 28, 1],
);
const y = tf.tensor1d(Float32Array.from({ length: 32 }, (_, i) => i % 10));
// performance.now() counts from the start of the process.
model.trainOnBatch(x, y).then(() => console.log(performance.now()));

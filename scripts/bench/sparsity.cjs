// Trains the seed CNN on MNIST. After each epoch: its time, and which part of what each pooled convolution gives is
// positive. Only there relu lets a gradient through, and of each window of 2x2 only one number gets it: so a quarter of
// that part is what is not zero in the gradient of the convolution.
//   node sparsity.cjs PROJECT EPOCHS
const { resolve } = require('node:path');
const { build, images } = require('./models.cjs');

const [project, epochs] = process.argv.slice(2);
const tf = require(resolve(project));
const data = images('cnn');
const [x, y] = data.tensors(tf, 0, data.count);
const [sample] = data.tensors(tf, 0, 1000);
const model = build(tf, 'cnn');
const pooled = model.layers.filter((layer) => layer.getClassName() === 'MaxPooling2D');
const watched = tf.model({ inputs: model.inputs, outputs: pooled.map(({ output }) => output) });

function report(epoch, seconds) {
  const positive = watched.predict(sample).map((values) => values.greater(0).mean().dataSync()[0]);
  console.log(JSON.stringify({ epoch, seconds, positive }));
}

async function run() {
  report(0, 0);
  for (let epoch = 1; epoch <= Number(epochs); epoch++) {
    const start = performance.now();
    await model.fit(x, y, { batchSize: 32, epochs: 1, verbose: 0 });
    report(epoch, (performance.now() - start) / 1000);
  }
}
run();

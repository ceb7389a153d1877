// One side of a comparison, for a TensorFlow.js package: builds the model, warms up, says {"ready":…}, then runs
// as many steps or epochs as each line on stdin asks for and answers with their milliseconds.
//   node contender.mjs PACKAGE PROJECT MODEL BATCH step|fit|predict|predict-one|evaluate|graph
import { createRequire } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { resolve, join } from 'node:path';
import { createInterface } from 'node:readline';
import { load } from './graph.cjs';
import { build, images, large } from './models.cjs';

const [name, project, modelName, batchText, what] = process.argv.slice(2);
const batch = Number(batchText);
const tf = createRequire(join(resolve(project), 'package.json'))(name);
await tf.ready();

const model = what === 'graph' ? await load(tf) : build(tf, modelName);
const data = images(modelName);

/** Milliseconds of each call. */
async function times(count, run) {
  const ms = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await run();
    ms.push(performance.now() - start);
  }
  return ms;
}

/** Steps on fresh batches: one that is learnt by heart has gradients that fade into denormals. */
function stepper() {
  const batches = [];
  for (let i = 0; i < Math.min(2000, Math.floor(data.count / batch)); i++) {
    batches.push(data.tensors(tf, i * batch, (i + 1) * batch));
  }
  let at = 0;
  return () => {
    const [x, y] = batches[at++ % batches.length];
    return model.trainOnBatch(x, y);
  };
}

function fitter() {
  const [x, y] = data.tensors(tf, 0, data.count);
  return () => model.fit(x, y, { batchSize: batch, epochs: 1, verbose: 0 });
}

/** A GraphModel's predictions for a batch. */
function graph() {
  const [x] = data.tensors(tf, 0, batch);
  return () => {
    const out = model.predict(x);
    out.dataSync();
    out.dispose();
  };
}

/** Predictions for one image or 10,000, or their evaluation. */
function forwarder() {
  const [x, y] = data.tensors(tf, 0, what === 'predict-one' ? 1 : Math.min(10_000, data.count));
  const batchSize = Number(batch);
  return () => {
    const out = what === 'evaluate' ? model.evaluate(x, y, { batchSize }) : model.predict(x, { batchSize });
    for (const tensor of [out].flat()) {
      tensor.dataSync();
      tensor.dispose();
    }
  };
}

const trains = what === 'step' || what === 'fit';
const step = trains ? stepper() : what === 'graph' ? graph() : forwarder();
// V8 compiles what a step runs, beside the steps, for more than 1,000 of them; peers are at their speed after 50.
await times(['predict', 'evaluate'].includes(what) ? 10 : large(modelName) ? 50 : 1500, step);
const run = what === 'fit' ? fitter() : step;
const version = tf.version[name === 'tfjs-native' ? 'tfjs-native' : 'tfjs-node'] ?? tf.version_core;
const info = name === 'tfjs-native' ? tf.info?.() : undefined;
console.log(JSON.stringify({ ready: `${name} ${version}`, info }));
const delay = monitorEventLoopDelay({ resolution: 1 });
for await (const line of createInterface({ input: process.stdin })) {
  delay.reset();
  delay.enable();
  const ms = await times(Number(line), run);
  delay.disable();
  console.log(JSON.stringify({ ms, delay: delay.percentile(99) / 1e6 }));
}
process.exit(0);

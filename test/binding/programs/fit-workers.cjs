// Trains with fit in two worker_threads and the main thread at once, and in one that is terminated in the middle; prints
// whether each came to the bits of a training alone, and what became of the terminated one.
const { on, once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');
const tf = require('tfjs-native');

const seeded = (seed) => ({ kernelInitializer: tf.initializers.glorotUniform({ seed }) });

async function train(epochs) {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        filters: 8,
        kernelSize: 3,
        activation: 'relu',
        inputShape: [12, 12, 3],
        ...seeded(1),
      }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 300, activation: 'relu', ...seeded(2) }),
      tf.layers.dense({ units: 5, activation: 'softmax', ...seeded(3) }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(1e-3), loss: 'sparseCategoricalCrossentropy' });
  const values = Float32Array.from({ length: 200 * 432 }, (_, i) => Math.sin(i * i));
  const x = tf.tensor4d(values, [200, 12, 12, 3]);
  const y = tf.tensor1d(Float32Array.from({ length: 200 }, (_, i) => i % 5));
  await model.fit(x, y, { batchSize: 16, epochs, shuffle: false, verbose: 0 });
  return model
    .getWeights()
    .map((weight) => Array.from(weight.dataSync()))
    .join();
}

async function main() {
  tf.setThreads(2);
  const alone = await train(8);
  // Listened to from the first moment: one may have trained before another has begun.
  const trained = [8, 8].map(async (epochs) => {
    const worker = new Worker(__filename, { workerData: epochs });
    for await (const [message] of on(worker, 'message', { close: ['exit'] }))
      if (message !== 'begun') return message;
    throw new Error('a worker ended without a result');
  });
  const endless = new Worker(__filename, { workerData: 1e9 });
  await once(endless, 'message');
  const results = await Promise.all([train(8), ...trained]);
  await sleep(20);
  const code = await endless.terminate();
  const after = await train(8);
  console.log(JSON.stringify({ same: [...results, after].map((bits) => bits === alone), code }));
}

if (isMainThread) main();
else {
  parentPort.postMessage('begun');
  train(workerData).then((bits) => parentPort.postMessage(bits));
}

// A user's program, given the package: trains, saves, loads; prints what it saw as JSON.
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

exports.use = async (tf) => {
  const x = tf.tensor2d(
    Array.from({ length: 64 * 4 }, (_, i) => Math.sin(i)),
    [64, 4],
  );
  const y = x
    .slice([0, 0], [64, 1])
    .mul(2)
    .sub(x.slice([0, 3], [64, 1]));
  const model = tf.sequential();
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
  model.add(tf.layers.dense({ units: 8, activation: 'relu', inputShape: [4], kernelInitializer }));
  model.add(tf.layers.dense({ units: 1, kernelInitializer }));
  model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
  const { history } = await model.fit(x, y, { epochs: 5, batchSize: 16, shuffle: false, verbose: 0 });

  const folder = mkdtempSync(join(tmpdir(), 'tfjs-native-model-'));
  await model.save(`file://${folder}`);
  const loaded = await tf.loadLayersModel(`file://${folder}/model.json`);
  rmSync(folder, { recursive: true });
  const [before, after] = [model, loaded].map((m) => [...m.predict(x).dataSync()]);
  console.log(JSON.stringify({ losses: history.loss, before, after, info: tf.info() }));
};

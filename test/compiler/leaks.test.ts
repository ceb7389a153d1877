/** What compiled training leaves behind: nothing. */
import * as tf from 'tfjs-native';
import { expect, it } from 'vitest';
import { build, dataOf, dense, type Net } from './nets';

const wide: Net = {
  input: [256],
  loss: 'sparseCategoricalCrossentropy',
  target: [1],
  classes: 4,
  layers: () => [dense(1024, { activation: 'relu' }), dense(4, { activation: 'softmax' })],
};

it('200 single steps leave no tensors', async () => {
  const model = build(wide, tf.train.adam());
  const { x, y } = dataOf(wide, 8);
  await model.trainOnBatch(x, y);
  const { numTensors, numDataBuffers } = tf.memory();
  for (let i = 0; i < 200; i++) await model.trainOnBatch(x, y);
  expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
});

it('models that are disposed of leave no tensors, and their memory is used again', async () => {
  const { x, y } = dataOf(wide, 8);
  const once = async () => {
    const model = build(wide, tf.train.adam());
    await model.fit(x, y, { verbose: 0, batchSize: 4 });
    model.optimizer.dispose();
    model.dispose();
  };
  for (let i = 0; i < 10; i++) await once();
  const { numTensors, numDataBuffers } = tf.memory();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 50; i++) await once();
  expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
  // Weights, gradients and Adam's state of a model are 4.2 MB: 50 of them would be 210, without the tensors outside.
  expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
});

/** What `explain` says, and what is not compiled. */
import * as tf from 'tfjs-native';
import { expect, it, vi } from 'vitest';
import { rules } from '../../dist/compiler/layers/index.js';
import type { LayerRule } from '../../dist/compiler/layers/rule.js';
import { build, conv, dataOf, dense, type Net, nets } from './nets';

it('says a line a layer', () => {
  const model = build(nets['the seed CNN'] as Net, tf.train.adam());
  const [, conv1, pool1, conv2, pool2, flat, head] = model.layers.map(({ name }) => name);
  expect(tf.explain(model).split('\n').slice(1)).toEqual([
    `${conv1} + ${pool1}: FusedConv2DMaxPool, with relu (fused); a few samples at a time, in cache`,
    `${conv2} + ${pool2}: FusedConv2DMaxPool, with relu (fused); a few samples at a time, in cache`,
    `${flat}: no work, the same values`,
    `${head}: _FusedMatMul, softmax computed with the loss; a few samples at a time, in cache`,
  ]);
});

class Own extends tf.layers.Layer {
  static className = 'Own';
  override call(inputs: tf.Tensor | tf.Tensor[]) {
    return Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs;
  }
  override computeOutputShape(shape: tf.Shape) {
    return shape;
  }
}

const small: Net = { input: [4], loss: 'meanSquaredError', target: [5], layers: () => [dense(5)] };
const image: Net = { ...(nets['the seed CNN'] as Net), input: [6, 6, 2] };
const head = () => [tf.layers.flatten(), dense(5, { activation: 'softmax' })];
function constrained() {
  const halving = tf.constraints.nonNeg();
  halving.apply = (w) => tf.mul(w, 0.5);
  return dense(5, { kernelConstraint: halving });
}

function doubling() {
  const layer = dense(5, { activation: 'softplus' });
  const { activation } = layer as unknown as { activation: { apply(x: tf.Tensor): tf.Tensor } };
  activation.apply = (x) => tf.mul(x, 2);
  return layer;
}

it.each<[string, Net, RegExp]>([
  [
    'a layer of the program',
    { ...small, layers: () => [dense(5), new Own({})] },
    /Own\): there is no compiled form/,
  ],
  [
    'a constraint',
    { ...small, layers: () => [constrained()] },
    /Dense\): it has a constraint of the program’s own/,
  ],
  ['an activation', { ...small, layers: () => [doubling()] }, /its activation softplus is the program’s own/],
  [
    'a loss',
    { ...small, loss: ((y: tf.Tensor, p: tf.Tensor) => tf.abs(tf.sub(y, p))) as never },
    /loss: functions of the program’s own/,
  ],
  [
    'a metric',
    { ...small, metrics: [((y: tf.Tensor) => tf.mean(y)) as never] },
    /metrics: functions of the program’s own/,
  ],
  [
    'channels first',
    { ...image, layers: () => [conv(2, { dataFormat: 'channelsFirst', kernelSize: 1 }), ...head()] },
    /channels come first/,
  ],
])('says why %s is not compiled, once, and trains it all the same', async (_, net, reason) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const model = build(net, tf.train.sgd(0.01));
  expect(tf.explain(model)).toMatch(/^Trains op by op, not compiled: /);
  expect(tf.explain(model)).toMatch(reason);
  const { x, y } = dataOf(net, 4);
  await model.trainOnBatch(x, y);
  await model.fit(x, y, { verbose: 0 });
  expect(warn).toHaveBeenCalledOnce();
  expect(warn.mock.calls[0]?.[0]).toMatch(reason);
  warn.mockRestore();
});

it('says so where another backend trains the model', () => {
  const model = build({ ...image, layers: () => [conv(2), ...head()] }, tf.train.sgd(0.01));
  const natively = tf.explain(model);
  tf.setBackend('cpu');
  expect(tf.explain(model)).toBe(`Trains op by op on the backend "cpu". On "native":\n${natively}`);
  tf.setBackend('native');
});

it('wants a model that was compiled', () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
  expect(() => tf.explain(model)).toThrow(/`compile` was called on/);
});

/** Shapes of which a layer takes the first that fits. */
const shapes = [[6, 6, 2], [3, 6, 6, 2], [6, 4], [4]];

it.each(Object.keys(rules))('tells what is done for a layer of class %s', (name) => {
  const { probe } = rules[name] as LayerRule;
  const model = shapes
    .map((shape) => {
      try {
        const layer = name === 'Softmax' ? tf.layers.softmax({ axis: -1 }) : probe();
        const inputs = [0, 1].map(() => tf.input({ shape }));
        // Merges take two.
        const merges = 'mergeFunction' in layer;
        const merged = layer.apply(merges ? inputs : (inputs[0] as tf.SymbolicTensor)) as tf.SymbolicTensor;
        if (Array.isArray(merged) || merged.shape.slice(1).some((length) => !length)) return undefined;
        const flat = merged.rank > 2 ? (tf.layers.flatten().apply(merged) as tf.SymbolicTensor) : merged;
        const outputs = tf.layers.dense({ units: 2 }).apply(flat) as tf.SymbolicTensor;
        const made = tf.model({ inputs: merges ? inputs : (inputs[0] as tf.SymbolicTensor), outputs });
        made.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
        return { made, layer };
      } catch {
        return undefined;
      }
    })
    .find((each) => each !== undefined);
  expect(model).toBeDefined();
  const { made, layer } = model as NonNullable<typeof model>;
  const line = tf
    .explain(made)
    .split('\n')
    .find((each) => each.includes(layer.name));
  expect(line).toMatch(/: (no work|[_A-Z]\w+)/);
});

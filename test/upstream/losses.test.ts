import * as tf from 'tfjs-native';
import { afterAll, describe, expect, it } from 'vitest';
import { nativeRuns } from '../kernels/like-cpu';

type LossName = 'categoricalCrossentropy' | 'sparseCategoricalCrossentropy';
type Loss = (target: tf.Tensor, probabilities: tf.Tensor) => tf.Tensor;

const ops: Record<LossName, string> = {
  categoricalCrossentropy: 'CategoricalCrossentropy',
  sparseCategoricalCrossentropy: 'SparseCategoricalCrossentropy',
};

/** The function that a compiled model calls. */
function lossOf(name: LossName): Loss {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2] })] });
  model.compile({ optimizer: 'sgd', loss: name });
  const loss = (model as unknown as { model: tf.LayersModel }).model.lossFunctions[0] as Loss;
  model.dispose();
  return loss;
}

/** Within rounding of numbers up to `scale`, or the same NaN or infinity. */
function expectClose(got: tf.TypedArray | number[], want: tf.TypedArray | number[], roundings: number): void {
  expect(got.length).toBe(want.length);
  const finite = [...want].filter(Number.isFinite).map(Math.abs);
  const bound = Math.max(...finite, 1e-6) * roundings * 2 ** -24;
  [...want].forEach((w, i) => {
    const g = got[i] as number;
    const close = g === w || (Number.isNaN(g) && Number.isNaN(w)) || Math.abs(g - w) <= bound;
    expect(close, `element ${i} is ${g}, expected ${w}`).toBe(true);
  });
}

const probabilities = [
  [0.2, 0.5, 0.3],
  [0, 1, 0],
  [1, 0, 0],
  [1e-9, 0.25, 0.75],
  [0.2, 0.7, 0.4], // not 1 in all
  [0, 0, 0],
  [0.1, Number.NaN, 0.2],
  [2, 3, 1],
];
const rows = probabilities.length;
const weights = [1, -2, 0.5, 3, 1, 1, 1, 0.25];

/** A loss and its gradient by probabilities and rows' weights, on both backends. */
async function expectLikeCpu(
  name: LossName,
  makeTarget: (backend: string) => tf.Tensor,
  shape: number[] = [rows, 3],
): Promise<void> {
  const loss = lossOf(name);
  const compute = async (backend: string): Promise<tf.Tensor[]> => {
    await tf.setBackend(backend);
    const p = tf.tensor(probabilities.flat(), shape);
    const w = tf.tensor(weights, shape.slice(0, -1));
    const target = makeTarget(backend);
    const gradient = tf.grad((x) => tf.sum(tf.mul(loss(target, x), w)))(p);
    return [loss(target, p), gradient];
  };
  const want = await compute('cpu');
  nativeRuns.clear();
  const got = await compute('native');
  expect(nativeRuns).toContain(ops[name]);
  expect(nativeRuns).toContain(`${ops[name]}Grad`);
  expect(nativeRuns).not.toContain('ClipByValue');
  for (const [i, tensor] of want.entries()) {
    const other = got[i] as tf.Tensor;
    expect([other.shape, other.dtype]).toEqual([tensor.shape, tensor.dtype]);
    // Row by row, since a clipped probability makes gradients of 1e7.
    const width = tensor.size / rows;
    const [wanted, given] = [tensor.dataSync(), other.dataSync()];
    for (let row = 0; row < rows; row++) {
      const part = [row * width, (row + 1) * width] as const;
      expectClose(given.slice(...part), wanted.slice(...part), 30);
    }
  }
}

afterAll(async () => {
  await tf.setBackend('native');
});

describe('sparseCategoricalCrossentropy', () => {
  const name = 'sparseCategoricalCrossentropy';
  const classes = [0, 1, 1, 2, 0, 2, 0, 1];

  it('and its gradient are as on cpu, one kernel each', async () => {
    await expectLikeCpu(name, () => tf.tensor2d(classes, [rows, 1]));
    await expectLikeCpu(name, () => tf.tensor3d(classes, [2, 4, 1]), [2, 4, 3]);
    await expectLikeCpu(name, () => tf.tensor1d(classes));
  });

  it('takes targets that are no class, or no whole number', async () => {
    const odd = [3, -1, 1.75, -0.5, 2.999, 1e9, 5, Number.NaN];
    await expectLikeCpu(name, () => tf.tensor2d(odd, [rows, 1]));
  });

  it('takes int32 targets too, which upstream does not', async () => {
    const odd = [3, -1, 1, 1e9, 2, -1e9, 0, 2];
    await expectLikeCpu(name, (on) => tf.tensor2d(odd, [rows, 1], on === 'cpu' ? 'float32' : 'int32'));
  });

  it('leaves targets that do not fit to TensorFlow.js', () => {
    expect(() => lossOf(name)(tf.zeros([rows + 1, 1]), tf.ones([rows, 3]))).toThrow('Size(');
  });
});

describe('categoricalCrossentropy', () => {
  const name = 'categoricalCrossentropy';

  it('and its gradient are as on cpu, one kernel each', async () => {
    const soft = Array.from({ length: rows * 3 }, (_, i) => (i % 5) / 4);
    const hard = Array.from({ length: rows * 3 }, (_, i) => Number(i % 4 === 1));
    await expectLikeCpu(name, () => tf.tensor2d(soft, [rows, 3]));
    await expectLikeCpu(name, () => tf.tensor2d(hard, [rows, 3], 'int32'));
    await expectLikeCpu(name, () => tf.tensor3d(soft, [2, 4, 3]), [2, 4, 3]);
  });

  it('leaves other targets to TensorFlow.js', async () => {
    const loss = lossOf(name);
    nativeRuns.clear();
    const p = tf.tensor2d([[0.25, 0.75]]);
    expectClose(loss(tf.tensor2d([[0, 1]], [1, 2], 'bool'), p).dataSync(), [-Math.log(0.75)], 4);
    expectClose(loss(tf.tensor1d([0, 1]), p).dataSync(), [-Math.log(0.75)], 4);
    expect(nativeRuns).not.toContain(ops[name]);
  });

  it('has no gradient of its gradient, as upstream', () => {
    const loss = lossOf(name);
    const target = tf.tensor2d([[0, 1, 0]]);
    const first = tf.grad((x) => tf.sum(loss(target, x)));
    const second = tf.grad((x) => tf.sum(tf.square(first(x))));
    expect(() => second(tf.tensor2d([[0.2, 0.5, 0.3]]))).toThrow('not found for LogicalAnd');
  });
});

const values = (shape: number[], scale: number): tf.Tensor =>
  tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => scale * Math.sin(i + 1)),
    shape,
  );

/** A model with the outputs `a` (3 classes) and `b` (4), and weights that are the same each time. */
function twoOutputs(): tf.LayersModel {
  const input = tf.input({ shape: [5] });
  const hidden = tf.layers.dense({ units: 6, activation: 'tanh' }).apply(input) as tf.SymbolicTensor;
  const head = (name: string, units: number) =>
    tf.layers.dense({ units, activation: 'softmax', name }).apply(hidden) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: [head('a', 3), head('b', 4)] });
  model.setWeights(model.getWeights().map(({ shape }) => values(shape, 0.8)));
  return model;
}

type Losses = tf.ModelCompileArgs['loss'];

/** What fitting it for some steps gives: the history, and then the weights. */
async function fit(backend: string, loss: Losses): Promise<[tf.History['history'], number[]]> {
  await tf.setBackend(backend);
  const model = twoOutputs();
  // A method of the program's own keeps the model from being compiled as a whole.
  const [, hidden] = model.layers as [unknown, tf.layers.Layer];
  hidden.call = hidden.call.bind(hidden);
  model.compile({ optimizer: tf.train.sgd(0.5), loss, metrics: ['accuracy', 'ce'] });
  const x = values([12, 5], 1);
  const a = tf.tensor2d(
    Array.from({ length: 12 }, (_, i) => i % 3),
    [12, 1],
  );
  const b = tf.oneHot(
    Array.from({ length: 12 }, (_, i) => i % 4),
    4,
  );
  const { history } = await model.fit(x, [a, b], {
    batchSize: 4,
    epochs: 3,
    shuffle: false,
    validationData: [x, [a, b]],
  });
  return [history, model.getWeights().flatMap((weight) => [...weight.dataSync()])];
}

describe('a compiled model', () => {
  const [a, b] = ['sparseCategoricalCrossentropy', 'categoricalCrossentropy'];
  const own: Loss = (target, p) => tf.mean(tf.squaredDifference(target, p), -1);

  it.each([
    ['an array', [a, b], Object.values(ops)],
    ['a dictionary', { b, a }, Object.values(ops)],
    ["a user's function beside a name", [a, own], ['SparseCategoricalCrossentropy']],
  ])('fits as on cpu with %s of losses', async (_, loss, expected) => {
    const [wantHistory, wantWeights] = await fit('cpu', loss as Losses);
    nativeRuns.clear();
    const [history, trained] = await fit('native', loss as Losses);
    for (const op of Object.values(ops)) expect(nativeRuns.has(`${op}Grad`)).toBe(expected.includes(op));
    expect(Object.keys(history)).toEqual(Object.keys(wantHistory));
    // 9 steps of a few dozen roundings each.
    for (const [key, list] of Object.entries(wantHistory)) {
      expectClose(history[key] as number[], list as number[], 9 * 30);
    }
    expectClose(trained, wantWeights, 9 * 30);
  });

  it('keeps a function of the user', async () => {
    const model = twoOutputs();
    model.compile({ optimizer: 'sgd', loss: own });
    expect(model.lossFunctions).toEqual([own, own]);
  });

  it('compiles again, also when loaded, and is saved with the names of its losses', async () => {
    const model = twoOutputs();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    model.compile({ optimizer: 'sgd', loss: b as string, metrics: ['accuracy'] });
    let saved: tf.io.ModelArtifacts = {};
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      }),
      { includeOptimizer: true },
    );
    expect(saved.trainingConfig?.loss).toBe('categorical_crossentropy');
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved));
    nativeRuns.clear();
    const targets = [tf.oneHot([0, 2], 3), tf.oneHot([1, 3], 4)];
    const outputs = loaded.predict(values([2, 5], 1)) as tf.Tensor[];
    for (const [i, lossOf] of loaded.lossFunctions.entries())
      tf.dispose(lossOf(targets[i] as tf.Tensor, outputs[i] as tf.Tensor));
    expect(nativeRuns).toContain('CategoricalCrossentropy');
    const got = await loaded.trainOnBatch(values([2, 5], 1), targets);
    expect(got).toEqual(await model.trainOnBatch(values([2, 5], 1), targets));
  });

  it('trains and evaluates without leaving tensors behind', async () => {
    const model = twoOutputs();
    model.compile({ optimizer: 'sgd', loss: [a, b] as string[], metrics: ['accuracy'] });
    const [x, y] = [values([2, 5], 1), [tf.tensor2d([[0], [2]]), tf.oneHot([1, 3], 4)]];
    await model.trainOnBatch(x, y);
    const before = tf.memory().numTensors;
    await model.trainOnBatch(x, y);
    tf.dispose(model.evaluate(x, y));
    expect(tf.memory().numTensors).toBe(before);
  });
});

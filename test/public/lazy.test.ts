/** The converter and the data API are loaded when they are used, and behave as if they had always been there. */
import * as converter from '@tensorflow/tfjs-converter';
import * as upstream from '@tensorflow/tfjs-data';
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import { output } from './run';

const loaded = `
  const { createRequire } = process.getBuiltinModule?.('node:module') ?? require('node:module');
  const { cache } = createRequire(process.cwd() + '/x.js');
  const loaded = () => ['converter', 'data'].filter((name) =>
    Object.keys(cache).some((file) => file.includes('tfjs-' + name) && file.endsWith('.js')));
  const states = [];
`;

it('import loads neither of them', async () => {
  const code = `
    import * as tf from 'tfjs-native';
    import { createRequire } from 'node:module';
    ${loaded.replace(/const \{ createRequire.*\n/, '')}
    states.push(loaded());
    tf.data.array([1]);
    states.push(loaded());
    await tf.loadGraphModel('file:///nowhere').catch(() => {});
    states.push(loaded());
    console.log(JSON.stringify(states));`;
  expect(await output(code, { esm: true })).toEqual([[], ['data'], ['converter', 'data']]);
});

it('require loads neither of them', async () => {
  const code = `
    const tf = require('tfjs-native');
    ${loaded}
    states.push(loaded());
    new tf.data.CSVDataset(new tf.data.FileDataSource('/nowhere'));
    states.push(loaded());
    tf.registerOp('Mine', () => []);
    states.push(loaded());
    console.log(JSON.stringify(states));`;
  expect(await output(code)).toEqual([[], ['data'], ['converter', 'data']]);
});

describe('tf.data', () => {
  it('makes the data sets of tfjs-data', async () => {
    const dataset = tf.data.zip({
      x: tf.data.array([1, 2]),
      y: tf.data.generator(function* () {
        yield 3;
        yield 4;
      }),
    });
    expect(await (dataset as tf.data.Dataset<tf.TensorContainer>).toArray()).toEqual([
      { x: 1, y: 3 },
      { x: 2, y: 4 },
    ]);
  });

  it('has classes that instanceof, new and extends work with', async () => {
    const lines = new tf.data.TextLineDataset(new tf.data.FileDataSource(Buffer.from('a\nb')));
    expect(lines).toBeInstanceOf(tf.data.TextLineDataset);
    expect(lines).toBeInstanceOf(tf.data.Dataset);
    expect(lines).toBeInstanceOf(upstream.TextLineDataset);
    expect(lines).not.toBeInstanceOf(tf.data.CSVDataset);
    expect(await lines.toArray()).toEqual(['a', 'b']);

    class Twice extends tf.data.Dataset<number> {
      override size = 2;
      override iterator() {
        return tf.data
          .array([1, 2])
          .map((x) => x * 2)
          .iterator() as ReturnType<tf.data.Dataset<number>['iterator']>;
      }
    }
    const twice = new Twice();
    expect(twice).toBeInstanceOf(Twice);
    expect(twice).toBeInstanceOf(tf.data.Dataset);
    expect(await twice.map((x) => x + 1).toArray()).toEqual([3, 5]);
  });
});

describe('the converter', () => {
  // y = x · w, as the converter writes it.
  const artifacts = (): tf.io.ModelArtifacts => ({
    format: 'graph-model',
    modelTopology: {
      node: [
        {
          name: 'x',
          op: 'Placeholder',
          attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim: [{ size: '-1' }, { size: '2' }] } } },
        },
        {
          name: 'w',
          op: 'Const',
          attr: {
            dtype: { type: 'DT_FLOAT' },
            value: { tensor: { dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '2' }, { size: '1' }] } } },
          },
        },
        { name: 'y', op: 'MatMul', input: ['x', 'w'], attr: { T: { type: 'DT_FLOAT' } } },
      ],
      versions: { producer: 1 },
    },
    weightSpecs: [{ name: 'w', shape: [2, 1], dtype: 'float32' }],
    weightData: new Float32Array([10, 1]).buffer,
  });

  it('loads and runs a graph model', async () => {
    const model = await tf.loadGraphModel(tf.io.fromMemory(artifacts()));
    expect(model).toBeInstanceOf(tf.GraphModel);
    expect(model).toBeInstanceOf(converter.GraphModel);
    expect((model.predict(tf.tensor2d([[1, 2]])) as tf.Tensor).arraySync()).toEqual([[12]]);
  });

  it('makes a GraphModel by new', async () => {
    const model = new tf.GraphModel(tf.io.fromMemory(artifacts()));
    await model.load();
    expect((model.execute(tf.tensor2d([[3, 4]])) as tf.Tensor).arraySync()).toEqual([[34]]);
  });

  it('registers ops of the user', async () => {
    const custom = artifacts();
    (custom.modelTopology as { node: { op: string }[] }).node[2]!.op = 'Times100';
    tf.registerOp('Times100', ({ inputs }) => tf.mul(inputs[0] as tf.Tensor, 100));
    const model = await tf.loadGraphModel(tf.io.fromMemory(custom));
    expect((model.predict(tf.tensor2d([[1, 2]])) as tf.Tensor).arraySync()).toEqual([[100, 200]]);
    tf.deregisterOp('Times100');
    expect(() => model.predict(tf.tensor2d([[1, 2]]))).toThrow();
  });
});

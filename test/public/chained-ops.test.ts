/** The methods of tensors, against the files of tfjs-core that make them in the ESM build. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import { root } from './run';

const folder = join(root, 'node_modules/@tensorflow/tfjs-core/dist/public/chained_ops');
const upstream = readdirSync(folder)
  .filter((file) => file.endsWith('.js') && !file.startsWith('register_all'))
  .map((file) => {
    const method = /getGlobalTensorClass\(\)\.prototype\.(\w+)\s*=/.exec(
      readFileSync(join(folder, file), 'utf8'),
    );
    if (method === null) throw new Error(`No method in ${file}`);
    return method[1] as keyof tf.Tensor;
  });

it('are all there', () => {
  expect(upstream.length).toBeGreaterThan(130);
  const x = tf.scalar(1);
  const missing = upstream.filter((name) => typeof x[name] !== 'function');
  expect(missing).toEqual([]);
});

it('are no more than upstream has', () => {
  const own = ['constructor', ...Object.getOwnPropertyNames(tf.Tensor.prototype)];
  const known: string[] = [
    ...upstream,
    // Those of the class itself, in tensor.d.ts.
    ...[...readFileSync(join(folder, '../../tensor.d.ts'), 'utf8').matchAll(/^ {4}(?:get )?(\w+)[<(]/gm)].map(
      (match) => match[1] as string,
    ),
  ];
  expect(own.filter((name) => !known.includes(name))).toEqual([]);
});

it.each(upstream)('%s refuses a disposed tensor', (name) => {
  const x = tf.tensor1d([1]);
  x.dispose();
  expect(() => (x[name] as () => unknown)()).toThrow('Tensor is disposed.');
});

const x = tf.tensor2d([1, -2, 3, -4, 5, -6], [2, 3]);
const four = tf.tensor1d([1, 2, 3, 4]);
/** Shape, dtype and values. */
const facts = (t: tf.Tensor) => ({ shape: t.shape, dtype: t.dtype, values: t.arraySync() });

describe('those that are more than an op', () => {
  it.each([
    ['as1D', x.as1D(), [6]],
    ['flatten', x.flatten(), [6]],
    ['as2D', x.as2D(3, 2), [3, 2]],
    ['as3D', x.as3D(1, 2, 3), [1, 2, 3]],
    ['as4D', x.as4D(1, 2, 3, 1), [1, 2, 3, 1]],
    ['as5D', x.as5D(1, 1, 2, 3, 1), [1, 1, 2, 3, 1]],
    ['reshapeAs', x.reshapeAs(tf.zeros([6, 1])), [6, 1]],
    ['reshape', x.reshape([3, 2]), [3, 2]],
  ])('%s', (_, result, shape) => {
    expect(result.shape).toEqual(shape);
    expect([...result.dataSync()]).toEqual([1, -2, 3, -4, 5, -6]);
  });

  it('asScalar', () => {
    expect(facts(tf.tensor2d([[7]]).asScalar())).toEqual({ shape: [], dtype: 'float32', values: 7 });
    expect(() => four.asScalar()).toThrow('The array must have only 1 element.');
  });

  it.each([
    ['asType', tf.tensor1d([1.7, 0]).asType('int32'), 'int32', [1, 0]],
    ['toInt', tf.tensor1d([1.7, 0]).toInt(), 'int32', [1, 0]],
    ['toBool', tf.tensor1d([1.7, 0]).toBool(), 'bool', [1, 0]],
    ['toFloat', tf.tensor1d([2, 0], 'int32').toFloat(), 'float32', [2, 0]],
    ['cast', tf.tensor1d([2, 0], 'int32').cast('bool'), 'bool', [1, 0]],
  ])('%s', (_, result, dtype, values) => {
    expect(facts(result)).toEqual({ shape: [2], dtype, values });
  });

  it('concat and stack take a tensor or several', () => {
    const one = tf.tensor1d([1]);
    const two = tf.tensor1d([2]);
    expect(one.concat(two).arraySync()).toEqual([1, 2]);
    expect(one.concat([two, two]).arraySync()).toEqual([1, 2, 2]);
    expect(x.concat(x, 1).shape).toEqual([2, 6]);
    expect(one.stack(two).arraySync()).toEqual([[1], [2]]);
    expect(one.stack([two, two], 1).arraySync()).toEqual([[1, 2, 2]]);
  });

  it('where takes the tensor where the condition holds', () => {
    const condition = tf.tensor1d([1, 0, 0, 1], 'bool');
    expect(four.where(condition, tf.tensor1d([9, 8, 7, 6])).arraySync()).toEqual([1, 8, 7, 4]);
  });

  it('resizeNearestNeighbor and resizeBilinear', () => {
    const image = tf.tensor3d([1, 3], [1, 2, 1]);
    expect([...image.resizeNearestNeighbor([1, 4]).dataSync()]).toEqual([1, 1, 3, 3]);
    expect([...image.resizeBilinear([1, 3], true).dataSync()]).toEqual([1, 2, 3]);
  });
});

describe('arguments arrive', () => {
  it.each([
    ['sum(axis, keepDims)', x.sum(1, true), [[2], [-5]]],
    ['norm(ord, axis)', four.reshape([2, 2]).norm(1, 1), [3, 7]],
    [
      'clipByValue(min, max)',
      x.clipByValue(-1, 2),
      [
        [1, -1, 2],
        [-1, 2, -1],
      ],
    ],
    [
      'matMul(b, transposeA, transposeB)',
      x.matMul(x, false, true),
      [
        [14, -32],
        [-32, 77],
      ],
    ],
    ['step(alpha)', tf.tensor1d([-1, 2]).step(3), [3, 1]],
    ['oneHot(depth, on, off)', tf.tensor1d([1], 'int32').oneHot(2, 5, 4), [[4, 5]]],
    ['slice(begin, size)', four.slice(1, 2), [2, 3]],
    ['gather(indices)', four.gather(tf.tensor1d([3, 0], 'int32')), [4, 1]],
    [
      'transpose(perm)',
      x.transpose([1, 0]),
      [
        [1, -4],
        [-2, 5],
        [3, -6],
      ],
    ],
    ['pad(paddings, value)', four.pad([[1, 0]], 9), [9, 1, 2, 3, 4]],
    ['cumsum(axis, exclusive, reverse)', four.cumsum(0, true, true), [9, 7, 4, 0]],
    ['split(n)', four.split(2)[1] as tf.Tensor, [3, 4]],
    ['topk(k)', four.topk(2).values, [4, 3]],
    ['add(b)', four.add(1), [2, 3, 4, 5]],
    ['maxPool(size, strides, pad)', four.as3D(2, 2, 1).maxPool(2, 1, 'valid'), [[[4]]]],
    [
      'relu',
      x.relu(),
      [
        [1, 0, 3],
        [0, 5, 0],
      ],
    ],
  ])('%s', (_, result, expected) => {
    expect(result.arraySync()).toEqual(expected);
  });

  it('and gradients flow', () => {
    const gradient = tf.grad((v) => v.square().mul(3).sum());
    expect(gradient(tf.tensor1d([1, -2])).arraySync()).toEqual([6, -12]);
  });
});

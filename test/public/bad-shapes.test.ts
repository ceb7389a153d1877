/** Shapes that nobody means: too large for memory or for numbers, of no elements, windows far beyond the image. */
import * as tf from 'tfjs-native';
import { beforeEach, describe, expect, it } from 'vitest';
import { draw, drawWhole, expectLikeCpu } from '../kernels/like-cpu';

/** Whatever the rank: the types shall not stand in the way. */
type Shape = [number, number, number, number];

const huge = 2 ** 40;
const ones = (...shape: number[]) => tf.ones<tf.Rank.R4>(shape as Shape);
const zeros = (...shape: number[]) => tf.zeros<tf.Rank.R4>(shape as Shape);

beforeEach(async () => {
  await tf.setBackend('native');
});

/** The error of a computation, which must leave nothing behind. */
function failure(compute: () => tf.Tensor): { name: string; code?: string; message: string } {
  const before = tf.memory();
  try {
    tf.tidy(() => compute());
  } catch (error) {
    expect(tf.memory()).toEqual(before);
    return error as Error;
  }
  throw new Error('There was no error.');
}

describe('a result that there is no memory for', () => {
  it.each<[string, () => tf.Tensor, string]>([
    ['tile', () => tf.tile(ones(4), [huge]), 'float32 tensor of shape [4398046511104], 17592.2 GB'],
    ['pad', () => tf.pad(ones(1), [[huge, huge]]), 'float32 tensor of shape [2199023255553], 8796.1 GB'],
    [
      'oneHot',
      () => tf.oneHot(tf.tensor1d([0], 'int32'), huge),
      'int32 tensor of shape [1,1099511627776], 4398.0 GB',
    ],
    [
      'matMul',
      () => tf.matMul(ones(2 ** 20, 1), ones(1, 2 ** 20)),
      'float32 tensor of shape [1048576,1048576], 4398.0 GB',
    ],
    [
      'broadcasting',
      () => tf.add(ones(2 ** 20, 1), ones(1, 2 ** 20)),
      'float32 tensor of shape [1048576,1048576], 4398.0 GB',
    ],
    [
      'conv2d',
      () => tf.conv2d(ones(1, 2, 2, 1), ones(1, 1, 1, 1), 1, 2 ** 16),
      'float32 tensor of shape [1,131074,131074,1], 68.7 GB',
    ],
    [
      'maxPool',
      () => tf.maxPool(ones(1, 2, 2, 1), 1, 1, huge),
      'float32 tensor of shape [1,2199023255554,2199023255554,1]',
    ],
    [
      'a size beyond 64 bits',
      () => tf.fill([2 ** 33, 2 ** 33], 1),
      'float32 tensor of shape [8589934592,8589934592]',
    ],
  ])('%s', (_, compute, what) => {
    const { name, code, message } = failure(compute);
    expect({ name, code }).toEqual({ name: 'TfjsNativeError', code: 'OUT_OF_MEMORY' });
    expect(message).toContain(`There is no memory for a ${what}`);
  });
});

it('a result of negative length', () => {
  const { code, message } = failure(() => tf.tile(ones(2, 2), [-1, 3]));
  expect(code).toBe('SHAPE_INVALID');
  expect(message).toBe('A tensor of shape [-2,6] cannot be made: expected are whole numbers from 0 on.');
});

it.each([
  ['a window larger than the image', 4, 1],
  ['a stride of 0', 2, 0],
  ['a stride below 0', 1, -1],
])('pooling with %s', (_, window, stride) => {
  const { message } = failure(() => tf.maxPool(ones(1, 2, 2, 1), window, stride, 'valid'));
  expect(message).toMatch(/^Tensor must have a shape comprised of positive integers but got shape \[1,/);
});

it.each([1, 3, 20])('windows, strides and dilation beyond 32 bits, %d channels', (channels) => {
  const x = drawWhole([2, 5, 4, channels]);
  for (const name of ['MaxPool', 'AvgPool']) {
    expectLikeCpu(name, { x }, { filterSize: 2 ** 33, strides: 1, pad: 'same' });
    expectLikeCpu(name, { x }, { filterSize: [2, 3], strides: 2 ** 50, pad: 'same' });
  }
  const filter = drawWhole([3, 2, channels, 5]);
  const attrs = { pad: 'same', dataFormat: 'NHWC' };
  expectLikeCpu('Conv2D', { x, filter }, { ...attrs, strides: 2 ** 50, dilations: 1 });
  expectLikeCpu('Conv2D', { x, filter }, { ...attrs, strides: 1, dilations: 2 ** 40 });
});

describe('no elements', () => {
  it('are as on cpu', () => {
    const none = draw([0, 3], 'float32');
    expectLikeCpu('Relu', { x: none });
    expectLikeCpu('Add', { a: none, b: draw([1, 3], 'float32') });
    expectLikeCpu('BatchMatMul', { a: draw([2, 0], 'float32'), b: none }, {});
    expectLikeCpu('Transpose', { x: none }, { perm: [1, 0] });
    expectLikeCpu('Concat', [none, draw([2, 3], 'float32')], { axis: 0 });
    const paddings = [
      [1, 1],
      [0, 2],
    ];
    expectLikeCpu('PadV2', { x: none }, { paddings, constantValue: 3 });
    expectLikeCpu('Softmax', { logits: draw([3, 0], 'float32') }, { dim: 1 });
    for (const name of ['Sum', 'Mean', 'Prod', 'Min', 'ArgMin', 'ArgMax']) {
      expectLikeCpu(name, { x: none }, { axis: 0 });
    }
    const image = draw([2, 0, 4, 3], 'float32');
    for (const name of ['MaxPool', 'AvgPool']) {
      expectLikeCpu(name, { x: image }, { filterSize: 2, strides: 1, pad: 'same' });
    }
    const filter = draw([3, 3, 3, 2], 'float32');
    expectLikeCpu(
      'Conv2D',
      { x: image, filter },
      { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 },
    );
  });

  // Loops over what is left of the shape would never end.
  it.each<[string, () => tf.Tensor, number[]]>([
    ['relu', () => tf.relu(zeros(huge, huge, 0)), [huge, huge, 0]],
    ['mul', () => tf.mul(zeros(huge, 0, 1), zeros(1, 1, 7)), [huge, 0, 7]],
    ['softmax', () => tf.softmax(zeros(huge, 0)), [huge, 0]],
    ['transpose', () => tf.transpose(zeros(huge, 3, 0), [1, 0, 2]), [3, huge, 0]],
    ['slice', () => tf.slice(zeros(huge, 0), [1, 0], [3, 0]), [3, 0]],
    ['concat', () => tf.concat([zeros(huge, 0), zeros(huge, 0)], 1), [huge, 0]],
    ['tile', () => tf.tile(zeros(0, 3), [huge, huge]), [0, 3 * huge]],
    ['gather', () => tf.gather(zeros(huge, 4, 0), tf.tensor1d([1, 2], 'int32'), 1), [huge, 2, 0]],
    ['matMul', () => tf.matMul(zeros(huge, 0, 3), zeros(huge, 3, 0)), [huge, 0, 0]],
    ['conv2d', () => tf.conv2d(zeros(huge, 4, 4, 0), zeros(3, 3, 0, 0), 1, 'same'), [huge, 4, 4, 0]],
    ['maxPool', () => tf.maxPool(zeros(0, huge, huge, 3), 2, 2, 'same'), [0, huge / 2, huge / 2, 3]],
    ['sum', () => tf.sum(zeros(0, huge), 1), [0]],
  ])('%s of a huge shape', (_, compute, shape) => {
    const y = tf.tidy(compute);
    expect(y.shape).toEqual(shape);
    y.dispose();
  });
});

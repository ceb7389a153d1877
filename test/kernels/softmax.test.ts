/** Softmax from JavaScript, against `cpu`. */
import { describe, expect, it } from 'vitest';
import { draw, drawShape, expectLikeCpu, nativeRuns, runKernel, whole } from './like-cpu';

describe('Softmax', () => {
  it('is as on cpu, NaN and infinities too', () => {
    for (let i = 0; i < 60; i++) {
      const shape = [...drawShape(0, 3), whole(1, 40)];
      expectLikeCpu('Softmax', { logits: draw(shape, 'float32') }, { dim: i % 2 ? -1 : shape.length - 1 });
    }
    expect(nativeRuns).toEqual(new Set(['Softmax']));
  });

  it('of no rows and of rows without columns is empty', () => {
    for (const shape of [
      [0, 3],
      [3, 0],
    ]) {
      expectLikeCpu('Softmax', { logits: draw(shape, 'float32') }, { dim: -1 });
    }
  });

  it('of large numbers does not overflow', () => {
    const logits = { shape: [3], dtype: 'float32' as const, values: [1e4, 1e4, -1e4] };
    const [y] = runKernel('native', 'Softmax', { logits }, { dim: -1 });
    expect(y?.values).toEqual([0.5, 0.5, 0]);
  });

  it('along another dimension is the error of TensorFlow.js', () => {
    const logits = draw([2, 3], 'float32');
    expect(() => runKernel('native', 'Softmax', { logits }, { dim: 0 })).toThrow(
      'Softmax along a non-last dimension is not yet supported',
    );
  });
});

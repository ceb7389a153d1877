/** Transpose from JavaScript: any permutation of any shape and dtype, against `cpu`. */
import { describe, expect, it } from 'vitest';
import { type DType, draw, drawShape, expectJavaScript, expectLikeCpu, nativeRuns, random } from './like-cpu';

describe('Transpose', () => {
  it.each<DType>(['float32', 'int32', 'bool'])('of %s is as on cpu', (dtype) => {
    for (let i = 0; i < 60; i++) {
      const shape = drawShape(1, 7);
      const perm = shape.map((_, d) => d).sort(() => random() - 0.5);
      expectLikeCpu('Transpose', { x: draw(shape, dtype) }, { perm });
    }
    expect(nativeRuns).toEqual(new Set(['Transpose']));
  });

  it('of an empty tensor is as on cpu', () => {
    expectLikeCpu('Transpose', { x: draw([3, 0, 2], 'float32') }, { perm: [2, 0, 1] });
  });

  it('that names a dimension twice is left to JavaScript', () => {
    expectJavaScript('Transpose', { x: draw([3, 3], 'float32') }, { perm: [0, 0] });
  });
});

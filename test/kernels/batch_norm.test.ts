/** Batch normalisation from JavaScript, against `cpu`: shapes, dtypes, and what goes to JavaScript. */
import { describe, expect, it } from 'vitest';
import {
  draw,
  expectJavaScript,
  expectLikeCpu,
  type Inputs,
  nativeRuns,
  random,
  runKernel,
  whole,
} from './like-cpu';

interface Shapes {
  x: number[];
  of?: number[];
}

function inputs({ x, of = x.slice(-1) }: Shapes, optional = ['offset', 'scale']): Inputs {
  const variance = draw(of, 'float32');
  const positive = variance.values.map((v) => (Number.isFinite(v) ? 0.5 + Math.abs(v) : v));
  return {
    x: draw(x, 'float32'),
    mean: draw(of, 'float32'),
    variance: { ...variance, values: positive },
    ...Object.fromEntries(optional.map((name) => [name, draw(of, 'float32')])),
  };
}

const attrs = { varianceEpsilon: 0.001 };

describe('FusedBatchNorm', () => {
  it('by channel is as on cpu, NaN and infinities too', () => {
    for (let i = 0; i < 60; i++) {
      const x = [whole(1, 3), whole(1, 4), whole(1, 4), whole(1, 40)];
      const optional = ['offset', 'scale'].filter(() => random() < 0.7);
      expectLikeCpu('FusedBatchNorm', inputs({ x }, optional), attrs);
    }
    expect(nativeRuns).toEqual(new Set(['FusedBatchNorm']));
  });

  it('by channel with leading ones, and without an epsilon, is as on cpu', () => {
    expectLikeCpu('FusedBatchNorm', inputs({ x: [2, 3, 3, 5], of: [1, 1, 1, 5] }), attrs);
    expectLikeCpu('FusedBatchNorm', inputs({ x: [2, 3, 3, 5] }), {});
    expect(nativeRuns).toEqual(new Set(['FusedBatchNorm']));
  });

  it('element by element, or of nothing, is made in JavaScript', () => {
    expectJavaScript('FusedBatchNorm', inputs({ x: [2, 3, 3, 5], of: [2, 3, 3, 5] }), attrs);
    expectJavaScript('FusedBatchNorm', inputs({ x: [2, 3, 3, 5], of: [1] }), attrs);
    expectJavaScript('FusedBatchNorm', inputs({ x: [2, 3, 3, 0] }), attrs);
  });

  it('of tensors with different ranks is the error of TensorFlow.js', () => {
    const given = { ...inputs({ x: [2, 3, 3, 5] }), scale: draw([1, 5], 'float32') };
    expect(() => runKernel('native', 'FusedBatchNorm', given, attrs)).toThrow('equal ranks');
  });
});

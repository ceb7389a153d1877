/** Reductions from JavaScript: any axes of any shape, dtypes and kept dimensions, against `cpu`. */
import { describe, expect, it } from 'vitest';
import {
  type DType,
  draw,
  drawShape,
  expectJavaScript,
  expectLikeCpu,
  nativeRuns,
  random,
  whole,
} from './like-cpu';

const reductions: [name: string, dtypes: DType[], axisName?: string][] = [
  ['Sum', ['float32', 'int32']],
  ['Mean', ['float32', 'int32', 'bool']],
  ['Max', ['float32', 'int32', 'bool'], 'reductionIndices'],
  ['Min', ['float32', 'int32', 'bool']],
  ['All', ['bool']],
  ['Any', ['bool']],
];

/** Some axes in any order, counted from either end. */
function drawAxes(rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, d) => d).filter(() => random() < 0.5);
  return axes.sort(() => random() - 0.5).map((d) => (random() < 0.5 ? d : d - rank));
}

describe.each(reductions)('%s', (name, dtypes, axisName = 'axis') => {
  it.each(dtypes)('of %s along any axes is as on cpu', (dtype) => {
    for (let i = 0; i < 80; i++) {
      const shape = drawShape();
      const axes = drawAxes(shape.length);
      const axis = [axes, axes[0] ?? 0, undefined][shape.length > 0 ? i % 3 : 2];
      expectLikeCpu(name, { x: draw(shape, dtype) }, { [axisName]: axis, keepDims: random() < 0.5 });
    }
    expect(nativeRuns).toContain(name);
  });

  it('of an empty tensor is as on cpu', () => {
    for (const dtype of dtypes) {
      expectJavaScript(name, { x: draw([0, 3], dtype) }, { [axisName]: [0], keepDims: false });
      expectJavaScript(name, { x: draw([3, 0], dtype) }, { [axisName]: [0], keepDims: true });
    }
  });
});

describe('Prod', () => {
  it.each(['float32', 'int32'] as const)('of %s along neighbouring axes is as on cpu', (dtype) => {
    for (let i = 0; i < 60; i++) {
      const shape = drawShape(1);
      const first = whole(0, shape.length - 1);
      const axis = Array.from({ length: whole(1, shape.length - first) }, (_, k) => first + k);
      expectLikeCpu('Prod', { x: draw(shape, dtype) }, { axis, keepDims: random() < 0.5 });
    }
    expect(nativeRuns).toContain('Prod');
  });

  it('along axes apart from each other runs in JavaScript', () => {
    expectJavaScript('Prod', { x: draw([3, 4, 5], 'int32') }, { axis: [0, 2] });
  });
});

describe.each(['ArgMax', 'ArgMin'])('%s', (name) => {
  it.each(['float32', 'int32'] as const)('of %s is as on cpu', (dtype) => {
    for (let i = 0; i < 80; i++) {
      const shape = drawShape(1);
      expectLikeCpu(name, { x: draw(shape, dtype) }, { axis: whole(-shape.length, shape.length - 1) });
    }
    expect(nativeRuns).toEqual(new Set([name]));
  });

  it('of bool runs in JavaScript', () => {
    expectJavaScript(name, { x: draw([3, 4], 'bool') }, { axis: 1 });
  });
});

it('axes that lie apart are reduced in two steps', () => {
  const x = draw([40, 30, 50], 'int32');
  expectLikeCpu('Sum', { x }, { axis: [0, 2], keepDims: false });
  expectLikeCpu('Max', { x }, { reductionIndices: [0, 2], keepDims: true });
  expect(nativeRuns).toEqual(new Set(['Sum', 'Max']));
});

it('a sum of integers wraps around as in an Int32Array', () => {
  const x = { shape: [3], dtype: 'int32' as const, values: [2147483647, 2147483647, 5] };
  expectLikeCpu('Sum', { x }, { axis: 0 });
});

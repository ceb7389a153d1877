/**
 * The element-wise kernels from JavaScript: every op on drawn shapes, dtypes and values, against the `cpu` backend,
 * and whether a native kernel ran. Their arithmetic is tested in test/native.
 */
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import {
  type DType,
  type Inputs,
  nativeRuns,
  pick,
  random,
  runKernel,
  seed,
  type Values,
  whole,
} from './like-cpu';

const oddFloats = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  3e38,
  -3e38,
  1e-30,
  88.5,
  -88.5,
  1,
  -1,
  0.5,
  -0.5,
  2.5,
  1e10,
  5e9,
];
const oddIntegers = [2147483647, -2147483648, 46341, 94906267, -94906267, 0];

function drawValue(dtype: DType): number {
  if (dtype === 'bool') return whole(0, 1);
  if (dtype === 'int32') return random() < 0.2 ? pick(oddIntegers) : whole(-9, 9);
  return random() < 0.25 ? pick(oddFloats) : Math.fround((random() - 0.5) * 8);
}

function draw(shape: number[], dtype: DType): Values {
  const length = shape.reduce((product, n) => product * n, 1);
  return { shape, dtype, values: Array.from({ length }, () => drawValue(dtype)) };
}

const drawShape = (): number[] => Array.from({ length: whole(0, 6) }, () => whole(1, 4));

/** Two shapes that broadcast. */
function drawShapes(): [number[], number[]] {
  const whichIsOne = Array.from({ length: whole(0, 6) }, () => whole(0, 3));
  const lengths = whichIsOne.map(() => whole(1, 4));
  const a = lengths.map((n, i) => (whichIsOne[i] === 1 ? 1 : n));
  const b = lengths.map((n, i) => (whichIsOne[i] === 2 ? 1 : n)).slice(whole(0, 2));
  return random() < 0.5 ? [a, b] : [b, a];
}

/** The one output of a kernel. */
function runOne(backend: string, name: string, inputs: Inputs, attrs: object): Values {
  return runKernel(backend, name, inputs, attrs)[0] as Values;
}

/** As the `cpu` backend within `ulp` units in the last place; other dtypes are equal. */
function expectLikeCpu(name: string, inputs: Inputs, attrs: object = {}, ulp = 4): void {
  const want = runOne('cpu', name, inputs, attrs);
  const got = runOne('native', name, inputs, attrs);
  const about = `seed ${seed}: ${name} ${JSON.stringify(attrs)} of ${JSON.stringify(inputs)}`;
  expect([got.dtype, got.shape], about).toEqual([want.dtype, want.shape]);
  want.values.forEach((w, i) => {
    const g = got.values[i] as number;
    // The smallest normal number: what is below may be zero.
    const bound = got.dtype === 'float32' ? Math.abs(w) * ulp * 2 ** -23 + 2 ** -126 : 0;
    const close = Object.is(g, w) || w === g || Math.abs(g - w) <= bound;
    expect(close, `element ${i} is ${g}, expected ${w}: ${about}`).toBe(true);
  });
}

const float = ['float32'] as const;
const number = ['float32', 'int32'] as const;
const all = ['float32', 'int32', 'bool'] as const;
const repeats = 25;

const unary: [name: string, dtypes: readonly DType[], attrs?: object][] = [
  ['Relu', number],
  ['Relu6', number],
  ['Elu', float],
  ['Selu', float],
  ['LeakyRelu', float, { alpha: 0.2 }],
  ['Sigmoid', float],
  ['Tanh', float],
  ['Softplus', float],
  ['Exp', float],
  ['Expm1', float],
  ['Log', float],
  ['Log1p', float],
  ['Sqrt', float],
  ['Rsqrt', float],
  ['Reciprocal', float],
  ['Square', float],
  ['Abs', float],
  ['Neg', number],
  ['Sign', number],
  ['Step', float, { alpha: 0 }],
  ['Step', float, { alpha: -0.5 }],
  ['Floor', float],
  ['Ceil', float],
  ['Round', float],
  ['ClipByValue', number, { clipValueMin: -1, clipValueMax: 2 }],
  ['ClipByValue', float, { clipValueMin: -0.3, clipValueMax: 1.7 }],
  ['IsNan', float],
  ['IsInf', float],
  ['IsFinite', float],
  ['LogicalNot', ['bool']],
  ['ZerosLike', all],
  ['OnesLike', all],
  ['Cast', ['float32', 'int32'], { dtype: 'bool' }],
  ['Cast', ['float32', 'bool'], { dtype: 'int32' }],
  ['Cast', ['int32', 'bool'], { dtype: 'float32' }],
];

describe.each(unary)('%s', (name, dtypes, attrs) => {
  it.each(dtypes)(`of %s is as on cpu${attrs ? `, ${JSON.stringify(attrs)}` : ''}`, (dtype) => {
    for (let i = 0; i < repeats; i++) expectLikeCpu(name, { x: draw(drawShape(), dtype) }, attrs);
    expect(nativeRuns).toContain(name);
  });
});

const binary: [name: string, dtypes: readonly DType[]][] = [
  ['Add', number],
  ['Sub', number],
  ['Multiply', number],
  ['RealDiv', float],
  ['Maximum', number],
  ['Minimum', number],
  ['SquaredDifference', number],
  ['FloorDiv', number],
  ['Mod', number],
  ['Pow', number],
  ['Equal', all],
  ['NotEqual', all],
  ['Greater', all],
  ['GreaterEqual', all],
  ['Less', all],
  ['LessEqual', all],
  ['LogicalAnd', ['bool']],
  ['LogicalOr', ['bool']],
];

describe.each(binary)('%s', (name, dtypes) => {
  it.each(dtypes)('of %s, broadcast, is as on cpu', (dtype) => {
    for (let i = 0; i < repeats; i++) {
      const [a, b] = drawShapes();
      expectLikeCpu(name, { a: draw(a, dtype), b: draw(b, dtype) });
    }
    expect(nativeRuns).toContain(name);
  });
});

describe('Abs and Square of int32', () => {
  // The cpu backend passes both through float32.
  it('are exact where float32 would round', () => {
    const x = { shape: [3], dtype: 'int32' as const, values: [-94906267, 16777217, -46340] };
    expect(runOne('native', 'Abs', { x }, {}).values).toEqual([94906267, 16777217, 46340]);
    const y = { shape: [3], dtype: 'int32' as const, values: [46339, -12345, 0] };
    expect(runOne('native', 'Square', { x: y }, {}).values).toEqual([2147302921, 152399025, 0]);
    expect(nativeRuns).toEqual(new Set(['Abs', 'Square']));
  });
});

describe('ops of more tensors', () => {
  it('Select is as on cpu', () => {
    for (const dtype of all) {
      for (let i = 0; i < repeats; i++) {
        const shape = drawShape();
        const [t, e] = [draw(shape, dtype), draw(shape, dtype)];
        expectLikeCpu('Select', { condition: draw(shape, 'bool'), t, e });
        // A condition for each row, which the JavaScript kernel has alone.
        if (shape.length > 1) expectLikeCpu('Select', { condition: draw(shape.slice(0, 1), 'bool'), t, e });
      }
    }
    expect(nativeRuns).toContain('Select');
  });

  it('AddN is as on cpu', () => {
    for (const dtype of number) {
      for (let i = 0; i < repeats; i++) {
        const shape = drawShape();
        const terms = Array.from({ length: whole(1, 5) }, () => draw(shape, dtype));
        expectLikeCpu('AddN', terms);
      }
    }
    expect(nativeRuns).toContain('AddN');
  });

  it('Prelu and EluGrad are as on cpu', () => {
    for (let i = 0; i < repeats; i++) {
      const [x, alpha] = drawShapes();
      expectLikeCpu('Prelu', { x: draw(x, 'float32'), alpha: draw(alpha, 'float32') });
      const shape = drawShape();
      expectLikeCpu('EluGrad', { dy: draw(shape, 'float32'), y: draw(shape, 'float32') });
    }
    expect(nativeRuns).toEqual(new Set(['Prelu', 'EluGrad']));
  });

  it.each([
    ['float32', 1.7],
    ['float32', NaN],
    ['int32', -5],
    ['int32', 2.9],
    ['bool', 1],
  ])('Fill %s with %s is as on cpu', (dtype, value) => {
    for (let i = 0; i < 5; i++) expectLikeCpu('Fill', {}, { shape: drawShape(), value, dtype });
    expectLikeCpu('Fill', {}, { shape: [0, 3], value, dtype });
    expect(nativeRuns).toContain('Fill');
  });

  it('Erf is within the error of the cpu approximation, 1.5e-7', () => {
    const x = draw([400], 'float32');
    const want = runOne('cpu', 'Erf', { x }, {}).values;
    runOne('native', 'Erf', { x }, {}).values.forEach((got, i) => {
      // The cpu kernel makes NaN of infinities.
      if (Number.isFinite(x.values[i])) expect(Math.abs(got - (want[i] as number))).toBeLessThan(3e-7);
    });
    expect(nativeRuns).toContain('Erf');
  });
});

describe('what native kernels do not take', () => {
  it.each([
    ['Exp', { x: draw([4], 'int32') }, {}],
    ['Add', { a: draw([4], 'bool'), b: draw([4], 'bool') }, {}],
    ['Add', { a: draw([4], 'float32'), b: draw([4], 'int32') }, {}],
    ['ClipByValue', { x: draw([9], 'int32') }, { clipValueMin: -0.5, clipValueMax: 2.5 }],
    ['Step', { x: draw([9], 'int32') }, { alpha: 0.5 }],
  ])('%s runs in JavaScript', (name, inputs, attrs) => {
    expectLikeCpu(name, inputs as unknown as Inputs, attrs);
    expect(nativeRuns).toEqual(new Set());
  });

  it('a complex tensor is cast and added as on cpu', () => {
    tf.setBackend('native');
    const z = tf.complex([1, 2], [3, 4]);
    expect(Array.from(tf.add(z, tf.cast([1, 0], 'complex64')).dataSync())).toEqual([2, 3, 2, 4]);
    expect(Array.from(tf.cast(z, 'float32').dataSync())).toEqual([1, 2]);
  });

  it('shapes that do not broadcast are the error of TensorFlow.js', () => {
    tf.setBackend('native');
    const [a, b] = [tf.ones([2, 3]), tf.ones([4])];
    expect(() => tf.add(a, b)).toThrow('Operands could not be broadcast together with shapes 2,3 and 4.');
  });
});

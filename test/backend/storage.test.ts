/**
 * Who owns the values of a tensor on `native`: arrays of the user's and of JavaScript kernels stay theirs, whatever the
 * pool does, and every odd array reads as on the `cpu` backend or is a clear error. Relu and Square (float32) and
 * Transpose (any dtype) are native kernels, Slice and Cast may be JavaScript's.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from 'tfjs-native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../../dist/backend/native-backend.js';

// Above 64 bytes V8 keeps an array's values outside of its heap, below inside, where the collector moves them.
const sizes = [3, 1000];

let backend: NativeBackend;

beforeEach(() => {
  expect(tf.getBackend()).toBe('native');
  backend = tf.backend() as unknown as NativeBackend;
  tf.engine().startScope();
});

afterEach(() => {
  tf.engine().endScope();
});

/** 0, 1, 2, … */
const ramp = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);
const squares = (n: number): Float32Array => ramp(n).map((x) => x * x);

/** A tensor whose values a native kernel wrote: the squares of 0, 1, 2, … */
const computed = (n: number): tf.Tensor => tf.square(tf.tensor(ramp(n)));

/** Makes and disposes many tensors of that size, so that all pooled memory of it is written again. */
function churn(n: number): void {
  const ones = tf.ones([n]);
  const made = Array.from({ length: 20 }, () => tf.relu(ones));
  for (const tensor of made) tensor.dispose();
  ones.dispose();
}

/** A tensor over exactly this array, as a JavaScript kernel makes it: unlike `tf.tensor`, nothing converts it. */
function tensorOver(values: unknown, shape: number[], dtype: 'float32' | 'int32' | 'bool'): tf.Tensor {
  const info = backend.makeTensorInfo(shape, dtype, values as Float32Array);
  return tf.engine().makeTensorFromTensorInfo(info) as tf.Tensor;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function expectDetached(run: () => unknown): void {
  const before = backend.numDataIds();
  expect(run).toThrow(expect.objectContaining({ name: 'TfjsNativeError', code: 'BUFFER_DETACHED' }));
  expect(backend.numDataIds(), 'data of the failed call').toBe(before);
}

describe.each(sizes)('%i values that the user read', (n) => {
  it('are the tensor’s own array, as on cpu', () => {
    const t = computed(n);
    const values = t.dataSync() as Float32Array;
    expect(t.dataSync()).toBe(values);
    values[1] = 7;
    expect(tf.relu(t).dataSync()[1]).toBe(7);
  });

  it('stay when the tensor is disposed and its memory used again', () => {
    const t = computed(n);
    const values = t.dataSync();
    t.dispose();
    churn(n);
    expect(values).toEqual(squares(n));
  });

  it('stay while the tensor lives on and others come and go', () => {
    const t = computed(n);
    const values = t.dataSync();
    churn(n);
    expect(values).toEqual(squares(n));
    expect(tf.relu(t).dataSync()).toEqual(squares(n));
  });

  it('own their buffer alone, and can be transferred to a worker', () => {
    const t = computed(n);
    const values = t.dataSync() as Float32Array<ArrayBuffer>;
    expect(values.buffer.byteLength).toBe(values.byteLength);
    expect(structuredClone(values, { transfer: [values.buffer] })).toEqual(squares(n));
    expectDetached(() => tf.relu(t));
  });

  it('can be read asynchronously and disposed meanwhile', async () => {
    const t = tf.keep(computed(n));
    const reading = t.data();
    t.dispose();
    churn(n);
    expect(await reading).toEqual(squares(n));
  });

  it('are shared with a slice, which outlives its source', () => {
    const t = computed(n);
    const part = tf.slice(t, [1], [2]);
    t.dispose();
    churn(n);
    churn(2);
    expect([...part.dataSync()]).toEqual([1, 4]);
    expect([...tf.relu(part).dataSync()]).toEqual([1, 4]);
  });

  it('outlive a reshape and a clone of the same data', () => {
    const t = computed(n);
    const alias = tf.reshape(t, [n, 1]);
    t.dispose();
    churn(n);
    expect(alias.dataSync()).toEqual(squares(n));
  });
});

describe('arrays that the user gave', () => {
  it.each(sizes)(
    '%i values stay aliased both ways, and where they are when the garbage collector runs',
    (n) => {
      const values = ramp(n);
      const t = tf.tensor(values);
      expect(tf.square(t).dataSync()).toEqual(squares(n));
      collectGarbage();
      values[2] = -5;
      expect(tf.square(t).dataSync()[2]).toBe(25);
      expect(t.dataSync()).toBe(values);
      t.dispose();
      churn(n);
      expect(values[1]).toBe(1);
    },
  );

  it('may start anywhere in their buffer', () => {
    const whole = ramp(64);
    for (let offset = 0; offset < 17; offset++) {
      const part = whole.subarray(offset, offset + 33);
      expect(tf.square(tf.tensor(part)).dataSync()).toEqual(part.map((x) => x * x));
    }
  });

  it('may be detached only before they are used again', () => {
    for (const usedBefore of [false, true]) {
      const values = ramp(100);
      const t = tf.tensor(values);
      if (usedBefore) tf.relu(t);
      structuredClone(values, { transfer: [values.buffer as ArrayBuffer] });
      expectDetached(() => tf.relu(t));
    }
  });

  it('may not shrink', () => {
    const buffer = new (ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer)(400, {
      maxByteLength: 800,
    });
    const t = tf.tensor(new Float32Array(buffer));
    expect(tf.square(t).size).toBe(100);
    (buffer as unknown as { resize(length: number): void }).resize(40);
    expectDetached(() => tf.square(t));
  });

  it('may lie in shared memory', () => {
    const values = new Float32Array(new SharedArrayBuffer(40));
    const t = tf.tensor(values);
    values[3] = -3;
    expect([...tf.square(t).dataSync()]).toEqual([0, 0, 0, 9, 0, 0, 0, 0, 0, 0]);
  });

  it('may come from another realm', () => {
    const foreign = (code: string): Float32Array => runInNewContext(code) as Float32Array;
    const floats = foreign('new Float32Array([1, -2, 3, -4])');
    expect(floats).not.toBeInstanceOf(Float32Array);
    expect([...tf.relu(tf.tensor(floats)).dataSync()]).toEqual([1, 0, 3, 0]);
    expect([...tf.relu(tf.tensor(foreign('[1, -2, 3, -4]'))).dataSync()]).toEqual([1, 0, 3, 0]);
    const over = tensorOver(floats, [2, 2], 'float32');
    expect([...tf.relu(over).dataSync()]).toEqual([1, 0, 3, 0]);
    floats[1] = 2;
    expect([...tf.relu(over).dataSync()]).toEqual([1, 2, 3, 0]);
    const ints = tensorOver(foreign('new Int32Array([1, -2, 3, -4])'), [2, 2], 'int32');
    expect([...tf.transpose(ints).dataSync()]).toEqual([1, 3, -2, -4]);
    const bools = tensorOver(foreign('new Uint8Array([1, 0, 0, 0])'), [2, 2], 'bool');
    expect([...tf.transpose(bools).dataSync()]).toEqual([1, 0, 0, 0]);
  });

  it('may be lists, or typed arrays of another type, from a JavaScript kernel', () => {
    const t = tensorOver([1, -2, 3, -4], [2, 2], 'float32');
    expect([...tf.relu(t).dataSync()]).toEqual([1, 0, 3, 0]);
    expect([...t.dataSync()]).toEqual([1, -2, 3, -4]);
    const ints = tensorOver(new Float32Array([1.9, -2, 3, -4]), [2, 2], 'int32');
    expect([...tf.transpose(ints).dataSync()]).toEqual([1, 3, -2, -4]);
    const bools = tensorOver([true, false, false, true], [2, 2], 'bool');
    expect([...tf.transpose(bools).dataSync()]).toEqual([1, 0, 0, 1]);
    const doubles = tensorOver(new Float64Array([0.1, -2]), [2], 'float32');
    expect([...tf.square(doubles).dataSync()]).toEqual([Math.fround(Math.fround(0.1) ** 2), 4]);
  });

  it('may not be shorter than their tensor', () => {
    const t = tensorOver(new Float32Array(3), [2, 2], 'float32');
    expectDetached(() => tf.relu(t));
  });
});

describe('dtypes', () => {
  it('are converted when a cast only renamed them', () => {
    const values = new Int32Array([1, -2, 3]);
    const ints = tf.tensor(values, [3], 'int32');
    const floats = tf.cast(ints, 'float32');
    expect([...tf.square(floats).dataSync()]).toEqual([1, 4, 9]);
    values[0] = -1;
    expect([...tf.relu(tf.cast(ints, 'float32')).dataSync()]).toEqual([0, 0, 3]);
    expect([...tf.square(tf.cast(tf.tensor([true, false], [2], 'bool'), 'float32')).dataSync()]).toEqual([
      1, 0,
    ]);
    const transposed = tf.transpose(tf.tensor([1, 0, 0, 0], [2, 2], 'bool'));
    expect([...tf.square(tf.cast(transposed, 'float32')).dataSync()]).toEqual([1, 0, 0, 0]);
    expect([...transposed.dataSync()]).toEqual([1, 0, 0, 0]);
  });

  it('keep strings, and their pieces, with JavaScript', () => {
    const t = tf.tensor(['a', 'ü', ''], [3, 1], 'string');
    expect(tf.concat([t, tf.reshape(t, [3, 1])]).dataSync()).toEqual(['a', 'ü', '', 'a', 'ü', '']);
    expect(tf.slice(t, [1, 0], [2, 1]).dataSync()).toEqual(['ü', '']);
  });

  it('take complex tensors apart without copies that leak or dangle', () => {
    const before = backend.numDataIds();
    const [re, im] = [computed(3), computed(3)];
    const z = tf.complex(re, im);
    re.dispose();
    im.dispose();
    const real = tf.real(z);
    const doubled = tf.add(z, z);
    z.dispose();
    churn(3);
    expect([...real.dataSync()]).toEqual([0, 1, 4]);
    expect([...tf.relu(real).dataSync()]).toEqual([0, 1, 4]);
    expect([...doubled.dataSync()]).toEqual([0, 0, 2, 2, 8, 8]);
    doubled.dispose();
    tf.engine().endScope();
    tf.engine().startScope();
    expect(backend.numDataIds()).toBe(before);
  });
});

describe('shapes', () => {
  it('may be empty', () => {
    for (const shape of [[0], [0, 3], [2, 0, 2]]) {
      const t = tf.relu(tf.zeros(shape));
      expect(t.shape).toEqual(shape);
      expect(t.dataSync()).toEqual(new Float32Array(0));
      expect(tf.transpose(t).size).toBe(0);
      expect(tf.square(tf.concat([t, t])).dataSync()).toEqual(new Float32Array(0));
    }
  });

  it('may have more dimensions than the addon knows', () => {
    const shape = [1, 1, 1, 1, 1, 1, 1, 1, 2, 2];
    const t = tf.relu(tf.tensor([1, -2, 3, -4], shape));
    expect(t.shape).toEqual(shape);
    expect([...t.dataSync()]).toEqual([1, 0, 3, 0]);
    expect([...tf.add(t, t).dataSync()]).toEqual([2, 0, 6, 0]);
  });

  it('may be of hundreds of tensors in one call', () => {
    const parts = Array.from({ length: 300 }, (_, i) => tf.tensor1d([i]));
    expect(tf.concat(parts).dataSync()).toEqual(ramp(300));
    expect(tf.addN(parts).dataSync()[0]).toBe((299 * 300) / 2);
  });
});

describe('life', () => {
  it('of a variable: what was read before an assignment stays', () => {
    const v = tf.variable(computed(100), false);
    const first = v.dataSync();
    const next = tf.square(tf.fill([100], 3));
    v.assign(next);
    next.dispose();
    churn(100);
    expect(first).toEqual(squares(100));
    expect(v.dataSync()).toEqual(new Float32Array(100).fill(9));
    v.dispose();
  });

  it('of tensors in and out of tidy', () => {
    const before = backend.numDataIds();
    let kept: tf.Tensor | undefined;
    const result = tf.tidy(() => {
      kept = tf.keep(computed(100));
      computed(100);
      return tf.relu(kept);
    });
    churn(100);
    expect(kept?.dataSync()).toEqual(squares(100));
    expect(result.dataSync()).toEqual(squares(100));
    kept?.dispose();
    result.dispose();
    expect(backend.numDataIds()).toBe(before);
  });

  it('ends once, however often it is told to', () => {
    const t = computed(100);
    const { dataId } = t;
    t.dispose();
    t.dispose();
    expect(backend.disposeData(dataId)).toBe(true);
    // Given back twice, the same memory would be two tensors'.
    const [a, b] = [tf.relu(tf.ones([100])), tf.square(tf.zeros([100]))];
    expect(a.dataSync()).toEqual(new Float32Array(100).fill(1));
    expect(b.dataSync()).toEqual(new Float32Array(100));
    expect(() => t.dataSync()).toThrow(/disposed/);
  });

  it('goes on when tensors move to cpu and back', () => {
    const t = computed(100);
    const values = t.dataSync();
    const ints = tf.transpose(tf.tensor([1, 2, 3, 4], [2, 2], 'int32'));
    tf.setBackend('cpu');
    const onCpu = tf.add(t, 1);
    const z = tf.complex([1, 2], [3, 4]);
    expect([...tf.add(ints, 1).dataSync()]).toEqual([2, 4, 3, 5]);
    tf.setBackend('native');
    churn(100);
    expect(values).toEqual(squares(100));
    expect(tf.relu(onCpu).dataSync()).toEqual(squares(100).map((x) => x + 1));
    expect(tf.relu(t).dataSync()).toEqual(squares(100));
    expect([...tf.add(z, z).dataSync()]).toEqual([2, 6, 4, 8]);
    expect([...tf.imag(z).dataSync()]).toEqual([3, 4]);
  });

  it('of tensors that nobody disposes ends with them, even in a loop that never awaits', () => {
    const bytes = 1024 * 1024;
    const t = tf.keep(tf.ones([bytes / 4]));
    const before = process.memoryUsage.rss();
    let most = 0;
    // Within an engine scope tensors are held until its end.
    tf.engine().endScope();
    for (let i = 0; i < 2000; i++) {
      tf.square(t);
      if (i % 50 === 0) most = Math.max(most, process.memoryUsage.rss() - before);
    }
    tf.engine().startScope();
    expect(most).toBeLessThan(600 * bytes);
  });

  it('of the backend may end and start again', () => {
    const factory = tf.findBackendFactory('native');
    const values = computed(100).dataSync();
    for (const restart of [
      () => tf.engine().reset(),
      () => {
        tf.removeBackend('native');
        tf.registerBackend('native', factory, 10);
      },
    ]) {
      restart();
      tf.setBackend('native');
      expect(tf.backend()).not.toBe(backend);
      churn(100);
      expect(computed(100).dataSync()).toEqual(squares(100));
      expect(values).toEqual(squares(100));
    }
    tf.engine().startScope();
  });
});

/** The package works where test runners and programs put it: inside of a vm context, and in worker threads. */
import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';

const entry = require.resolve('../../dist/index.js');

type Module = { exports: Record<string, unknown> };
type Wrapper = (exports: object, require: object, module: Module, file: string, folder: string) => void;

/** Loads a CommonJS module and all that it needs anew inside of a context, as Jest does; addons come from outside. */
function loadInside(context: object, entryFile: string): unknown {
  const modules = new Map<string, Module>();
  const load = (file: string): unknown => {
    const loaded = modules.get(file);
    if (loaded) return loaded.exports;
    if (!file.endsWith('js')) return createRequire(entry)(file);
    const module: Module = { exports: {} };
    modules.set(file, module);
    const code = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'utf8')}\n})`;
    const wrapper = runInContext(code, context, { filename: file }) as Wrapper;
    wrapper(module.exports, requireFrom(file), module, file, dirname(file));
    return module.exports;
  };
  const requireFrom = (file: string): NodeJS.Require => {
    const outer = createRequire(file);
    const inner = (id: string): unknown => {
      if (id === 'node:module') return { ...(outer(id) as object), createRequire: requireFrom };
      return isBuiltin(id) ? outer(id) : load(outer.resolve(id));
    };
    return Object.assign(inner, { resolve: outer.resolve }) as unknown as NodeJS.Require;
  };
  return load(entryFile);
}

describe('a vm context', () => {
  const { console, process, setTimeout, setImmediate, TextEncoder, TextDecoder, performance, Buffer, URL } =
    globalThis;
  const node = {
    console,
    process,
    setTimeout,
    setImmediate,
    TextEncoder,
    TextDecoder,
    performance,
    Buffer,
    URL,
  };
  // Jest's contexts have some classes of their own and take others from outside.
  it.each([
    ['with classes of its own', {}],
    ['with some classes from outside', { Uint8Array, ArrayBuffer }],
  ])('%s computes and trains on native', async (_name, classes) => {
    const context = createContext({ ...node, ...classes });
    runInContext('globalThis.global = globalThis', context);
    Object.assign(context, { tf: loadInside(context, entry), outer: new Float32Array([1, -2, 3, -4]) });
    const run = async (code: string): Promise<unknown> =>
      JSON.parse((await runInContext(code, context)) as string);
    expect(
      await run(`{
        const x = tf.tensor([1, -2, 3, -4], [2, 2]);
        const list = (t) => Array.from(t.dataSync());
        JSON.stringify({
          backend: tf.getBackend(),
          ownClass: tf.relu(x).dataSync() instanceof Float32Array,
          floats: list(tf.matMul(x, x)),
          outer: list(tf.relu(tf.tensor(outer))),
          ints: list(tf.transpose(tf.tensor([1, 2, 3, 4], [2, 2], 'int32'))),
          bools: list(tf.transpose(tf.tensor([[true, false], [true, false]]))),
        });
      }`),
    ).toEqual({
      backend: 'native',
      ownClass: true,
      floats: [-5, 6, -9, 10],
      outer: [1, 0, 3, 0],
      ints: [1, 3, 2, 4],
      bools: [1, 1, 0, 0],
    });
    const losses = await run(`(async () => {
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [3] })] });
      model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      const { history } = await model.fit(tf.ones([8, 3]), tf.fill([8, 1], 9), { epochs: 2, verbose: 0 });
      return JSON.stringify(history.loss);
    })()`);
    expect(losses).toEqual([expect.any(Number), expect.any(Number)]);
    expect((losses as number[])[1]).toBeLessThan((losses as number[])[0] as number);
  });
});

describe('worker threads', () => {
  it('compute side by side, and transfer what they read', async () => {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const tf = require(workerData.entry);
      const x = tf.fill([64, 64], workerData.value);
      const values = tf.matMul(x, x).dataSync();
      parentPort.postMessage({ backend: tf.getBackend(), values }, [values.buffer]);
    `;
    const results = await Promise.all(
      [1, 2, 3].map(
        (value) =>
          new Promise<{ backend: string; values: Float32Array }>((resolve, reject) => {
            const worker = new Worker(code, { eval: true, workerData: { entry, value } });
            worker.once('message', resolve).once('error', reject);
          }),
      ),
    );
    for (const [i, { backend, values }] of results.entries()) {
      expect(backend).toBe('native');
      expect(values).toEqual(new Float32Array(64 * 64).fill(64 * (i + 1) ** 2));
      expect(tf.relu(tf.tensor(values)).dataSync()).toEqual(values);
    }
  });
});

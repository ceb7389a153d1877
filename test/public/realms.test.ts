/** Tensors, values and the package itself in other realms: vm contexts, as test runners use, and workers. */
import { runInNewContext } from 'node:vm';
import * as tf from 'tfjs-native';
import { describe, expect, it } from 'vitest';
import { output } from './run';

describe('values made in a vm context', () => {
  it.each([
    ['nested arrays', '[[1, -2], [3, -4]]'],
    ['typed arrays', '[new Float32Array([1, -2]), new Float32Array([3, -4])]'],
  ])('%s become tensors', (_, code) => {
    const values = runInNewContext(code) as number[][];
    expect(tf.relu(tf.tensor2d(values)).arraySync()).toEqual([
      [1, 0],
      [3, 0],
    ]);
    expect(tf.relu(values as tf.TensorLike).arraySync()).toEqual([
      [1, 0],
      [3, 0],
    ]);
  });

  it.each([
    ['Float32Array', 'float32', [1, 2.5]],
    ['Int32Array', 'int32', [1, -2]],
    ['Uint8Array', 'int32', [1, 200]],
  ] as const)('%s becomes %s', (type, dtype, values) => {
    const array = runInNewContext(`new ${type}(${JSON.stringify(values)})`) as Float32Array;
    const x = tf.tensor1d(array, dtype);
    const squares = tf.mul(x, x);
    expect(squares.dtype).toBe(dtype);
    expect(squares.arraySync()).toEqual(values.map((v) => v * v));
  });
});

/** Evaluates the package and TensorFlow.js in a vm context, as Jest does with all that a test requires. */
const otherRealm = `
  const vm = require('node:vm');
  const { readFileSync } = require('node:fs');
  const { dirname, isAbsolute } = require('node:path');
  const { createRequire } = require('node:module');
  const context = vm.createContext({ process, console, Buffer, URL, Blob, TextEncoder, performance, setTimeout, clearTimeout });
  vm.runInContext('globalThis.global = globalThis', context);
  const modules = new Map();
  function load(file) {
    if (!isAbsolute(file) || file.endsWith('.node')) return require(file);
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const text = readFileSync(file, 'utf8');
    if (file.endsWith('.json')) return (module.exports = JSON.parse(text));
    const { resolve } = createRequire(file);
    const inner = Object.assign((id) => load(resolve(id)), { resolve });
    const code = '(function (exports, require, module, __filename, __dirname) {' + text + '\\n})';
    vm.runInContext(code, context, { filename: file })(module.exports, inner, module, file, dirname(file));
    return module.exports;
  }
  const outer = require('tfjs-native');
  const inner = load(require.resolve('tfjs-native'));
`;

describe('the package in a vm context', () => {
  it('trains, beside the one outside', async () => {
    const code = `${otherRealm}
      async function train(tf) {
        const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })] });
        model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
        const { history } = await model.fit(tf.tensor2d([[1, 2]]), tf.tensor2d([[1]]), { verbose: 0 });
        return [tf.getBackend(), ...history.loss, tf.tensor1d([-1, 2]).relu().arraySync()];
      }
      const own = vm.runInContext('Float32Array', context);
      (async () => console.log(JSON.stringify([
        await train(inner), await train(outer),
        inner.relu(inner.tensor1d([1])).dataSync() instanceof own, outer.relu(outer.tensor1d([1])).dataSync() instanceof own,
      ])))();`;
    const trained = ['native', 4, [0, 2]];
    expect(await output(code)).toEqual([trained, trained, true, false]);
  });

  it('cannot use tensors of the other one, and says so; their values it can', async () => {
    const code = `${otherRealm}
      const foreign = inner.tensor1d([1, 2]);
      let said;
      try { outer.relu(foreign); } catch (error) { said = [error.code, error.message]; }
      console.log(JSON.stringify([said, outer.tensor(foreign.dataSync(), foreign.shape).add(1).arraySync()]));`;
    const [[errorCode, message], values] = (await output(code)) as [[string, string], number[]];
    expect(errorCode).toBe('TENSOR_UNKNOWN');
    expect(message).toContain('made in another realm');
    expect(values).toEqual([2, 3]);
  });
});

describe('between threads', () => {
  const worker = `
    const { once } = require('node:events');
    const { Worker } = require('node:worker_threads');
    const tf = require('tfjs-native');
    const start = () => new Worker(\`
      const { parentPort } = require('node:worker_threads');
      const tf = require('tfjs-native');
      parentPort.once('message', (x) => {
        try { parentPort.postMessage(tf.square(x).dataSync()); } catch (error) { parentPort.postMessage(error.message); }
      });\`, { eval: true });
    const ask = async (message, transfer) => {
      const thread = start();
      thread.postMessage(message, transfer);
      // Both at once: the thread may end before its message is seen here.
      const [[answer]] = await Promise.all([once(thread, 'message'), once(thread, 'exit')]);
      return answer;
    };`;

  it('values go there and back, copied or transferred', async () => {
    const code = `${worker}
      (async () => {
        const mine = tf.relu(tf.tensor1d([1, -2, 3])).dataSync();
        const copied = await ask(mine);
        const transferred = await ask(mine, [mine.buffer]);
        console.log(JSON.stringify([[...copied], [...transferred], tf.add(tf.tensor(copied), 1).arraySync(), mine.length]));
      })();`;
    expect(await output(code)).toEqual([[1, 0, 9], [1, 0, 9], [2, 1, 10], 0]);
  });

  it('a tensor itself cannot go, and the worker says so', async () => {
    const code = `${worker} ask(tf.tensor1d([1])).then((answer) => console.log(JSON.stringify(answer)));`;
    expect(await output(code)).toContain('must be a Tensor or TensorLike');
  });

  it('several workers import the ES module at once and after each other, and end by themselves', async () => {
    const code = `
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const start = async (seed) => {
        const thread = new Worker(\`
          import * as tf from 'tfjs-native';
          import { parentPort } from 'node:worker_threads';
          const x = tf.randomNormal([64, 64], 0, 1, 'float32', \${seed});
          parentPort.postMessage([tf.getBackend(), tf.matMul(x, x).sum().arraySync()]);\`,
          { eval: true, execArgv: ['--input-type=module'] });
        const [[message], [exit]] = await Promise.all([once(thread, 'message'), once(thread, 'exit')]);
        return [...message, exit];
      };
      const together = await Promise.all([1, 2, 3, 4].map(start));
      const inTurn = [];
      for (const seed of [1, 2, 3, 4]) inTurn.push(await start(seed));
      console.log(JSON.stringify([together, inTurn]));`;
    const [together, inTurn] = (await output(code, { esm: true })) as [string, number, number][][];
    expect(together).toEqual(inTurn);
    expect(new Set(together?.map(([, sum]) => sum)).size).toBe(4);
    for (const [backend, , exit] of together ?? []) expect([backend, exit]).toEqual(['native', 0]);
  });
});

it('a disposed tensor is a clear error too', () => {
  const x = tf.tensor1d([1]);
  x.dispose();
  expect(() => tf.relu(x)).toThrow('it is disposed already');
});

/** Several copies of tfjs-core, and of tfjs-native itself, in one process. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { info, version_core } from 'tfjs-native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output, root, run } from './run';

let folder: string;
const core = join(root, 'node_modules/@tensorflow/tfjs-core');

function copyManifest(from: string, to: string, version: string): void {
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as object;
  writeFileSync(join(to, 'package.json'), JSON.stringify({ ...manifest, version }));
}

/** A copy of tfjs-core that says it is of another version. */
function copyCore(version: string): string {
  const copy = join(folder, `core-${version}`);
  mkdirSync(join(copy, 'dist'), { recursive: true });
  cpSync(join(core, 'dist/tf-core.node.js'), join(copy, 'dist/tf-core.node.js'));
  copyManifest(core, copy, version);
  return copy;
}

/** A copy of this package that says it is of another version; it uses the same tfjs-core. */
function copyOurs(version: string): string {
  const copy = join(folder, `native-${version}`);
  mkdirSync(copy);
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  copyManifest(root, copy, version);
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
  return copy;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-native-copies-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const load = (...paths: string[]) =>
  paths.map((path, i) => `const m${i} = require(${JSON.stringify(path)});`).join('');

/** Both copies work on each other's tensors, with gradients, methods and a training step. */
const work = (other: string, tf: string) => `(async () => {
  const x = ${other}.tensor1d([-1, 2]);
  const model = ${tf}.sequential({ layers: [${tf}.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const { history } = await model.fit(${other}.tensor2d([[1, 2]]), ${tf}.tensor2d([[1]]), { verbose: 0 });
  console.log(JSON.stringify([
    ${other}.getBackend(),
    ${tf}.relu(x).arraySync(),
    ${other}.square(${tf}.tensor1d([3])).arraySync(),
    x.relu().add(${tf}.scalar(1)).arraySync(),
    ${other}.grad((v) => ${tf}.square(v))(x).arraySync(),
    history.loss,
  ]));
})();`;
const results = ['native', [0, 2], [9], [1, 3], [-2, 4], [4]];

describe('tfjs-core', () => {
  it.each(['before', 'after'])('a second copy of the same version works, loaded %s', async (when) => {
    const copy = copyCore(version_core);
    const code =
      when === 'before'
        ? load(copy, 'tfjs-native') + work('m0', 'm1')
        : load('tfjs-native', copy) + work('m1', 'm0');
    const { exit, stdout, stderr } = await run(code);
    expect(stderr).not.toContain('CORE_MISMATCH');
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual(results);
  });

  it('another version of the same major number that was first is warned of', async () => {
    const copy = copyCore('4.1.0');
    const { exit, stdout, stderr } = await run(load(copy, 'tfjs-native') + work('m0', 'm1'));
    expect(stderr).toContain(
      `[CORE_MISMATCH] Warning: @tensorflow/tfjs-core 4.1.0 (${copy}) was loaded before tfjs-native, ` +
        `which needs ${version_core}`,
    );
    expect(stderr).toContain('npm ls @tensorflow/tfjs-core');
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual(results);
  });

  it('another major version that was first is an error', async () => {
    const copy = copyCore('3.21.0');
    const code = `${load(copy)} import('tfjs-native').catch((e) => console.log(JSON.stringify([e.code, e.message])))`;
    const [errorCode, message] = (await output(code)) as string[];
    expect(errorCode).toBe('CORE_MISMATCH');
    expect(message).toContain(`@tensorflow/tfjs-core 3.21.0 (${copy}) was loaded before tfjs-native`);
    expect(message).toContain(`Install @tensorflow/tfjs-core ${version_core} there`);
  });

  it('another version is found when it was loaded as an ES module too', async () => {
    const copy = copyCore('2.0.0');
    const code = `
      await import(${JSON.stringify(join(copy, 'dist/tf-core.node.js'))});
      await import('tfjs-native').catch((error) => console.log(JSON.stringify(error.code)));`;
    expect(await output(code, { esm: true })).toBe('CORE_MISMATCH');
  });

  it('the same copy that was first is nothing to speak of', async () => {
    const { stdout, stderr } = await run(load('@tensorflow/tfjs-core', 'tfjs-native') + work('m0', 'm1'));
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(results);
  });
});

describe('tfjs-native', () => {
  const env = { TFJS_NATIVE_ADDON: info().addon };

  it('a second copy of the same version shares the backend', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const save = `m1.sequential({ layers: [m1.layers.dense({ units: 1, inputShape: [1] })] }).save('file://${folder}/m');`;
    const { exit, stdout, stderr } = await run(
      load('tfjs-native', copyOurs(version)) + work('m0', 'm1') + save,
      { env },
    );
    expect(stderr).toBe('');
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toEqual(results);
  });

  it('a copy of another version is an error that tells of both', async () => {
    const copy = copyOurs('99.0.0');
    const code = `${load('tfjs-native')} try { require('${copy}') } catch (e) { console.log(JSON.stringify([e.code, e.message])) }`;
    const [errorCode, message] = (await output(code, { env })) as string[];
    expect(errorCode).toBe('COPY_MISMATCH');
    expect(message).toContain(`99.0.0 (${copy}) cannot be`);
    expect(message).toContain('npm ls tfjs-native');
  });
});

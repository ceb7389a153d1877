/** The types, as users' TypeScript sees them. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from './run';

const program = `
import * as tf from 'tfjs-native';
import { GraphModel, type Info, TfjsNativeError, useBackend } from 'tfjs-native';
import * as data from 'tfjs-native/data';
import * as models from 'tfjs-native/models';
import * as train from 'tfjs-native/train';

const x: tf.Tensor2D = tf.tensor2d([[1, 2]]);
const y: tf.Tensor = x.relu().add(1).reshapeAs(x);
const done: Promise<string> = useBackend('auto');
const info: Info = tf.info();
const dataset: tf.data.Dataset<number> = tf.data.array([1]);
const csv: tf.data.CSVDataset = tf.data.csv('file://data.csv');
const handler: tf.io.IOHandler = tf.io.fileSystem('folder');
const artifacts: tf.io.ModelArtifacts = {};
const buffer: tf.io.CompositeArrayBuffer = new tf.io.CompositeArrayBuffer();
const loaded: Promise<tf.GraphModel> = tf.loadGraphModel(handler);
const made: GraphModel<tf.io.IOHandler> = new GraphModel(handler);
const model: tf.Sequential = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
class Mine extends tf.data.Dataset<number> {
  override size = 1;
  override iterator() { return dataset.iterator(); }
}
const version: string = tf.version['tfjs-native'] + tf.version.tfjs;
const isOurs = (e: unknown): e is tf.TfjsNativeError => e instanceof TfjsNativeError && e.code === 'MODEL_NOT_LOADED';
tf.setSeed(1);
const fitArgs: tf.ModelFitArgs = { epochs: 1, signal: null as never };
const datasetArgs: tf.ModelFitDatasetArgs<number> = { epochs: 1, signal: null as never };
const loss: Promise<number | number[]> = model.trainOnBatch(x, x, { sampleWeight: x, classWeight: { 0: 1 } });
// @ts-expect-error: no such backend
void useBackend('gpu');
// @ts-expect-error: no such export
tf.nothing;
// @ts-expect-error: no such method
x.nothing();
export { artifacts, buffer, csv, data, datasetArgs, done, fitArgs, info, isOurs, loaded, loss, made, Mine, model, models, train, version, y };
`;
// What module.exports is called by \`import\`, in ES modules only.
const withDefault = `${program}
import whole from 'tfjs-native';
export const same: string = whole.info().backend;
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-native-types-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/tfjs-native'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{}');
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ['node16', 'node16', 'an ES module', 'program.mts', withDefault],
  ['node16', 'node16', 'CommonJS', 'program.cts', program],
  ['bundler', 'esnext', 'an ES module', 'program.ts', withDefault],
])('resolve under %s with module %s for %s', async (moduleResolution, module, _, file, text) => {
  writeFileSync(join(folder, file), text);
  const compilerOptions = { noEmit: true, strict: true, target: 'es2022', skipLibCheck: true, types: [] };
  const config = { compilerOptions: { ...compilerOptions, module, moduleResolution }, files: [file] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const printed = await new Promise((done) => {
    execFile(process.execPath, [tsc, '-p', folder], (_error, stdout, stderr) => done(stdout + stderr));
  });
  expect(printed).toBe('');
});

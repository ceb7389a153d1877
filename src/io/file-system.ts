/**
 * Models as folders, `model.json` and `weights.bin`, in the layout of tfjs-node: the handlers of `file://` and
 * `tf.io.fileSystem`.
 */
import { open, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { types } from 'node:util';
import { io, util } from '@tensorflow/tfjs-core';
import { nativeError } from '../errors';
import { reasonOf } from './reasons';
import { writeFiles } from './write-files';

const scheme = 'file://';
const modelFile = 'model.json';
const weightsFile = 'weights.bin';

/** Saves a model to a folder and loads it from there. */
class FileSystem implements Required<io.IOHandler> {
  readonly #path: string;

  constructor(path: string) {
    this.#path = resolve(path);
  }

  /** @throws TfjsNativeError MODEL_NOT_SAVED, and what was saved in the folder before is unchanged */
  async save(artifacts: io.ModelArtifacts): Promise<io.SaveResult> {
    const { weightData, weightSpecs, getWeightStream: _, ...rest } = artifacts;
    if (types.isAnyArrayBuffer(rest.modelTopology)) {
      throw nativeError('MODEL_NOT_SAVED', this.#path, 'its topology is binary, and only JSON can be saved');
    }
    const weightsManifest = [{ paths: [weightsFile], weights: weightSpecs }];
    const json = JSON.stringify(weightData === undefined ? rest : { ...rest, weightsManifest });
    try {
      await writeFiles(this.#path, {
        ...(weightData !== undefined && { [weightsFile]: [weightData].flat() }),
        [modelFile]: [json],
      });
    } catch (error) {
      throw nativeError('MODEL_NOT_SAVED', this.#path, reasonOf(error));
    }
    return { modelArtifactsInfo: io.getModelArtifactsInfoForJSON(artifacts) };
  }

  /** @throws TfjsNativeError MODEL_NOT_LOADED */
  async load(): Promise<io.ModelArtifacts> {
    try {
      const path = (await stat(this.#path)).isDirectory() ? join(this.#path, modelFile) : this.#path;
      const json = parseModel(await readFile(path, 'utf8'));
      return await io.getModelArtifactsForJSON(json, async (manifest) => [
        io.getWeightSpecs(manifest),
        await readWeights(dirname(path), manifest),
      ]);
    } catch (error) {
      const { path } = error as NodeJS.ErrnoException;
      const where = path === undefined || path === this.#path ? '' : `${path}: `;
      throw nativeError('MODEL_NOT_LOADED', this.#path, where + reasonOf(error));
    }
  }
}

function parseModel(text: string): io.ModelJSON {
  let json: io.ModelJSON | null;
  try {
    json = JSON.parse(text) as io.ModelJSON | null;
  } catch (error) {
    throw new Error(`it is not whole JSON (${(error as Error).message}); copy or download the model again`);
  }
  if (typeof json !== 'object' || json === null || !('modelTopology' in json || 'weightsManifest' in json)) {
    throw new Error(`it is not a TensorFlow.js model: neither modelTopology nor weightsManifest is in it`);
  }
  return json;
}

/** The weights of all groups of a manifest, one after another. */
async function readWeights(folder: string, manifest: io.WeightsManifestConfig): Promise<ArrayBuffer> {
  const files: { path: string; bytes: number }[] = [];
  for (const { paths, weights } of manifest) {
    const shards = await Promise.all(
      paths.map(async (name) => {
        const path = join(folder, name);
        return { path, bytes: (await stat(path)).size };
      }),
    );
    const there = shards.reduce((sum, { bytes }) => sum + bytes, 0);
    const declared = weights.reduce((sum, weight) => sum + leastBytes(weight), 0);
    if (there < declared) {
      throw new Error(
        `${paths.join(', ')} has ${there} bytes where ${declared} are declared, so it is cut short; ` +
          'copy or download the model again',
      );
    }
    files.push(...shards);
  }
  const all = new Uint8Array(files.reduce((sum, { bytes }) => sum + bytes, 0));
  let at = 0;
  for (const { path, bytes } of files) {
    await readInto(all.subarray(at, at + bytes), path);
    at += bytes;
  }
  return all.buffer;
}

const bytesOf = { float32: 4, int32: 4, bool: 1, complex64: 8, float16: 2, uint16: 2, uint8: 1 } as const;

/** Bytes of a weight; of strings, whose lengths stand in the file, those of the lengths. */
function leastBytes({ shape, dtype, quantization }: io.WeightsManifestEntry): number {
  const stored = quantization?.dtype ?? dtype;
  return util.sizeFromShape(shape) * (stored === 'string' ? 4 : bytesOf[stored]);
}

async function readInto(target: Uint8Array, path: string): Promise<void> {
  // Node reads at most 2 GiB at once.
  const most = 2 ** 30;
  const file = await open(path);
  try {
    for (let at = 0; at < target.length; ) {
      const { bytesRead } = await file.read(target, at, Math.min(most, target.length - at));
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/**
 * The handler that saves a model to a folder and loads it from there, as the URL `file://path` does.
 * @param path to save: a folder, made if it is not there; to load: a folder or a `model.json`. Relative paths start
 *   from the current folder.
 * @throws TfjsNativeError INVALID_ARGUMENT for several paths (a binary topology and its weights)
 */
export function fileSystem(path: string | string[]): Required<io.IOHandler> {
  if (typeof path !== 'string') {
    throw nativeError('INVALID_ARGUMENT', 'path', path, 'one path, of a folder or of a model.json');
  }
  return new FileSystem(path);
}

const router = (url: string | string[]) =>
  typeof url === 'string' && url.startsWith(scheme) ? fileSystem(url.slice(scheme.length)) : null;

/** Makes `model.save('file://folder')` and `tf.loadLayersModel('file://folder/model.json')` work. */
export function registerFileSystem(): void {
  // A URL with two handlers is an error to tfjs-core, and another copy of this package may have been here.
  if (io.getLoadHandlers(scheme).length > 0) return;
  io.registerLoadRouter(router as Parameters<typeof io.registerLoadRouter>[0]);
  io.registerSaveRouter(router as Parameters<typeof io.registerSaveRouter>[0]);
}

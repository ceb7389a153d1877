/** The folder that a trained model is saved in. Nothing that was trained may be lost. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { nativeError, type TfjsNativeError } from '../errors';
import { fileSystem } from '../io/file-system';
import { reasonOf } from '../io/reasons';
import { makeFolder } from '../io/write-files';

/**
 * Makes the folder and proves that files can be written there, before time is spent on training.
 * @throws TfjsNativeError OUTPUT_UNWRITABLE
 */
export async function prepareOutput(folder: string): Promise<void> {
  const probe = join(folder, `.write-test-${process.pid}.tmp`);
  try {
    await makeFolder(folder);
    await writeFile(probe, 'This file proves that the folder can be written.\n');
  } catch (error) {
    throw nativeError('OUTPUT_UNWRITABLE', folder, reasonOf(error));
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

/** A state of a model that is on the disk. */
interface Saved {
  readonly folder: string;
  /** For people: `epoch 3`. */
  readonly state: string;
}

/** Writes further files of the same state into a folder. */
type WriteMore = (folder: string) => Promise<void>;

async function write(model: LayersModel, folder: string, more: WriteMore): Promise<void> {
  await model.save(fileSystem(folder), { includeOptimizer: true });
  try {
    await more(folder);
  } catch (error) {
    throw nativeError('MODEL_NOT_SAVED', folder, reasonOf(error));
  }
}

/** Saves one state of a model after the other, each in place of the one before. */
export class ModelSaver {
  #saved: Saved | undefined;
  #failure: TfjsNativeError | undefined;
  #fallback: string | undefined;

  constructor(readonly folder: string) {}

  /** What was saved last. */
  get saved(): Saved | undefined {
    return this.#saved;
  }

  /** SAVE_FAILED, telling where the model is instead, if the last state did not get into the folder. */
  get failure(): TfjsNativeError | undefined {
    return this.#failure;
  }

  /**
   * Saves the model with its optimizer's state: in the folder, or else in one for temporary files. Does not throw,
   * so that training can go on: see {@link failure}.
   * @param state for people: `epoch 3`
   * @param more writes what belongs to it
   */
  async save(model: LayersModel, state: string, more: WriteMore): Promise<void> {
    try {
      await write(model, this.folder, more);
      this.#saved = { folder: this.folder, state };
      this.#failure = undefined;
      await this.#removeFallback();
    } catch (error) {
      const outcome = await this.#saveElsewhere(model, state, more);
      this.#failure = nativeError('SAVE_FAILED', (error as Error).message, outcome);
    }
  }

  /** @returns the end of the error message */
  async #saveElsewhere(model: LayersModel, state: string, more: WriteMore): Promise<string> {
    try {
      this.#fallback ??= await mkdtemp(join(tmpdir(), 'tfjs-native-'));
      await write(model, this.#fallback, more);
      this.#saved = { folder: this.#fallback, state };
      return `The model of ${state} is in ${this.#fallback} instead: move it before temporary files are cleaned up.`;
    } catch (error) {
      const kept = this.#saved
        ? `The model of ${this.#saved.state} is still in ${this.#saved.folder}.`
        : 'No model of this training is saved.';
      if (this.#saved?.folder !== this.#fallback) await this.#removeFallback();
      return `It could not be saved in ${tmpdir()} either: ${reasonOf(error)} ${kept}`;
    }
  }

  async #removeFallback(): Promise<void> {
    const fallback = this.#fallback;
    this.#fallback = undefined;
    if (fallback !== undefined) await rm(fallback, { recursive: true, force: true }).catch(() => undefined);
  }
}

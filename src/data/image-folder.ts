/** Reads folders of images: a folder for each class, named as the class is. */
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { nativeError, TfjsNativeError } from '../errors';
import { type ImageDataset, imageSize } from './dataset';
import { permutation, streams } from './random';
import { type DecodedImage, type DecodeOptions, decodeFile } from './decode';

export interface ImageFolderOptions extends DecodeOptions {
  /** What the classes are called, where the folder may lack some. Default: its folders, in order. */
  readonly classNames?: readonly string[] | undefined;
  /** Images that take more bytes than this are read when they are needed. Default: a quarter of the machine's memory. */
  readonly memory?: number | undefined;
}

const extensions = ['.png', '.jpg', '.jpeg', '.bmp', '.webp', '.gif', '.tif', '.tiff'];

const isImage = (name: string): boolean =>
  !name.startsWith('.') && extensions.some((extension) => name.toLowerCase().endsWith(extension));

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** The folders in a folder, in order. */
export const foldersIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.') && isFolder(join(folder, name)))
    .sort();

/** Whether a folder has a folder with images in it. */
export const hasClassFolders = (folder: string): boolean =>
  foldersIn(folder).some((name) => readdirSync(join(folder, name)).some(isImage));

/** Runs a task for each index, some at a time. */
async function forEachOf(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(count, 2 * availableParallelism()) }, work));
}

const shapeOf = ({ height, width, channels }: Pick<DecodedImage, 'height' | 'width' | 'channels'>): string =>
  `${height} x ${width} ${channels === 1 ? 'grey' : 'RGB'}`;

/** Errors told one by one. */
const told = 10;

/**
 * Reads a folder that holds a folder of images (PNG, JPEG, BMP, WebP, GIF, TIFF) for each class; in an order that is mixed,
 * but always the same.
 * @throws TfjsNativeError DATA_FILE naming a class without images, DATA_FILES naming the images that cannot be read or
 *   are not like the first one, IMAGE_DECODER_MISSING
 */
export async function loadImageFolder(
  folder: string,
  options: ImageFolderOptions = {},
): Promise<ImageDataset> {
  const found = foldersIn(folder);
  const { classNames = found, memory = totalmem() / 4 } = options;
  const unknown = found.find((name) => !classNames.includes(name));
  if (unknown !== undefined)
    throw nativeError('DATA_FILE', join(folder, unknown), `is none of the classes: ${classNames.join(', ')}`);
  const inOrder: { file: string; label: number }[] = [];
  for (const name of found) {
    const images = readdirSync(join(folder, name)).filter(isImage).sort();
    if (images.length === 0)
      throw nativeError('DATA_FILE', join(folder, name), `holds no images (${extensions.join(', ')})`);
    const label = classNames.indexOf(name);
    for (const image of images) inOrder.push({ file: join(folder, name, image), label });
  }
  // Mixed, so that no part of them is of one class only.
  const mixed = Array.from(
    permutation(inOrder.length, 0, 0, streams.split),
    (i) => inOrder[i] as (typeof inOrder)[0],
  );
  const files = mixed.map(({ file }) => file);
  if (files.length === 0) throw nativeError('DATA_NOT_FOUND', folder, 'there are no folders of images');
  const first = await decodeFile(files[0] as string, options);
  const size = imageSize(first);

  async function decodeInto(pixels: Uint8Array, at: number, file: string): Promise<void> {
    const image = await decodeFile(file, options);
    if (shapeOf(image) !== shapeOf(first)) {
      const problem = `is ${shapeOf(image)}, while ${files[0]} is ${shapeOf(first)}`;
      throw nativeError('DATA_FILE', file, problem);
    }
    pixels.set(image.pixels, at * size);
  }

  async function read(indices: Uint32Array): Promise<Uint8Array> {
    const pixels = new Uint8Array(indices.length * size);
    const failures: string[] = [];
    await forEachOf(indices.length, (i) =>
      decodeInto(pixels, i, files[indices[i] as number] as string).catch((error: unknown) => {
        if (!(error instanceof TfjsNativeError && error.code === 'DATA_FILE')) throw error;
        failures.push(error.message);
      }),
    );
    if (failures.length > 0)
      throw nativeError('DATA_FILES', failures.length, indices.length, failures.sort().slice(0, told));
    return pixels;
  }

  const all = Uint32Array.from(files.keys());
  const images = files.length * size <= memory ? await read(all) : { read };
  const { height, width, channels } = first;
  const labels = Int32Array.from(mixed, ({ label }) => label);
  const names = files.map((file) => relative(folder, file));
  const classes = classNames.length;
  return { images, labels, count: files.length, height, width, channels, classes, classNames, names };
}

/** Data by name or by where it lies. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nativeError } from '../errors';
import { reasonOf } from '../io/reasons';
import { isCifar10, loadCifar10Archive, loadCifar10Folder } from './cifar10';
import { loadCsv } from './csv';
import type { ImageDataset, ImageSets } from './dataset';
import { cached, type DownloadOptions } from './download';
import { loadEmnist } from './emnist';
import { foldersIn, hasClassFolders, loadImageFolder } from './image-folder';
import { classNamesOf, filesOf } from './known';
import { loadMnist, loadMnistSet } from './mnist';
import { type ColorMode, colorOf, type DataName, dataNames } from './names';
import { splitByRatio } from './splits';

export interface DataOptions extends DownloadOptions {
  /** Of images in files: height and width that they are scaled to. Default: all have to be alike. */
  readonly size?: readonly [height: number, width: number] | undefined;
  /** Of images in files. Default: as they are, all alike. */
  readonly color?: ColorMode | undefined;
  /** Of images in folders. Default: the folders' names. */
  readonly classNames?: readonly string[] | undefined;
}

/** Whether a data set is known by this name. */
export const isKnown = (source: string): source is DataName =>
  (dataNames as readonly string[]).includes(source);

async function loadKnown(name: DataName, options: DataOptions): Promise<ImageSets> {
  if (name === 'mnist') {
    try {
      return await loadMnist();
    } catch (error) {
      if ((error as { code?: string }).code !== 'MNIST_DATA_MISSING') throw error;
    }
  }
  const files: string[] = [];
  for (const file of filesOf(name)) files.push(await cached(file, options));
  const [first] = files as [string];
  const classNames = classNamesOf(name);
  if (name === 'cifar10') return loadCifar10Archive(first);
  if (name.startsWith('emnist-')) return loadEmnist(first, name.slice('emnist-'.length), classNames ?? []);
  const { train, test } = await loadMnist({ data: join(first, '..') });
  return { train: { ...train, classNames }, test: { ...test, classNames } };
}

const testNames = ['test'];
const validationNames = ['validation', 'valid', 'val'];

/** Of parts by name the one that has one of these names. */
const named = (names: readonly string[], wanted: readonly string[]) =>
  names.find((name) =>
    wanted.some((word) => name === word || new RegExp(`(^|[_-])${word}\\.csv$`, 'i').test(name)),
  );

/** Images of a folder or a CSV file. */
type Load = (path: string, like?: ImageDataset) => Promise<ImageDataset>;

/** What is told apart by name: `train`, `test`, `validation`. */
async function loadParts(folder: string, names: readonly string[], load: Load): Promise<ImageSets> {
  const path = (wanted: readonly string[]) => {
    const name = named(names, wanted);
    return name === undefined ? undefined : join(folder, name);
  };
  const [testPath, validationPath] = [path(testNames), path(validationNames)];
  const train = await load(path(['train', 'training']) as string);
  const validation = validationPath === undefined ? undefined : await load(validationPath, train);
  if (testPath === undefined) return { ...heldOut(train), ...(validation && { validation }) };
  return { train, test: await load(testPath, train), ...(validation && { validation }) };
}

/** A tenth of each class for testing, always the same. */
function heldOut(all: ImageDataset): ImageSets {
  const [train, test] = splitByRatio(all, [9, 1], { seed: 0 }) as [ImageDataset, ImageDataset];
  return { train, test };
}

type Kind = 'idx' | 'cifar' | 'images' | 'image-parts' | 'csv' | 'csv-parts';

function kindOf(source: string): Kind {
  let isFolder: boolean;
  try {
    isFolder = statSync(source).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const known = `and no data set is called so (${dataNames.join(', ')})`;
    const problem = code === 'ENOENT' ? `there is no such folder or file, ${known}` : reasonOf(error);
    throw nativeError('DATA_NOT_FOUND', source, problem);
  }
  if (!isFolder) {
    if (/\.csv$/i.test(source)) return 'csv';
    throw nativeError('DATA_NOT_FOUND', source, 'that is not a folder, nor a .csv file');
  }
  const names = readdirSync(source);
  if (isCifar10(names)) return 'cifar';
  const csv = names.filter((name) => /\.csv$/i.test(name));
  if (named(csv, ['train', 'training'])) return 'csv-parts';
  if (hasClassFolders(source)) return 'images';
  const train = named(foldersIn(source), ['train', 'training']);
  if (train !== undefined && hasClassFolders(join(source, train))) return 'image-parts';
  return 'idx';
}

function imageLoader(options: DataOptions): Load {
  return (path, like) =>
    loadImageFolder(path, {
      ...options,
      ...(like && { size: options.size ?? [like.height, like.width], classNames: like.classNames }),
      ...(like && { color: colorOf(like.channels) }),
    });
}

function csvLoader({ size, color, classNames }: DataOptions): Load {
  const channels = color && (color === 'grey' ? 1 : 3);
  return (path, like) =>
    loadCsv(path, {
      size,
      channels,
      classes: classNames?.length,
      ...(like && { size: [like.height, like.width], channels: like.channels, classes: like.classes }),
    });
}

async function read(source: string, options: DataOptions): Promise<ImageSets> {
  if (isKnown(source)) return loadKnown(source, options);
  switch (kindOf(source)) {
    case 'cifar':
      return loadCifar10Folder(source);
    case 'csv':
      return heldOut(await csvLoader(options)(source));
    case 'csv-parts':
      return loadParts(source, readdirSync(source), csvLoader(options));
    case 'images':
      return heldOut(await imageLoader(options)(source));
    case 'image-parts':
      return loadParts(source, foldersIn(source), imageLoader(options));
    case 'idx':
      return loadMnist({ data: source });
  }
}

/** What is being read already. */
const started = new Map<string, Promise<ImageSets>>();

/** Begins to read what {@link loadData} will be asked for, while its caller does other things. */
export function startLoading(source: string, options: DataOptions = {}): void {
  const reading = read(source, options);
  reading.catch(() => undefined);
  started.set(source, reading);
}

/**
 * Reads a data set.
 * @param source a name of `dataNames` (which is downloaded once if it is not there; MNIST is taken from the package
 *   `mnist-data` where that is installed), or a folder: of idx files named as MNIST's, of CIFAR-10's binary files, of a
 *   folder of images for each class, of `train`, `test` and perhaps `validation` folders of such, of `train.csv` and
 *   `test.csv`; or a CSV file (see `loadCsv`). Where nothing is named `test`, a tenth of each class is held out, the same
 *   one every time. Default `mnist`.
 * @throws TfjsNativeError DATA_NOT_FOUND, DATA_FILE, DATA_FILES, DOWNLOAD_FAILED, IMAGE_DECODER_MISSING
 */
export async function loadData(source = 'mnist', options: DataOptions = {}): Promise<ImageSets> {
  const reading = started.get(source) ?? read(source, options);
  started.delete(source);
  return reading;
}

/**
 * Reads what a model can be tested with: the test images of a data set, or, where nothing is named `test` in a folder or
 * file of the user's own, all of its images.
 * @param source see {@link loadData}
 * @throws TfjsNativeError as {@link loadData}
 */
export async function loadTestSet(source = 'mnist', options: DataOptions = {}): Promise<ImageDataset> {
  if (isKnown(source)) return (await loadData(source, options)).test;
  switch (kindOf(source)) {
    case 'csv':
      return csvLoader(options)(source);
    case 'images':
      return imageLoader(options)(source);
    case 'idx':
      return loadMnistSet('test', { data: source });
    default:
      return (await loadData(source, options)).test;
  }
}

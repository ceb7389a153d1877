/** Reads EMNIST (Cohen et al., "EMNIST: an extension of MNIST to handwritten letters"): six splits in one ZIP archive. */
import { promisify } from 'node:util';
import { buffer } from 'node:stream/consumers';
import type { Entry, Options, ZipFile } from 'yauzl';
import { nativeError } from '../errors';
import type { ImageDataset, ImageSets } from './dataset';
import { parseIdx } from './idx';
import { type IdxFile, idxDataset } from './idx-dataset';

/** The content of some files of a ZIP archive. */
async function readEntries(archive: string, names: readonly string[]): Promise<Buffer[]> {
  const { open } = require('yauzl') as typeof import('yauzl');
  const openZip = promisify(open) as (file: string, options: Options) => Promise<ZipFile>;
  const zip = await openZip(archive, { lazyEntries: true });
  const openEntry = promisify(zip.openReadStream.bind(zip)) as (
    entry: Entry,
  ) => Promise<NodeJS.ReadableStream>;
  const found = new Map<string, Buffer>();
  try {
    await new Promise<void>((resolve, reject) => {
      zip.on('error', reject);
      zip.on('end', resolve);
      zip.on('entry', (entry: Entry) => {
        const name = names.find((wanted) => entry.fileName.endsWith(wanted));
        if (name === undefined) return zip.readEntry();
        openEntry(entry)
          .then(buffer)
          .then((content) => {
            found.set(name, content);
            zip.readEntry();
          }, reject);
      });
      zip.readEntry();
    });
  } finally {
    zip.close();
  }
  return names.map((name) => {
    const content = found.get(name);
    if (content === undefined) throw new Error(`there is no ${name} in it`);
    return content;
  });
}

/**
 * Reads one split.
 * @param archive the file `gzip.zip`
 * @param split `letters`, `digits`, …
 * @throws TfjsNativeError DATA_FILE naming the archive
 */
export async function loadEmnist(
  archive: string,
  split: string,
  classNames: readonly string[],
): Promise<ImageSets<Uint8Array>> {
  const names = (['train', 'test'] as const).flatMap((set) =>
    ['images-idx3', 'labels-idx1'].map((kind) => `emnist-${split}-${set}-${kind}-ubyte.gz`),
  );
  const contents = await readEntries(archive, names).catch((error: Error) => {
    throw nativeError('DATA_FILE', archive, `cannot be read as ZIP archive of EMNIST (${error.message})`);
  });
  const files = await Promise.all(
    contents.map(async (content, i): Promise<IdxFile> => {
      const file = `${archive}: ${names[i]}`;
      return { file, content: await parseIdx(file, content) };
    }),
  );
  // Letters are counted from 1.
  const options = { classes: classNames.length, firstLabel: split === 'letters' ? 1 : 0, transposed: true };
  const set = (images?: IdxFile, labels?: IdxFile): ImageDataset<Uint8Array> => ({
    ...idxDataset(images as IdxFile, labels as IdxFile, options),
    classNames,
  });
  return { train: set(files[0], files[1]), test: set(files[2], files[3]) };
}

/** What there is to know of data before a model is trained on it. */
import { createHash } from 'node:crypto';
import {
  allClassNames,
  byClass,
  classCounts,
  type ImageDataset,
  type ImageSets,
  imageSize,
  type Pixels,
  pixelsOf,
  white,
} from './dataset';
import { imageLibrary } from './decode';
import { ChannelSums, type ChannelStatistics } from './channels';
import { eachChunk } from './preprocessing';
import { RandomStream, streams } from './random';

/** What is known of one set. */
export interface SetSummary {
  readonly count: number;
  /** Images of each class. */
  readonly classCounts: readonly number[];
  readonly channels: readonly ChannelStatistics[];
  /** Images that are the same as one before, by their indices. */
  readonly duplicates: readonly number[];
}

export interface DataSummary {
  /** [height, width, channels] of an image. */
  readonly shape: readonly [number, number, number];
  readonly classNames: readonly string[];
  readonly train: SetSummary;
  readonly test: SetSummary;
  /** Test images that are training images as well: [test index, training index]. */
  readonly shared: readonly (readonly [number, number])[];
}

const digestOf = (pixels: Pixels): string => createHash('sha1').update(pixels).digest('base64');

/** @param seen images of this set by their digests; is filled */
async function summarize(dataset: ImageDataset, seen: Map<string, number>): Promise<SetSummary> {
  const size = imageSize(dataset);
  const sums = new ChannelSums(dataset.channels);
  const duplicates: number[] = [];
  await eachChunk(dataset, (pixels, indices) => {
    sums.add(pixels);
    indices.forEach((index, i) => {
      const digest = digestOf(pixels.subarray(i * size, (i + 1) * size));
      if (seen.has(digest)) duplicates.push(index);
      else seen.set(digest, index);
    });
  });
  return {
    count: dataset.count,
    classCounts: classCounts(dataset),
    channels: sums.statistics(),
    duplicates,
  };
}

/** Looks at every image of a data set. */
export async function inspectData({ train, test }: ImageSets): Promise<DataSummary> {
  const trained = new Map<string, number>();
  const tested = new Map<string, number>();
  const [trainSummary, testSummary] = [await summarize(train, trained), await summarize(test, tested)];
  const shared = [...tested].flatMap(([digest, index]) => {
    const same = trained.get(digest);
    return same === undefined ? [] : [[index, same] as const];
  });
  return {
    shape: [train.height, train.width, train.channels],
    classNames: allClassNames(train),
    train: trainSummary,
    test: testSummary,
    shared,
  };
}

/** Up to `each` images of every class, drawn at random but the same for the same seed; a row for each class. */
export function sampleImages(dataset: ImageDataset, each: number, seed: number): number[][] {
  const random = new RandomStream(seed, streams.sample, 0);
  return byClass(dataset).map((indices) => {
    const drawn: number[] = [];
    while (drawn.length < each && indices.length > 0)
      drawn.push(...indices.splice(random.below(indices.length), 1));
    return drawn;
  });
}

/**
 * A picture of images in rows, as PNG.
 * @param rows indices of images; each image is drawn `zoom` times as large, with a pixel of grey between them
 * @throws TfjsNativeError IMAGE_DECODER_MISSING
 */
export async function pictureOf(
  dataset: ImageDataset,
  rows: readonly (readonly number[])[],
  zoom = 2,
): Promise<Buffer> {
  const { height, width, channels } = dataset;
  const across = Math.max(...rows.map((row) => row.length));
  const [cellHeight, cellWidth] = [height * zoom + 1, width * zoom + 1];
  const [tall, wide] = [rows.length * cellHeight + 1, across * cellWidth + 1];
  const rgba = new Uint8Array(tall * wide * 4).fill(128);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = white;
  for (const [r, row] of rows.entries()) {
    const pixels = await pixelsOf(dataset, Uint32Array.from(row));
    for (let i = 0; i < row.length; i++) {
      for (let y = 0; y < height * zoom; y++) {
        for (let x = 0; x < width * zoom; x++) {
          const from = ((i * height + Math.floor(y / zoom)) * width + Math.floor(x / zoom)) * channels;
          const to = ((r * cellHeight + 1 + y) * wide + i * cellWidth + 1 + x) * 4;
          for (let c = 0; c < 3; c++)
            rgba[to + c] = Math.round(pixels[from + (channels === 1 ? 0 : c)] as number);
        }
      }
    }
  }
  return imageLibrary().Transformer.fromRgbaPixels(rgba, wide, tall).png();
}

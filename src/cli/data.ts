/** `tfjs-native data inspect` */
import { writeFiles } from '../io/write-files';
import { reasonOf } from '../io/reasons';
import { basename, dirname } from 'node:path';
import { nativeError } from '../errors';
import { inspectData, pictureOf, type SetSummary, sampleImages } from '../data/inspect';
import { checkDataset } from '../data/check';
import { type ImageDataset, pixelsOf, className } from '../data/dataset';
import { type ColorMode, squareOf } from '../data/names';
import { loadData } from '../data/sources';
import { amount, count, figure, grid, table } from './format';
import { downloadNotice } from './reporter';

export interface InspectOptions {
  readonly imageSize?: number;
  readonly color?: ColorMode;
  readonly picture?: string;
  readonly samples: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** From black to white. */
const shades = ' .:-=+*#%@';

/** An image as text, two letters a pixel. */
async function drawn(dataset: ImageDataset, index: number): Promise<string> {
  const { height, width, channels } = dataset;
  const pixels = await pixelsOf(dataset, Uint32Array.of(index));
  const shade = (row: number, column: number) => {
    const at = (row * width + column) * channels;
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += pixels[at + c] as number;
    return (
      shades[Math.min(shades.length - 1, Math.floor((sum / channels / 256) * shades.length))] as string
    ).repeat(2);
  };
  const row = (y: number) =>
    Array.from({ length: width }, (_, x) => shade(y, x))
      .join('')
      .trimEnd();
  return Array.from({ length: height }, (_, y) => row(y)).join('\n');
}

const channelText = ({ channels }: SetSummary): string =>
  channels
    .map(
      ({ least, most, mean, deviation }) =>
        `${figure(least)} to ${figure(most)}, mean ${figure(mean)}, deviation ${figure(deviation)}`,
    )
    .join('; ');

const list = (indices: readonly number[]): string =>
  indices.length === 0
    ? ''
    : ` (${indices.slice(0, 5).map(count).join(', ')}${indices.length > 5 ? ', …' : ''})`;

/** The widest image that is drawn as text. */
const widest = 40;

export async function inspect(source: string, options: InspectOptions): Promise<void> {
  const { imageSize, color, picture, samples, seed } = options;
  const size = squareOf(imageSize);
  const onProgress = downloadNotice((text) => console.error(text));
  const { train, test } = await loadData(source, { size, color, onProgress });
  checkDataset(train, 'the training data');
  checkDataset(test, 'the test data');
  const summary = await inspectData({ train, test });
  if (picture !== undefined) {
    const png = await pictureOf(train, sampleImages(train, samples, seed));
    const content = new Uint8Array(png).buffer;
    await writeFiles(dirname(picture), { [basename(picture)]: [content] }).catch((error: unknown) => {
      throw nativeError('DATA_FILE', picture, `cannot be written (${reasonOf(error)})`);
    });
  }
  if (options.json) {
    console.log(JSON.stringify({ data: source, ...summary, picture }));
    return;
  }
  const [height, width, channels] = summary.shape;
  const rows: [string, string][] = [
    [
      'Features',
      `${height} x ${width} pixels, ${channels === 1 ? 'grey' : amount(channels, 'channel')}, 0 to 255`,
    ],
    [
      'Labels',
      `${amount(train.classes, 'class').replace(/classs$/, 'classes')}: ${summary.classNames.join(', ')}`,
    ],
    ['Training', amount(train.count, 'image')],
    ['Test', amount(test.count, 'image')],
    ['Pixels', `${channelText(summary.train)} (training, 1 is white)`],
    ['', `${channelText(summary.test)} (test)`],
    [
      'Duplicates',
      `${count(summary.train.duplicates.length)} in training${list(summary.train.duplicates)}, ${count(summary.test.duplicates.length)} in test${list(summary.test.duplicates)}`,
    ],
    [
      'In both',
      `${amount(summary.shared.length, 'test image')} of the training images${list(summary.shared.map(([index]) => index))}`,
    ],
  ];
  console.log(`${table(rows)}\n`);
  const share = (n: number, of: number) => `${((100 * n) / of).toFixed(1)} %`;
  console.log(
    grid([
      ['Class', 'training', '', 'test', ''],
      ...summary.classNames.map((name, label) => {
        const [trained, tested] = [
          summary.train.classCounts[label] ?? 0,
          summary.test.classCounts[label] ?? 0,
        ];
        return [name, count(trained), share(trained, train.count), count(tested), share(tested, test.count)];
      }),
    ]),
  );
  if (width <= widest) {
    const label = train.labels[0] as number;
    console.log(
      `\nTraining image 0, label ${label}${train.classNames ? ` (${className(train, label)})` : ''}:\n`,
    );
    console.log(await drawn(train, 0));
  }
  if (picture !== undefined) console.log(`\n${samples} images of each class, a row each: ${picture}`);
}

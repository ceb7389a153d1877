/** Reads images from CSV: a line for each, its class first or in the column `label`, then its pixels row by row. */
import { createReadStream } from 'node:fs';
import { nativeError, TfjsNativeError } from '../errors';
import { reasonOf } from '../io/reasons';
import type { ImageDataset } from './dataset';

export interface CsvOptions {
  /** 1: grey, 3: RGB, the three values of each pixel together. Default: what makes the images square, grey if both do. */
  readonly channels?: number | undefined;
  /** Height and width. Default: square. */
  readonly size?: readonly [height: number, width: number] | undefined;
  /** Default: one more than the highest one. */
  readonly classes?: number | undefined;
}

const isSquare = (n: number): boolean => Number.isInteger(Math.sqrt(n));

/** Height, width and channels of images of so many values. */
function shapeOf(file: string, values: number, { channels, size }: CsvOptions): [number, number, number] {
  const depth = channels ?? (size ? values / (size[0] * size[1]) : isSquare(values) ? 1 : 3);
  const cells = values / depth;
  const [height, width] = size ?? [Math.sqrt(cells), Math.sqrt(cells)];
  const whole = [height, width, depth].every((n) => Number.isInteger(n) && n > 0);
  if (whole && height * width * depth === values) return [height, width, depth];
  const wanted = size ? `${size.join(' x ')} pixels` : 'square images of 1 or 3 channels';
  throw nativeError('DATA_FILE', file, `line 1: has ${values} pixel values, which do not make ${wanted}`);
}

/** Of the array of pixels, which grows as they are read. */
const initialCapacity = 1 << 20;

/**
 * Reads a CSV file of pixels from 0 to 255, with or without a line of column names.
 * @throws TfjsNativeError DATA_FILE naming file, line and column of what is wrong
 */
export async function loadCsv(file: string, options: CsvOptions = {}): Promise<ImageDataset> {
  const { parse } = require('csv-parse') as typeof import('csv-parse');
  const stream = createReadStream(file);
  const parser = stream.pipe(
    parse({ relax_column_count: true, skip_empty_lines: true, trim: true, bom: true, info: true }),
  );
  stream.on('error', (error) => parser.destroy(error));
  let pixels: Uint8Array | Float32Array = new Uint8Array(initialCapacity);
  const labels: number[] = [];
  let columns = 0;
  let labelColumn = 0;
  let at = 0;
  const fail = (line: number, problem: string): never => {
    throw nativeError('DATA_FILE', file, `line ${line}: ${problem}`);
  };
  const text = (value: string) => JSON.stringify(value.length > 20 ? `${value.slice(0, 20)}…` : value);

  function keep(value: number): void {
    if (at === pixels.length) {
      const larger = new (pixels.constructor as new (n: number) => typeof pixels)(2 * at);
      larger.set(pixels);
      pixels = larger;
    }
    if (pixels instanceof Uint8Array && !Number.isInteger(value)) pixels = Float32Array.from(pixels);
    pixels[at++] = value;
  }

  function take(record: readonly string[], line: number): void {
    if (record.length !== columns)
      fail(line, `has ${record.length} columns; expected ${columns} as in the first line`);
    record.forEach((given, column) => {
      const value = given === '' ? Number.NaN : Number(given);
      if (column === labelColumn) {
        if (!Number.isInteger(value) || value < 0)
          fail(
            line,
            `the class in column ${column + 1} is ${text(given)}; expected a whole number from 0 on`,
          );
        if (options.classes !== undefined && value >= options.classes)
          fail(line, `the class in column ${column + 1} is ${value}; expected 0 to ${options.classes - 1}`);
        labels.push(value);
      } else {
        if (!(value >= 0 && value <= 255))
          fail(line, `the pixel in column ${column + 1} is ${text(given)}; expected a number from 0 to 255`);
        keep(value);
      }
    });
  }

  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      if (columns === 0) {
        columns = record.length;
        if (columns < 2) fail(info.lines, `has ${columns} column; expected a class and its pixels`);
        if (record.every((name) => Number.isNaN(Number(name)) && name !== '')) {
          const named = record.findIndex((name) => /^(label|class|target|y)$/i.test(name));
          labelColumn = Math.max(0, named);
          continue;
        }
      }
      take(record, info.lines);
    }
  } catch (error) {
    if (error instanceof TfjsNativeError) throw error;
    throw nativeError('DATA_FILE', file, `cannot be read as CSV (${reasonOf(error)})`);
  }
  const count = labels.length;
  if (count === 0) throw nativeError('DATA_FILE', file, 'holds no images');
  const [height, width, channels] = shapeOf(file, columns - 1, options);
  const classes = options.classes ?? labels.reduce((most, label) => Math.max(most, label), 0) + 1;
  return {
    images: pixels.slice(0, at),
    labels: Int32Array.from(labels),
    count,
    height,
    width,
    channels,
    classes,
  };
}

/** What is done to pixels before a model sees them. It is kept with the model, so that predicting does the same. */
import { ChannelSums } from './channels';
import { type ImageDataset, type Pixels, pixelsOf, range, white } from './dataset';
import type { Normalization } from './names';

/** Each pixel p, 0 to 255, becomes (p / 255 - mean) / deviation, by channel. */
export interface Preprocessing {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Images that are looked at together. */
const chunk = 256;

/** Calls `see` with the pixels of some images after the other. */
export async function eachChunk(
  dataset: ImageDataset,
  see: (pixels: Pixels, indices: Uint32Array) => void,
): Promise<void> {
  const all = range(dataset.count);
  for (let at = 0; at < dataset.count; at += chunk) {
    const indices = all.subarray(at, at + chunk);
    see(await pixelsOf(dataset, indices), indices);
  }
}

/** Mean and standard deviation of each channel, of pixels divided by 255. */
export async function channelStatistics(
  dataset: ImageDataset,
): Promise<{ mean: number[]; deviation: number[] }> {
  const sums = new ChannelSums(dataset.channels);
  await eachChunk(dataset, (pixels) => sums.add(pixels));
  const statistics = sums.statistics();
  return {
    mean: statistics.map(({ mean }) => mean),
    deviation: statistics.map(({ deviation }) => deviation),
  };
}

/** What pixels of a data set need; for `standard` from the images themselves, which have to be those of training. */
export async function preprocessingFor(
  dataset: ImageDataset,
  normalization: Normalization,
): Promise<Preprocessing> {
  const { height, width, channels } = dataset;
  if (normalization === 'unit') return unitPreprocessing(dataset);
  const { mean, deviation } = await channelStatistics(dataset);
  // A channel that is the same everywhere has no deviation to divide by.
  return { height, width, channels, mean, deviation: deviation.map((d) => (d > 0 ? d : 1)) };
}

/** To [0, 1]. */
export function unitPreprocessing({
  height,
  width,
  channels,
}: Pick<Preprocessing, 'height' | 'width' | 'channels'>): Preprocessing {
  const of = (value: number) => new Array<number>(channels).fill(value);
  return { height, width, channels, mean: of(0), deviation: of(1) };
}

/** Whether it only divides by 255. */
export const isUnit = ({ mean, deviation }: Preprocessing): boolean =>
  mean.every((m) => m === 0) && deviation.every((d) => d === 1);

/** Pixels as the model takes them. */
export function preprocessed(pixels: Pixels, { channels, mean, deviation }: Preprocessing): Float32Array {
  const result = new Float32Array(pixels.length);
  const tables = mean.map((m, c) =>
    Float32Array.from({ length: white + 1 }, (_, value) => (value / white - m) / (deviation[c] as number)),
  );
  for (let c = 0; c < channels; c++) {
    const [table, m, d] = [tables[c] as Float32Array, mean[c] as number, deviation[c] as number];
    if (pixels instanceof Uint8Array)
      for (let i = c; i < pixels.length; i += channels) result[i] = table[pixels[i] as number] as number;
    else
      for (let i = c; i < pixels.length; i += channels) result[i] = ((pixels[i] as number) / white - m) / d;
  }
  return result;
}

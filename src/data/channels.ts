/** Statistics of pixels by channel. */
import { type Pixels, white } from './dataset';

/** Values of one channel, where 1 is white. */
export interface ChannelStatistics {
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  readonly deviation: number;
}

/** What is summed up, image after image. */
export class ChannelSums {
  readonly #channels: { least: number; most: number; sum: number; squares: number }[];
  /** Values of each channel. */
  #count = 0;

  constructor(channels: number) {
    this.#channels = Array.from({ length: channels }, () => ({
      least: Infinity,
      most: -Infinity,
      sum: 0,
      squares: 0,
    }));
  }

  /** @param pixels of whole images */
  add(pixels: Pixels): void {
    const channels = this.#channels.length;
    this.#count += pixels.length / channels;
    this.#channels.forEach((of, c) => {
      for (let i = c; i < pixels.length; i += channels) {
        const value = pixels[i] as number;
        if (value < of.least) of.least = value;
        if (value > of.most) of.most = value;
        of.sum += value;
        of.squares += value * value;
      }
    });
  }

  statistics(): ChannelStatistics[] {
    const count = this.#count;
    return this.#channels.map(({ least, most, sum, squares }) => ({
      least: least / white,
      most: most / white,
      mean: sum / count / white,
      deviation: Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)) / white,
    }));
  }
}

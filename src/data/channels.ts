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
  readonly #channels: { least: number; most: number; count: number; sum: number; squares: number }[];

  constructor(channels: number) {
    this.#channels = Array.from({ length: channels }, () => ({
      least: Infinity,
      most: -Infinity,
      count: 0,
      sum: 0,
      squares: 0,
    }));
  }

  /** @param pixels of whole images */
  add(pixels: Pixels): void {
    this.#channels.forEach((of, c) => {
      let { least, most, sum, squares } = of;
      for (let i = c; i < pixels.length; i += this.#channels.length) {
        const value = pixels[i] as number;
        if (value < least) least = value;
        if (value > most) most = value;
        sum += value;
        squares += value * value;
      }
      Object.assign(of, {
        least,
        most,
        sum,
        squares,
        count: of.count + pixels.length / this.#channels.length,
      });
    });
  }

  statistics(): ChannelStatistics[] {
    return this.#channels.map(({ least, most, count, sum, squares }) => ({
      least: least / white,
      most: most / white,
      mean: sum / count / white,
      deviation: Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)) / white,
    }));
  }
}

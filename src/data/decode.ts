/** Decodes image files (PNG, JPEG, BMP, WebP, GIF, TIFF) by the package @napi-rs/image, which is loaded when it is needed. */
import { readFile } from 'node:fs/promises';
import type { JsColorType, Transformer } from '@napi-rs/image';
import { nativeError } from '../errors';
import { reasonOf } from '../io/reasons';
import { white } from './dataset';
import type { ColorMode } from './names';

/** What images shall be made of. */
export interface DecodeOptions {
  /** Height and width that images are scaled to. Default: they stay as they are. */
  readonly size?: readonly [height: number, width: number] | undefined;
  /** Default: `grey` if the image has no colors. */
  readonly color?: ColorMode | undefined;
}

/** An image in memory: height x width x channels bytes. */
export interface DecodedImage {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** Channels and bytes of a channel, by the package's `JsColorType`. */
const layouts: Readonly<Record<number, readonly [channels: number, bytes: number]>> = {
  0: [1, 1],
  1: [2, 1],
  2: [3, 1],
  3: [4, 1],
  4: [1, 2],
  5: [2, 2],
  6: [3, 2],
  7: [4, 2],
};

/**
 * The package that reads and writes images.
 * @throws TfjsNativeError IMAGE_DECODER_MISSING
 */
export function imageLibrary(): typeof import('@napi-rs/image') {
  try {
    return require('@napi-rs/image') as typeof import('@napi-rs/image');
  } catch (error) {
    throw nativeError('IMAGE_DECODER_MISSING', (error as Error).message);
  }
}

/** Lays an image of any layout on white, in the channels that are wanted. */
function convert(raw: Uint8Array, colorType: JsColorType, channels: 1 | 3): Uint8Array {
  const [given, bytes] = layouts[colorType] ?? [];
  if (given === undefined || bytes === undefined) throw new Error('its pixels are floating-point numbers');
  const hasAlpha = given % 2 === 0;
  const colors = given - Number(hasAlpha);
  if (given === channels && bytes === 1) return raw;
  const cells = raw.length / (given * bytes);
  const pixels = new Uint8Array(cells * channels);
  // Of two bytes, little-endian, the second one counts.
  const part = (at: number) => raw[at * bytes + bytes - 1] as number;
  for (let i = 0; i < cells; i++) {
    const alpha = hasAlpha ? part(i * given + colors) : white;
    const laid = (c: number) => Math.round((part(i * given + c) * alpha + white * (white - alpha)) / white);
    if (colors === channels) for (let c = 0; c < channels; c++) pixels[i * channels + c] = laid(c);
    else if (colors === 1) pixels.fill(laid(0), i * 3, i * 3 + 3);
    // ITU-R 601's luma.
    else pixels[i] = (laid(0) * 19595 + laid(1) * 38470 + laid(2) * 7471 + 0x8000) >> 16;
  }
  return pixels;
}

/** Scaled by the triangle filter, which takes the mean where an image shrinks. */
function scale(image: Transformer, size: DecodeOptions['size']): void {
  const { ResizeFilterType, ResizeFit } = imageLibrary();
  if (size)
    image.resize({ width: size[1], height: size[0], filter: ResizeFilterType.Triangle, fit: ResizeFit.Fill });
}

/**
 * Decodes an image: turned as its EXIF orientation says, laid on white where it is transparent.
 * @throws Error telling the reason
 */
export async function decodeImage(
  content: Uint8Array,
  { size, color }: DecodeOptions = {},
): Promise<DecodedImage> {
  const { Transformer: Image } = imageLibrary();
  const image = new Image(content);
  const metadata = await image.metadata(true);
  const { colorType, orientation = 1 } = metadata;
  if (orientation > 1) image.rotate();
  const turned = orientation > 4;
  const [height, width] =
    size ?? (turned ? [metadata.width, metadata.height] : [metadata.height, metadata.width]);
  if (height !== metadata.height || width !== metadata.width) scale(image, size);
  const grey = color === undefined ? (layouts[colorType]?.[0] ?? 3) < 3 : color === 'grey';
  const channels = grey ? 1 : 3;
  return { pixels: convert(await image.rawPixels(), colorType, channels), height, width, channels };
}

/**
 * Decodes a file.
 * @throws TfjsNativeError DATA_FILE naming it, IMAGE_DECODER_MISSING
 */
export async function decodeFile(file: string, options?: DecodeOptions): Promise<DecodedImage> {
  imageLibrary();
  try {
    return await decodeImage(await readFile(file), options);
  } catch (error) {
    throw nativeError('DATA_FILE', file, `is no image that can be read (${reasonOf(error)})`);
  }
}

/** Random changes of images, the same for the same seed, epoch and image whatever the batch or the number of threads. */
import { nativeNumbers, runNatively } from '../upstream/native-numbers';
import { type ImageDataset, type Pixels, white } from './dataset';
import type { Augmentation, FillMode } from './names';
import { RandomStream, streams } from './random';

/** How one image is changed; by the names of Keras' `ImageDataGenerator.apply_transform`. */
export interface ImageTransform {
  /** Degrees. */
  readonly theta?: number;
  /** Pixels that a place is looked up to the right of, and below, itself. */
  readonly tx?: number;
  readonly ty?: number;
  /** Degrees. */
  readonly shear?: number;
  /** The part of the width, and of the height, that fills the image. */
  readonly zx?: number;
  readonly zy?: number;
  readonly flipHorizontal?: boolean;
  readonly flipVertical?: boolean;
  /** Whole pixels that the image is moved to the left and up, after all of the above. */
  readonly cropX?: number;
  readonly cropY?: number;
  /** Pixels are multiplied by it. */
  readonly brightness?: number;
  /** The distance from the mean of each channel is multiplied by it. */
  readonly contrast?: number;
  /** What is filled with `cval`: top, left, bottom, right. */
  readonly cut?: readonly [number, number, number, number];
}

type Size = Pick<ImageDataset, 'height' | 'width' | 'channels'>;

/** Two rows of an affine map: x' = m[0] x + m[1] y + m[2], y' = m[3] x + m[4] y + m[5]. */
type Affine = readonly [number, number, number, number, number, number];

/** First `b`, then `a`. */
const after = (a: Affine, b: Affine): Affine => [
  a[0] * b[0] + a[1] * b[3],
  a[0] * b[1] + a[1] * b[4],
  a[0] * b[2] + a[1] * b[5] + a[2],
  a[3] * b[0] + a[4] * b[3],
  a[3] * b[1] + a[4] * b[4],
  a[3] * b[2] + a[4] * b[5] + a[5],
];

const shiftedBy = (x: number, y: number): Affine => [1, 0, x, 0, 1, y];

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/**
 * From a place of the result to the place it is looked up at: rotation, shift, shear and zoom about the middle as Keras'
 * `apply_affine_transform`, but that an image's own middle is meant where it is not square.
 */
function affineOf(transform: ImageTransform, { height, width }: Size): Affine {
  const { theta = 0, tx = 0, ty = 0, shear = 0, zx = 1, zy = 1, cropX = 0, cropY = 0 } = transform;
  const [middleX, middleY] = [width / 2 - 0.5, height / 2 - 0.5];
  const [sin, cos] = [Math.sin(radians(theta)), Math.cos(radians(theta))];
  const mirrored: Affine = [
    transform.flipHorizontal ? -1 : 1,
    0,
    transform.flipHorizontal ? width - 1 : 0,
    0,
    transform.flipVertical ? -1 : 1,
    transform.flipVertical ? height - 1 : 0,
  ];
  const maps: Affine[] = [
    shiftedBy(middleX, middleY),
    [cos, -sin, 0, sin, cos, 0],
    shiftedBy(tx, ty),
    [1, -Math.sin(radians(shear)), 0, 0, Math.cos(radians(shear)), 0],
    [zx, 0, 0, 0, zy, 0],
    shiftedBy(-middleX, -middleY),
    mirrored,
    shiftedBy(cropX, cropY),
  ];
  return maps.reduce(after);
}

/** What the native kernel takes of an image. */
function numbersOf(transform: ImageTransform, size: Size): number[] {
  const { brightness = 1, contrast = 1, cut = [0, 0, 0, 0] } = transform;
  return [...affineOf(transform, size), brightness, contrast, ...cut];
}

export interface TransformOptions {
  /** What lies beyond the border, as scipy.ndimage has it. Default `nearest`. */
  readonly fillMode?: FillMode | undefined;
  /** What the mode `constant` fills in, 0 to 255. Default 0. */
  readonly cval?: number | undefined;
}

/** What displaces places: cubic B-splines through knots [images, rows, columns, 2] of pixels across and down. */
interface Knots {
  readonly values: Float32Array;
  readonly shape: [number, number, number, number];
}

/**
 * Changes images, natively and in parallel.
 * @param pixels from 0 to 255, image after image
 * @param transforms one for each image
 * @param knots displace places; at least 4 x 4 of them
 * @param noise is added to each pixel
 */
export function transformImages(
  pixels: Pixels,
  size: Size,
  transforms: readonly ImageTransform[],
  { fillMode = 'nearest', cval = 0 }: TransformOptions = {},
  knots?: Knots,
  noise?: Float32Array,
): Float32Array {
  const { height, width, channels } = size;
  const shape = [transforms.length, height, width, channels];
  const dtype = 'float32';
  const inputs = {
    images: { values: pixels, shape, dtype: pixels instanceof Uint8Array ? ('bool' as const) : dtype },
    numbers: {
      values: Float32Array.from(transforms.flatMap((transform) => numbersOf(transform, size))),
      shape: [transforms.length, 12],
      dtype,
    },
    ...(knots && { displacement: { ...knots, dtype } }),
    ...(noise && { noise: { values: noise, shape, dtype } }),
  } as Parameters<typeof runNatively>[1];
  // What is read is the result's own array, which nobody else will have.
  const read = ({ values }: { values: unknown }) => values as Float32Array;
  return runNatively('AugmentImages', inputs, { fillMode, cval }, read)[0] as Float32Array;
}

/** The draws of one image; a fixed number of them in a fixed order, so that one option does not change another's. */
function draw(random: RandomStream, options: Augmentation, { height, width }: Size): ImageTransform {
  const within = (range: number) => random.between(-range, range);
  const about1 = (range: number) => 1 + within(range);
  const shift = (range: number, cells: number) => within(range < 1 ? range * cells : range);
  const whole = (most: number) => random.below(2 * most + 1) - most;
  const {
    rotationRange = 0,
    zoomRange = 0,
    widthShiftRange = 0,
    heightShiftRange = 0,
    shearRange = 0,
  } = options;
  const { brightnessRange = 0, contrastRange = 0, cropPadding = 0, cutout = 0 } = options;
  const transform = {
    theta: within(rotationRange),
    zx: about1(zoomRange),
    zy: about1(zoomRange),
    tx: shift(widthShiftRange, width),
    ty: shift(heightShiftRange, height),
    shear: within(shearRange),
    flipHorizontal: random.below(2) === 1 && options.horizontalFlip === true,
    flipVertical: random.below(2) === 1 && options.verticalFlip === true,
    brightness: about1(brightnessRange),
    contrast: about1(contrastRange),
    cropX: whole(cropPadding),
    cropY: whole(cropPadding),
  };
  // A square about any pixel: less of it is cut out at the border.
  const top = random.below(height) - Math.floor(cutout / 2);
  const left = random.below(width) - Math.floor(cutout / 2);
  return cutout > 0 ? { ...transform, cut: [top, left, top + cutout, left + cutout] } : transform;
}

/** Knots along each axis: four spans of a cubic spline. */
const knotsAcross = 7;

/** Changes some images of a data set at random. */
export type Augmenter = (pixels: Pixels, indices: Uint32Array, epoch: number) => Float32Array;

/**
 * Makes what changes the images of a data set, each time anew.
 * @param seed with the epoch and the image it tells all that is random
 */
export function augmenter(options: Augmentation, size: Size, seed: number): Augmenter {
  const { elastic = 0, noise = 0 } = options;
  const cells = size.height * size.width * size.channels;
  return (pixels, indices, epoch) => {
    const knots = new Float32Array(elastic > 0 ? indices.length * knotsAcross ** 2 * 2 : 0);
    const added = new Float32Array(noise > 0 ? indices.length * cells : 0);
    const transforms = Array.from(indices, (index, i) => {
      const random = new RandomStream(seed, streams.augment, epoch, index);
      const transform = draw(random, options, size);
      const own = knots.length / indices.length;
      for (let k = i * own; k < (i + 1) * own; k++) knots[k] = random.between(-elastic, elastic);
      if (noise > 0) added.set(normal(random, cells, noise * white), i * cells);
      return transform;
    });
    const displacement: Knots | undefined =
      elastic > 0 ? { values: knots, shape: [indices.length, knotsAcross, knotsAcross, 2] } : undefined;
    return transformImages(pixels, size, transforms, options, displacement, noise > 0 ? added : undefined);
  };
}

/** Normal numbers of a generator that the stream seeds. */
function normal(random: RandomStream, count: number, stdDev: number): Float32Array {
  const philox = {
    key0: random.next(),
    key1: random.next(),
    counter0: 0,
    counter1: 0,
    counter2: 0,
    counter3: 0,
  };
  const attrs = { ...philox, mean: 0, stdDev, shape: [count], dtype: 'float32' };
  return nativeNumbers('RandomStandardNormal', [count], 'float32', attrs) as Float32Array;
}

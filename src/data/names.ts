/** What the CLI has to know of data at once: a module of its own, without TensorFlow.js. */

/** The data sets that are known by name. */
export const dataNames = [
  'mnist',
  'fashion-mnist',
  'emnist-balanced',
  'emnist-byclass',
  'emnist-bymerge',
  'emnist-digits',
  'emnist-letters',
  'emnist-mnist',
  'cifar10',
] as const;
export type DataName = (typeof dataNames)[number];

/** Of image files: one channel, or three. */
export const colorModes = ['grey', 'rgb'] as const;
export type ColorMode = (typeof colorModes)[number];

/** What `imageSize` means: as high as wide. */
export const squareOf = (side: number | undefined): readonly [number, number] | undefined =>
  side === undefined ? undefined : [side, side];

/** What images of so many channels are. */
export const colorOf = (channels: number): ColorMode => (channels === 1 ? 'grey' : 'rgb');

/** `sparse`: whole numbers, for sparse categorical cross-entropy; `onehot`: for categorical cross-entropy. */
export const labelFormats = ['sparse', 'onehot'] as const;
export type LabelFormat = (typeof labelFormats)[number];

/** `unit`: to [0, 1]; `standard`: to mean 0 and standard deviation 1, by channel. */
export const normalizations = ['unit', 'standard'] as const;
export type Normalization = (typeof normalizations)[number];

/** Random changes of training images, by the names and meaning of Keras' `ImageDataGenerator` where that has them. */
export interface Augmentation {
  /** Turns by up to so many degrees, either way. */
  readonly rotationRange?: number;
  /** Scales width and height, each by a factor from 1 - this to 1 + this. */
  readonly zoomRange?: number;
  /** Shifts sideways by up to this part of the width, or, from 1 on, by so many pixels. */
  readonly widthShiftRange?: number;
  /** Shifts up and down by up to this part of the height, or, from 1 on, by so many pixels. */
  readonly heightShiftRange?: number;
  /** Shears by up to so many degrees, either way. */
  readonly shearRange?: number;
  /** Mirrors left and right, every other time. */
  readonly horizontalFlip?: boolean;
  /** Mirrors up and down, every other time. */
  readonly verticalFlip?: boolean;
  /** Multiplies all pixels by a factor from 1 - this to 1 + this. */
  readonly brightnessRange?: number;
  /** Shifts by up to so many whole pixels, and fills with `cval`: a crop of an image that was padded. */
  readonly cropPadding?: number;
  /** Multiplies the distance from the image's mean by a factor from 1 - this to 1 + this. */
  readonly contrastRange?: number;
  /** Adds normal noise of this standard deviation, where 1 is from black to white. */
  readonly noise?: number;
  /** Replaces a square of so many pixels by `cval` (DeVries and Taylor, "Improved regularization … with cutout"). */
  readonly cutout?: number;
  /**
   * Moves places smoothly by up to so many pixels (after Simard et al., "Best practices for convolutional neural
   * networks applied to visual document analysis").
   */
  readonly elastic?: number;
  /** What lies beyond the border, as scipy.ndimage has it. Default `nearest`. */
  readonly fillMode?: FillMode;
  /** What is filled in by the mode `constant`, by `cropPadding` and by `cutout`, 0 to 255. Default 0. */
  readonly cval?: number;
}

export const fillModes = ['constant', 'reflect', 'wrap', 'nearest'] as const;
export type FillMode = (typeof fillModes)[number];

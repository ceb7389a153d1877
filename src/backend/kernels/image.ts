/** Images [batch, height, width, channels]: resized, cropped, turned, transformed, mirrored. */
import { backend_util, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { OpName } from '../ops';
import { isNativeDType } from '../storage';
import type { ComposedKernels, KernelCall, NativeKernel, NativeKernels } from './kernel';
import { runReverse } from './reverse';

type Size = [number, number];

/** Whether a size is such as native kernels take; JavaScript makes something of every other one too. */
function isSize(size: readonly number[]): size is Size {
  return size.length === 2 && size.every((n) => Number.isInteger(n) && n >= 0);
}

/** The shape of images at another size; undefined where there is something to make of nothing. */
function resized({ shape }: TensorInfo, size: readonly number[]): number[] | undefined {
  const [batch, , , channels] = shape as [number, number, number, number];
  if (!isSize(size)) return undefined;
  const result = [batch, size[0], size[1], channels];
  return util.sizeFromShape(shape) === 0 && util.sizeFromShape(result) > 0 ? undefined : result;
}

function resizeParams(attrs: NamedAttrMap) {
  return { alignCorners: attrs.alignCorners ? 1 : 0, halfPixelCenters: attrs.halfPixelCenters ? 1 : 0 };
}

/**
 * The derivative of the resizing. The JavaScript kernels give something else in places: they leave halfPixelCenters
 * out, swap height and width of the result (bilinear), and mix up the images of a batch (nearest neighbour).
 */
function gradient(name: 'ResizeBilinearGrad' | 'ResizeNearestNeighborGrad'): NativeKernel {
  return ({ inputs, attrs, backend }) => {
    const images = inputs.images as TensorInfo;
    const dy = inputs.dy as TensorInfo;
    if (images.dtype !== 'float32' || dy.dtype !== 'float32') return undefined;
    const dx = backend.output(images.shape, 'float32');
    backend.run(name, [dy], [dx], resizeParams(attrs));
    return dx;
  };
}

/** The values of what is filled in, by channel; undefined if JavaScript shall take it. */
function fillOf(fillValue: unknown, channels: number): number[] | undefined {
  if (typeof fillValue === 'number') return [fillValue, fillValue, fillValue, fillValue];
  if (channels > 4) return undefined;
  // The fourth channel is opacity, and full.
  return [...[0, 1, 2].map((c) => (fillValue as number[])[c] ?? Number.NaN), 255];
}

const fillModes: Readonly<Record<string, number>> = { constant: 0, reflect: 1, wrap: 2, nearest: 3 };

function rotateWithOffset({ inputs, attrs, backend }: KernelCall): TensorInfo | undefined {
  const image = inputs.image as TensorInfo;
  const [, height, width, channels] = image.shape as [number, number, number, number];
  const fill = fillOf(attrs.fillValue, channels);
  if (image.dtype !== 'float32' || fill === undefined) return undefined;
  const radians = attrs.radians as number;
  const [centerX, centerY] = backend_util.getImageCenter(attrs.center as number | Size, height, width);
  const [fill0, fill1, fill2, fill3] = fill as [number, number, number, number];
  const y = backend.output(image.shape, 'float32');
  backend.run('RotateWithOffset', [image], [y], {
    sinFactor: Math.sin(radians),
    cosFactor: Math.cos(radians),
    centerX,
    centerY,
    fill0,
    fill1,
    fill2,
    fill3,
  });
  return y;
}

export const image: NativeKernels = {
  ResizeBilinear: ({ inputs, attrs, backend }) => {
    const images = inputs.images as TensorInfo;
    const shape = resized(images, attrs.size as number[]);
    if ((images.dtype !== 'float32' && images.dtype !== 'int32') || shape === undefined) return undefined;
    const y = backend.output(shape, 'float32');
    backend.run('ResizeBilinear', [images], [y], resizeParams(attrs));
    return y;
  },
  ResizeNearestNeighbor: ({ inputs, attrs, backend }) => {
    const images = inputs.images as TensorInfo;
    const shape = resized(images, attrs.size as number[]);
    if (!isNativeDType(images.dtype) || shape === undefined) return undefined;
    const y = backend.output(shape, images.dtype);
    backend.run('ResizeNearestNeighbor', [images], [y], resizeParams(attrs));
    return y;
  },
  ResizeBilinearGrad: gradient('ResizeBilinearGrad'),
  ResizeNearestNeighborGrad: gradient('ResizeNearestNeighborGrad'),
  CropAndResize: ({ inputs, attrs, backend }) => {
    const images = inputs.image as TensorInfo;
    const boxes = inputs.boxes as TensorInfo;
    const boxInd = inputs.boxInd as TensorInfo;
    const crop = resized(images, attrs.cropSize as number[]);
    if (crop === undefined || (images.dtype !== 'float32' && images.dtype !== 'int32')) return undefined;
    if (boxes.dtype !== 'float32' || boxInd.dtype !== 'int32') return undefined;
    const y = backend.output(crop.with(0, boxes.shape[0] as number), 'float32');
    backend.run('CropAndResize', [images, boxes, boxInd], [y], {
      nearest: Number(attrs.method !== 'bilinear'),
      extrapolationValue: attrs.extrapolationValue as number,
    });
    return y;
  },
  RotateWithOffset: rotateWithOffset,
  Transform: ({ inputs, attrs, backend }) => {
    const images = inputs.image as TensorInfo;
    const transforms = inputs.transforms as TensorInfo;
    const size = (attrs.outputShape ?? images.shape.slice(1, 3)) as number[];
    const nearest = attrs.interpolation === 'nearest';
    if (images.dtype !== 'float32' || transforms.dtype !== 'float32' || !isSize(size)) return undefined;
    if (!nearest && attrs.interpolation !== 'bilinear') return undefined;
    const [batch, , , channels] = images.shape as [number, number, number, number];
    const y = backend.output([batch, ...size, channels], 'float32');
    backend.run('Transform', [images, transforms], [y], {
      nearest: Number(nearest),
      fillMode: fillModes[attrs.fillMode as string] ?? 0,
      fillValue: attrs.fillValue as number,
    });
    return y;
  },
  /** Of ours, for `data/augment.ts`. */
  AugmentImages: ({ inputs, attrs, backend }) => {
    const { images, numbers, displacement, noise } = inputs as Record<string, TensorInfo>;
    const y = backend.output((images as TensorInfo).shape, 'float32');
    backend.run('AugmentImages', [images, numbers, displacement, noise], [y], {
      fillMode: fillModes[attrs.fillMode as string] ?? 0,
      cval: attrs.cval as number,
    });
    return y;
  },
} satisfies Partial<Record<OpName, NativeKernel>>;

export const mirroring: ComposedKernels = {
  FlipLeftRight: ({ inputs, backend }) => runReverse(backend, inputs.image as TensorInfo, [2]),
};

/** Two-dimensional convolution and its gradients. */
import { backend_util, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../native-backend';
import { applyFusion, fusionParams, isPerColumn, readFusion } from './activation';
import type { NativeKernels } from './kernel';

type Shape4D = [number, number, number, number];

/** What a convolution's shapes and attributes say, with shapes as the caller has them. */
interface Geometry {
  readonly inShape: Shape4D;
  readonly outShape: Shape4D;
  /** Whether images have their channels first (NCHW). */
  readonly channelsFirst: boolean;
  readonly params: {
    strideHeight: number;
    strideWidth: number;
    dilationHeight: number;
    dilationWidth: number;
    padTop: number;
    padLeft: number;
  };
}

/**
 * Undefined where only JavaScript's arithmetic says what the attributes mean, or refuses them. Depthwise
 * convolutions always have their channels last.
 */
export function geometry(
  inShape: number[],
  filterShape: number[],
  attrs: NamedAttrMap,
  dilations: unknown,
  depthwise = false,
): Geometry | undefined {
  const info = backend_util.computeConv2DInfo(
    inShape as Shape4D,
    filterShape as Shape4D,
    attrs.strides as number | [number, number],
    dilations as number | [number, number],
    attrs.pad as number | 'valid' | 'same' | backend_util.ExplicitPadding,
    attrs.dimRoundingMode as 'floor' | 'round' | 'ceil' | undefined,
    depthwise,
    depthwise ? 'channelsLast' : backend_util.convertConv2DDataFormat(attrs.dataFormat as 'NHWC' | 'NCHW'),
  );
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, padInfo, inShape: x, outShape } = info;
  const params = {
    strideHeight,
    strideWidth,
    dilationHeight,
    dilationWidth,
    padTop: padInfo.top,
    padLeft: padInfo.left,
  };
  const whole = Object.values(params).every(Number.isSafeInteger);
  if (!whole || !outShape.every((length) => Number.isSafeInteger(length) && length >= 0)) return undefined;
  const channelsFirst = info.dataFormat === 'channelsFirst';
  return { inShape: x, outShape, channelsFirst, params };
}

export function isFloat(...tensors: TensorInfo[]): boolean {
  return tensors.every((tensor) => tensor.dtype === 'float32');
}

const noPerm = { perm4: 0, perm5: 0, perm6: 0, perm7: 0 };

function toChannelsLast(backend: NativeBackend, tensor: TensorInfo): TensorInfo {
  const [n, c, h, w] = tensor.shape as Shape4D;
  const last = backend.output([n, h, w, c], 'float32');
  backend.run('Transpose', [tensor], [last], { perm0: 0, perm1: 2, perm2: 3, perm3: 1, ...noPerm });
  return last;
}

/**
 * The tensor of `shape` that `compute` makes of `image`. Both have the data format of the geometry; `compute`
 * sees them with channels last.
 */
function mapImage(
  backend: NativeBackend,
  { channelsFirst }: Geometry,
  image: TensorInfo,
  shape: Shape4D,
  compute: (image: TensorInfo, result: TensorInfo) => void,
): TensorInfo {
  if (!channelsFirst) {
    const result = backend.output(shape, 'float32');
    compute(image, result);
    return result;
  }
  const [n, c, h, w] = shape;
  const last = toChannelsLast(backend, image);
  const lastResult = backend.output([n, h, w, c], 'float32');
  compute(last, lastResult);
  const result = backend.output(shape, 'float32');
  backend.run('Transpose', [lastResult], [result], { perm0: 0, perm1: 3, perm2: 1, perm3: 2, ...noPerm });
  backend.disposeIntermediateTensorInfo(last);
  backend.disposeIntermediateTensorInfo(lastResult);
  return result;
}

/** With channels first a list has one value a channel, where broadcasting alone would lay it along the rows. */
function alignList(list: TensorInfo): TensorInfo {
  const { shape } = list;
  return shape.length === 1 && shape[0] !== 1 ? { ...list, shape: [...shape, 1, 1] } : list;
}

export const conv2d: NativeKernels = {
  Conv2D: ({ inputs, attrs, backend }) => {
    const { x, filter } = inputs as Record<'x' | 'filter', TensorInfo>;
    const at = isFloat(x, filter) ? geometry(x.shape, filter.shape, attrs, attrs.dilations) : undefined;
    if (at === undefined) return undefined;
    return mapImage(backend, at, x, at.outShape, (image, y) =>
      backend.run('Conv2D', [image, filter], [y], at.params),
    );
  },

  FusedConv2D: ({ inputs, attrs, backend }) => {
    const { x, filter } = inputs as Record<'x' | 'filter', TensorInfo>;
    const at = isFloat(x, filter) ? geometry(x.shape, filter.shape, attrs, attrs.dilations) : undefined;
    const fusion = readFusion(inputs, attrs);
    if (at === undefined || fusion === undefined) return undefined;
    const { bias, preluActivationWeights: slopes } = fusion;
    const [maxRank, columns] = at.channelsFirst ? [1, at.outShape[1]] : [4, at.outShape[3]];
    const fuses = [bias, slopes].every((t) => t === undefined || isPerColumn(t, columns, maxRank));
    const y = mapImage(backend, at, x, at.outShape, (image, result) => {
      if (fuses) {
        const params = { ...at.params, ...fusionParams(fusion) };
        backend.run('FusedConv2D', [image, filter, bias, slopes], [result], params);
      } else {
        backend.run('Conv2D', [image, filter], [result], at.params);
      }
    });
    if (fuses) return y;
    const align = (t: TensorInfo | undefined) => t && (at.channelsFirst ? alignList(t) : t);
    return applyFusion(backend, y, { ...fusion, bias: align(bias), preluActivationWeights: align(slopes) });
  },

  // The gradients have no attribute for dilation: upstream has none of dilated convolutions.
  Conv2DBackpropInput: ({ inputs, attrs, backend }) => {
    const { dy, filter } = inputs as Record<'dy' | 'filter', TensorInfo>;
    const inputShape = attrs.inputShape as number[];
    const at = isFloat(dy, filter) ? geometry(inputShape, filter.shape, attrs, 1) : undefined;
    if (at === undefined || !util.arraysEqual(dy.shape, at.outShape)) return undefined;
    return mapImage(backend, at, dy, at.inShape, (image, dx) =>
      backend.run('Conv2DBackpropInput', [image, filter], [dx], at.params),
    );
  },

  Conv2DBackpropFilter: ({ inputs, attrs, backend }) => {
    const { x, dy } = inputs as Record<'x' | 'dy', TensorInfo>;
    const filterShape = attrs.filterShape as number[];
    const at = isFloat(x, dy) ? geometry(x.shape, filterShape, attrs, 1) : undefined;
    if (at === undefined || !util.arraysEqual(dy.shape, at.outShape)) return undefined;
    const dFilter = backend.output(filterShape, 'float32');
    if (!at.channelsFirst) {
      backend.run('Conv2DBackpropFilter', [x, dy], [dFilter], at.params);
      return dFilter;
    }
    const lastX = toChannelsLast(backend, x);
    const lastDy = toChannelsLast(backend, dy);
    backend.run('Conv2DBackpropFilter', [lastX, lastDy], [dFilter], at.params);
    backend.disposeIntermediateTensorInfo(lastX);
    backend.disposeIntermediateTensorInfo(lastDy);
    return dFilter;
  },
};

/** Depthwise two-dimensional convolution and its gradients. */
import { backend_util, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { applyFusion, fusionParams, isPerColumn, readFusion } from './activation';
import { geometry, isFloat } from './conv2d';
import type { NativeKernels } from './kernel';

/** The geometry of a forward pass; undefined where JavaScript shall take the call, or refuse it. */
function forwardGeometry(x: TensorInfo, filter: TensorInfo, attrs: NamedAttrMap) {
  const dilations = attrs.dilations ?? 1;
  const { eitherStridesOrDilationsAreOne } = backend_util;
  if (!eitherStridesOrDilationsAreOne(attrs.strides as number, dilations as number)) return undefined;
  return depthwiseGeometry(x.shape, filter.shape, attrs, dilations);
}

function depthwiseGeometry(
  inShape: number[],
  filterShape: number[],
  attrs: NamedAttrMap,
  dilations: unknown,
) {
  return inShape[3] === filterShape[2] ? geometry(inShape, filterShape, attrs, dilations, true) : undefined;
}

/** The geometry of a gradient. JavaScript's kernels do not take dilation into account. */
function gradientGeometry(inShape: number[], filterShape: number[], attrs: NamedAttrMap, dy: TensorInfo) {
  const { dilations = 1 } = attrs;
  if (![dilations].flat().every((dilation) => dilation === 1)) return undefined;
  const at = depthwiseGeometry(inShape, filterShape, attrs, 1);
  return at !== undefined && util.arraysEqual(dy.shape, at.outShape) ? at : undefined;
}

export const depthwiseConv2d: NativeKernels = {
  DepthwiseConv2dNative: ({ inputs, attrs, backend }) => {
    const { x, filter } = inputs as Record<'x' | 'filter', TensorInfo>;
    const at = isFloat(x, filter) ? forwardGeometry(x, filter, attrs) : undefined;
    if (at === undefined) return undefined;
    const y = backend.output(at.outShape, 'float32');
    backend.run('DepthwiseConv2dNative', [x, filter], [y], at.params);
    return y;
  },

  FusedDepthwiseConv2D: ({ inputs, attrs, backend }) => {
    const { x, filter } = inputs as Record<'x' | 'filter', TensorInfo>;
    const at = isFloat(x, filter) ? forwardGeometry(x, filter, attrs) : undefined;
    const fusion = readFusion(inputs, attrs);
    if (at === undefined || fusion === undefined) return undefined;
    const { bias, preluActivationWeights: slopes } = fusion;
    const y = backend.output(at.outShape, 'float32');
    if ([bias, slopes].every((t) => t === undefined || isPerColumn(t, at.outShape[3], 4))) {
      const params = { ...at.params, ...fusionParams(fusion) };
      backend.run('FusedDepthwiseConv2D', [x, filter, bias, slopes], [y], params);
      return y;
    }
    backend.run('DepthwiseConv2dNative', [x, filter], [y], at.params);
    return applyFusion(backend, y, fusion);
  },

  DepthwiseConv2dNativeBackpropInput: ({ inputs, attrs, backend }) => {
    const { dy, filter } = inputs as Record<'dy' | 'filter', TensorInfo>;
    const inputShape = attrs.inputShape as number[];
    const at = isFloat(dy, filter) ? gradientGeometry(inputShape, filter.shape, attrs, dy) : undefined;
    if (at === undefined) return undefined;
    const dx = backend.output(at.inShape, 'float32');
    backend.run('DepthwiseConv2dNativeBackpropInput', [dy, filter], [dx], at.params);
    return dx;
  },

  DepthwiseConv2dNativeBackpropFilter: ({ inputs, attrs, backend }) => {
    const { x, dy } = inputs as Record<'x' | 'dy', TensorInfo>;
    const filterShape = attrs.filterShape as number[];
    const at = isFloat(x, dy) ? gradientGeometry(x.shape, filterShape, attrs, dy) : undefined;
    if (at === undefined) return undefined;
    const dFilter = backend.output(filterShape, 'float32');
    backend.run('DepthwiseConv2dNativeBackpropFilter', [x, dy], [dFilter], at.params);
    return dFilter;
  },
};

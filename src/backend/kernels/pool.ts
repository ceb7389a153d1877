/** Max and average pooling of images, and their gradients. */
import { backend_util, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { NativeKernel, NativeKernels } from './kernel';

type Shape4D = [number, number, number, number];

function convInfo(x: TensorInfo, attrs: NamedAttrMap, roundingMode: unknown): backend_util.Conv2DInfo {
  return backend_util.computePool2DInfo(
    x.shape as Shape4D,
    attrs.filterSize as number | [number, number],
    attrs.strides as number | [number, number],
    1,
    attrs.pad as number | 'valid' | 'same' | backend_util.ExplicitPadding,
    roundingMode as 'floor' | 'round' | 'ceil' | undefined,
  );
}

/** Whether windows, strides and shapes are what a native kernel takes; for the others JavaScript has its own ways. */
function isUsual(info: backend_util.Conv2DInfo): boolean {
  const atLeastOne = [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth];
  return (
    atLeastOne.every((n) => Number.isSafeInteger(n) && n >= 1) &&
    [info.padInfo.top, info.padInfo.left].every(Number.isSafeInteger) &&
    info.outShape.every((n) => Number.isSafeInteger(n) && n >= 0)
  );
}

function params(info: backend_util.Conv2DInfo) {
  return {
    windowHeight: info.filterHeight,
    windowWidth: info.filterWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    padTop: info.padInfo.top,
    padLeft: info.padInfo.left,
  };
}

function pool(name: 'MaxPool' | 'AvgPool'): NativeKernel {
  return ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    if (x.dtype !== 'float32') return undefined;
    const info = convInfo(x, attrs, attrs.dimRoundingMode);
    if (!isUsual(info)) return undefined;
    if (info.filterHeight === 1 && info.filterWidth === 1 && util.arraysEqual(info.inShape, info.outShape)) {
      return backend.alias(x, x.shape);
    }
    const y = backend.output(info.outShape, 'float32');
    backend.run(name, [x], [y], params(info));
    return y;
  };
}

/** The gradient for `input`, if dy has the shape that the forward kernel's output has by these parameters. */
function gradient(
  name: 'MaxPoolGrad' | 'AvgPoolGrad',
  roundingMode: (attrs: NamedAttrMap) => unknown,
  tensors: (dy: TensorInfo, x: TensorInfo) => TensorInfo[],
): NativeKernel {
  return ({ inputs, attrs, backend }) => {
    const dy = inputs.dy as TensorInfo;
    const x = inputs.input as TensorInfo;
    if (dy.dtype !== 'float32' || x.dtype !== 'float32') return undefined;
    const info = convInfo(x, attrs, roundingMode(attrs));
    if (!isUsual(info) || !util.arraysEqual(info.outShape, dy.shape)) return undefined;
    const dx = backend.output(x.shape, 'float32');
    backend.run(name, tensors(dy, x), [dx], params(info));
    return dx;
  };
}

export const pooling: NativeKernels = {
  MaxPool: pool('MaxPool'),
  AvgPool: pool('AvgPool'),
  MaxPoolGrad: gradient(
    'MaxPoolGrad',
    (attrs) => attrs.dimRoundingMode,
    (dy, x) => [dy, x],
  ),
  // The JavaScript kernel leaves the rounding mode out here.
  AvgPoolGrad: gradient(
    'AvgPoolGrad',
    () => undefined,
    (dy) => [dy],
  ),
};
